"""Random system calls, random arguments: afterwards the next honest candidate gets its label."""

import pytest

from infra.contracts.base import Label
from tests.hostile.attacks import HONEST
from tests.processes import descendants, settled
from tests.samples import sampled

ROUNDS = 12
PROGRAM = """
import ctypes
import os
import random
import time

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
CHOICE = random.Random({seed})
# All numbers that any kernel has so far, and a few that none has.
NUMBERS = [*range(480), 0x40000001, 0x7FFFFFFF]
# What would only end the process early: exit, exit_group, execve and execveat fail or end it.
RARE = {{60, 231, 15, 34}}


def value(buffer):
    bit = 1 << CHOICE.randrange(64)
    return CHOICE.choice((
        0, 1, 2, 3, 4, 9, 17, CHOICE.randrange(64), bit, bit | 1 << CHOICE.randrange(32),
        2**64 - 1, os.getpid(), 2**32 + CHOICE.randrange(64), buffer, buffer + 64, 0x8000, 4096,
    ))


def make_calls():
    memory = ctypes.create_string_buffer(os.urandom(65536), 65536)
    buffer = ctypes.addressof(memory)
    for text in (b"/tmp/x", b"/py", b"/dev/null"):
        ctypes.memmove(buffer, text + bytes(1), len(text) + 1)
    for _ in range(400):
        number = CHOICE.choice(NUMBERS)
        if number in RARE and CHOICE.random() < 0.95:
            continue
        libc.syscall(ctypes.c_ulong(number), *(ctypes.c_ulong(value(buffer)) for _ in range(6)))


def add(a, b):
    children = []
    for _ in range(6):
        CHOICE.seed(CHOICE.random())
        try:
            child = os.fork()
        except OSError:
            break
        if child == 0:
            try:
                make_calls()
            finally:
                os._exit(0)
        children.append(child)
    end = time.monotonic() + 0.4
    while time.monotonic() < end and children:
        try:
            done, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            break
        if not done:
            time.sleep(0.005)
    if a == 11:
        make_calls()
    return [a, b, a + b]


if __name__ == "__main__":
    print(*add(*map(int, input().split())))
"""


@pytest.mark.parametrize("suite", ["call", "stdio"])
@pytest.mark.parametrize("seed", sampled(range(ROUNDS), 4))
@pytest.mark.parametrize("slot", ["cell", "strict"], indirect=True)
def test_whatever_is_called_the_next_candidate_gets_its_label(judges, suite, seed):
    before = len(descendants())

    # It has a verdict, whichever: a fault of the sandbox would be raised.
    assert judges[suite].judge(PROGRAM.format(seed=seed)).label in Label

    assert judges[suite].judge(HONEST).label is Label.ALL_PASS
    assert len(settled(before)) <= before
