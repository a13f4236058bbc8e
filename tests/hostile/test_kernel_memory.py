"""What the kernel holds for a candidate is charged to it, or there can only be so many of it."""

import contextlib

import pytest

from executor.judging.host import FunctionHost, Meter, Spending
from executor.judging.judge import Judge
from executor.sandbox.ended import Ended
from executor.sandbox.slot import Slot
from executor.settings import ExecutorSettings, default_home
from infra.contracts.base import Label, Outcome
from tests.hostile.attacks import HONEST, LIMITS, SUITES

PROGRAM = """
import ctypes
import fcntl
import mmap
import os
import select
import signal
import socket
import time

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
BLOCK = bytes(65536)
F_SETPIPE_SZ, F_OFD_SETLK = 1031, 37
SO_SNDBUF, SO_RCVBUF = 7, 8
kept = []


def checked(result):
    if result in (-1, 2**64 - 1):
        raise OSError(ctypes.get_errno())
    return result


def as_many_as_can_be(step):
    # Far more than any bound, so that a test of one that has none ends as well.
    for count in range(100_000):
        try:
            kept.append(step(count))
        except OSError:
            return count
    return count


def in_every_process(step):
    # How many there are in all of as many processes as there may be.
    reading, writing = os.pipe()
    children = 0
    while True:
        try:
            child = os.fork()
        except OSError:
            break
        if child == 0:
            os.write(writing, as_many_as_can_be(step).to_bytes(4, "big"))
            time.sleep(60)
            os._exit(0)
        children += 1
    total = as_many_as_can_be(step)
    return total + sum(int.from_bytes(os.read(reading, 4), "big") for _ in range(children))


def fill(fd):
    os.set_blocking(fd, False)
    try:
        while True:
            os.write(fd, BLOCK)
    except BlockingIOError:
        pass


def full_pipe(number):
    ends = os.pipe()
    try:
        fcntl.fcntl(ends[1], F_SETPIPE_SZ, 1 << 20)
    except PermissionError:
        pass
    fill(ends[1])
    return ends


def pipes():
    return in_every_process(full_pipe)


def named_pipe(number):
    os.mkfifo(f"/tmp/{number}")
    fd = os.open(f"/tmp/{number}", os.O_RDWR)
    fill(fd)
    return fd


def named_pipes():
    # Each process opens its own.
    return in_every_process(lambda number: named_pipe(f"{os.getpid()}-{number}"))


def full_pair(number):
    pair = socket.socketpair()
    for end in pair:
        for option in (SO_SNDBUF, SO_RCVBUF):
            end.setsockopt(socket.SOL_SOCKET, option, 1 << 30)
        fill(end.fileno())
    return pair


def sockets():
    return in_every_process(full_pair)


def datagrams():
    def step(number):
        pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        pair[0].setblocking(False)
        try:
            while True:
                pair[0].send(b"")
        except BlockingIOError:
            return pair

    return in_every_process(step)


def waiting_connections():
    server = socket.socket(socket.AF_UNIX)
    server.bind(chr(0))
    server.listen(1 << 30)

    def step(number):
        with socket.socket(socket.AF_UNIX) as client:
            client.setblocking(False)
            client.connect(chr(0))
            fill(client.fileno())

    return as_many_as_can_be(step)


def passed_files():
    def step(number):
        ours, theirs = socket.socketpair()
        reading, writing = os.pipe()
        fill(writing)
        socket.send_fds(ours, [b"x"], [theirs.fileno(), reading, writing])
        theirs.close()
        os.close(reading)
        os.close(writing)
        return ours

    return in_every_process(step)


def unnamed_files():
    def step(number):
        fd = os.memfd_create("file")
        os.write(fd, bytes(4 << 20))
        return fd

    return in_every_process(step)


def mappings():
    # Every other one may be written, so that no two become one.
    return in_every_process(
        lambda number: checked(libc.mmap(None, 4096, 1 + 2 * (number % 2), 0x22, -1, 0))
    )


def page_tables():
    def step(number):
        area = mmap.mmap(-1, 8 << 20, flags=0x22, prot=mmap.PROT_READ)
        for place in range(0, 8 << 20, 4096):
            area[place]
        return area

    return in_every_process(step)


def watches():
    events = [os.eventfd(0) for _ in range(20)]

    def step(number):
        poll = select.epoll()
        for event in events:
            poll.register(event)
        return poll

    return in_every_process(step)


def counters():
    return in_every_process(lambda number: os.eventfd(0))


def clocks():
    return in_every_process(lambda number: checked(libc.timerfd_create(1, 0)))


def timers():
    number_of_it = ctypes.c_int()
    return in_every_process(
        lambda number: checked(libc.timer_create(1, None, ctypes.byref(number_of_it)))
    )


def waiting_signals():
    signal.pthread_sigmask(signal.SIG_BLOCK, [40])
    return in_every_process(lambda number: checked(libc.sigqueue(os.getpid(), 40, None)))


def links():
    return as_many_as_can_be(lambda number: os.symlink("x" * 4000, f"/tmp/{number}"))


def locks():
    file = open("/tmp/file", "wb")
    lock = lambda number: bytes(8) + number.to_bytes(8, "little") + (1).to_bytes(8, "little")
    return as_many_as_can_be(lambda number: fcntl.fcntl(file, F_OFD_SETLK, lock(number) + bytes(8)))


def segments():
    return as_many_as_can_be(lambda number: checked(libc.shmget(0, 4096, 0o1600)))


def semaphores():
    return as_many_as_can_be(lambda number: checked(libc.semget(0, 32000, 0o1600)))


def messages():
    return as_many_as_can_be(lambda number: checked(libc.msgget(0, 0o1600)))


def message_queues():
    return as_many_as_can_be(lambda number: checked(libc.mq_open(b"/queue", 0o102, 0o600, None)))


def notices():
    return as_many_as_can_be(lambda number: checked(libc.inotify_init1(0)))


def keys():
    key = (b"user", b"key", b"x", 1, ctypes.c_int(-3))
    return as_many_as_can_be(lambda number: checked(libc.syscall(248, *key)))


def rings():
    room = ctypes.create_string_buffer(256)
    return as_many_as_can_be(lambda number: checked(libc.syscall(425, 8, room)))


def kernel_programs():
    room = ctypes.create_string_buffer(256)
    return as_many_as_can_be(lambda number: checked(libc.syscall(321, 0, room, 128)))


def page_faults():
    return as_many_as_can_be(lambda number: checked(libc.syscall(323, 1)))


def huge_pages():
    # Reserved, so that a machine which has none refuses with another error.
    libc.mmap(None, 2 << 20, 3, 0x40022, -1, 0)
    first = ctypes.get_errno()
    libc.memfd_create(b"file", 4)
    return [first, ctypes.get_errno()]


def names_of_mappings():
    area = libc.mmap(None, 4096, 3, 0x22, -1, 0)
    libc.prctl(0x53564D41, 0, ctypes.c_void_p(area), 4096, b"name")
    return ctypes.get_errno()
"""
EPERM = 1
CHARGED = {
    *("pipes", "named_pipes", "sockets", "datagrams", "waiting_connections", "unnamed_files"),
    "mappings",
}
"""Ends by the memory limit, since there may be more of it than the limit has room for."""
PROCESSES = LIMITS.processes + 1
MOST = {
    # Files: a process has 64 numbers for them, and so many may be on the way between sockets.
    **dict.fromkeys(("watches", "counters", "clocks", "passed_files"), 64 * PROCESSES),
    **dict.fromkeys(("timers", "waiting_signals"), 1000),
    "links": 1024,
    **dict.fromkeys(("segments", "semaphores", "messages", "message_queues"), 0),
    **dict.fromkeys(("locks", "notices", "keys", "rings", "kernel_programs", "page_faults"), 0),
}
"""Most that there may be of each, in all processes of a jail."""
# Less than elsewhere, so that it is soon reached.
SMALL = LIMITS.model_copy(
    update={"memory_bytes": 40 * 2**20, "cpu_seconds": 5.0, "total_cpu_seconds": 10.0}
)


@pytest.fixture(scope="module")
def neighbour():
    """Judges honest candidates in another slot."""
    settings = ExecutorSettings(home=default_home())
    with contextlib.closing(Slot(settings, number=10)) as slot:
        yield Judge(slot.sandbox, SUITES["call"], slot.version)


def taken(slot, kind):
    """How many it got of a kind, or the outcome that ended it; and the memory it was charged."""
    meter = Meter(SMALL)
    request = {"op": "call", "id": 0, "function": kind, "given": [[], {}]}
    with FunctionHost(slot.sandbox, PROGRAM, SMALL, meter) as host:
        try:
            got = host.ask(request, Spending())["value"]
        except Ended as ended:
            got = ended.outcome
    return got, meter.usage().memory_bytes


@pytest.mark.parametrize("kind", sorted(CHARGED | MOST.keys()))
@pytest.mark.parametrize("slot", ["cell"], indirect=True)
def test_it_is_charged_or_bounded(slot, judges, neighbour, kind):
    got, charged = taken(slot, kind)

    if kind in CHARGED:
        assert got is Outcome.MEMORY_LIMIT_EXCEEDED
    else:
        assert got <= MOST[kind]
    assert charged <= SMALL.memory_bytes
    assert judges["call"].judge(HONEST).label is Label.ALL_PASS
    assert neighbour.judge(HONEST).label is Label.ALL_PASS


@pytest.mark.parametrize("slot", ["cell", "strict"], indirect=True)
def test_what_is_charged_to_nobody_is_refused(slot):
    assert taken(slot, "huge_pages")[0] == [EPERM, EPERM]
    assert taken(slot, "names_of_mappings")[0] == EPERM
