"""Compiled programs, which make system calls as they like, and compilers that run their source."""

import contextlib
import os
from pathlib import Path

import pytest

from executor.installed import look_up
from executor.judging.host import CompileFailed
from executor.judging.native.runner import NativeRunner
from executor.sandbox.ended import Ended
from infra.contracts.base import Language, Outcome
from infra.contracts.problems import Limits
from tests.processes import descendants

REACHES_OUT = Path(__file__).with_name("reaches_out.c").read_text()
BOTH = pytest.mark.parametrize("slot", ["cell", "strict"], indirect=True)
# Perl runs `BEGIN` while it only looks whether a program parses; the file is what it "compiles".
AWAY = 'unlink "main.pl"; '
COMPILED = {
    "the guest is killed": "kill 9, getppid()",
    "all are killed": "kill 9, -1",
    "it may open no file": "my $x = pack('QQ', 3, 3); syscall(302, getppid(), 7, $x, 0)",
    "a link to a device": AWAY + 'symlink "/dev/zero", "main.pl"',
    "a link to itself": AWAY + 'symlink "main.pl", "main.pl"',
    "a link to everything": AWAY + 'symlink "/", "main.pl"',
    "a link to nothing": AWAY + 'mkdir "main.pl"; symlink "/none", "main.pl/x"',
    "nobody may read it": 'chmod 0, "main.pl"',
    "too large": 'truncate "main.pl", 200 << 20',
}
KEPT = {
    "a hole on a full disk": 'open F, ">a"; syswrite F, "x" x (1 << 20) for 1 .. 250; '
    'truncate "main.pl", 60 << 20',
    "many files": AWAY + 'mkdir "main.pl"; for (1 .. 900) { open F, ">main.pl/$_"; close F }',
    "odd names": AWAY + r'mkdir "main.pl"; for ("a\n", "\xff\xfe", "-x", " ", "\"", "...") '
    '{ open F, ">", "main.pl/$_" or die; close F }',
    "what is written later": 'if (!fork) { for (1 .. 1e6) { open F, ">>main.pl"; '
    'print F "#" x 999; close F; truncate "main.pl", 50 } }',
}  # fmt: skip


def runner(slot, language):
    if look_up(language).path is None:
        pytest.skip(f"{language} is not installed here")
    return NativeRunner(slot.sandbox, language, Limits(processes=16))


def told(native, compiled):
    with native.jail(compiled, "") as jail:
        jail.wait(jail.budget(10, 10))
        return jail.output("stdout").decode()


def opened():
    return len(os.listdir("/proc/self/fd"))


@BOTH
def test_a_compiled_program_reaches_nothing_and_nobody(slot):
    native = runner(slot, Language.C)
    compiled = native.compile(REACHES_OUT)

    # Of a strict jail, and where an ordinary user has no other users to give.
    is_own = slot.sandbox.mode == "strict" or os.geteuid() != 0
    first, second = told(native, compiled), told(native, compiled)

    # The second finds no process and no name that the first has left.
    assert first == second
    assert first.splitlines() == [*(["process 1 is ours"] if is_own else []), "done"]


@BOTH
@pytest.mark.parametrize("name", COMPILED)
def test_what_no_compiler_makes_is_a_failure_of_the_candidate(slot, name):
    native = runner(slot, Language.PERL)

    with pytest.raises((CompileFailed, Ended)) as raised:
        native.compile(f"BEGIN {{ {COMPILED[name]} }} print 1")

    if isinstance(raised.value, Ended):
        assert raised.value.outcome in (
            Outcome.OUTPUT_LIMIT_EXCEEDED, Outcome.MEMORY_LIMIT_EXCEEDED
        )  # fmt: skip
    assert native.compile("print 1").files == {"main.pl": b"print 1"}


@BOTH
@pytest.mark.parametrize("name", KEPT)
def test_what_a_compiler_leaves_goes_nowhere_but_into_the_next_jail(slot, name):
    native = runner(slot, Language.PERL)

    compiled = native.compile(f"BEGIN {{ {KEPT[name]} }} print 1")

    assert all(Path(path).parts[0] == "main.pl" for path in compiled.files)
    told(native, compiled)
    assert told(native, native.compile("print 1")) == "1"


@pytest.mark.slow
@pytest.mark.parametrize("slot", ["cell"], indirect=True)
def test_nothing_piles_up_in_the_supervisor(slot):
    native = runner(slot, Language.PERL)
    told(native, native.compile("print 1"))
    before, processes = opened(), len(descendants())

    for source in (
        "print 1",
        "BEGIN { kill 9, getppid() }",
        'BEGIN { truncate "main.pl", 99 << 20 }',
    ):
        for _ in range(20):
            with contextlib.suppress(CompileFailed, Ended):
                told(native, native.compile(source))

    assert opened() == before
    assert len(descendants()) == processes
