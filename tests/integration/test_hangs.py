"""What a program costs that does not end, and what becomes of one that gets no processor."""

import contextlib
import os
import subprocess
import sys
import time

import pytest

from executor.judging.limits.metering import Meter
from executor.sandbox.slot import Slot
from executor.settings import ExecutorSettings
from infra import errors
from infra.contracts.base import Language
from infra.contracts.problems import CallTest, Limits, StdioTest
from tests.integration.judged import judged, outcomes

SECONDS = 0.25
LIMITS = Limits(cpu_seconds=SECONDS, idle_factor=1)
HANGS = "def f(n):\n    while n: pass\n    return n\n"
SLEEPS = "import time\ndef f(n):\n    while n: time.sleep(0.001)\n    return n\n"
READS = HANGS + "print(f(int(input())))\n"
IN_BASH = 'read n\nwhile [ "$n" != 0 ]; do :; done\necho "$n"\n'
CALLS = [CallTest(args=(n,), expected=n) for n in range(6)]
PLAIN = ["\n".join(f"assert f({n}) == {n}" for n in range(6))]
# With a name in between it is not read as plain data.
APART = ["\n".join(f"def test_{n}():\n    x = {n}\n    assert f(x) == x\n" for n in range(6))]
BESIDE = [f"def test_{n}(tmp_path):\n    assert f({n}) == {n}\n" for n in range(6)]
READING = [StdioTest(stdin=f"{n}\n", expected_stdout=f"{n}\n") for n in range(6)]
BASH = {"language": Language.BASH, "entry_point": None}
SHARED = {"integrity": "shared"}


@pytest.fixture(scope="module")
def slot(cell):
    """One mode is enough here: `test_differential.py` compares both."""
    return cell


@pytest.mark.parametrize(
    ("program", "tests", "fields"),
    [
        pytest.param(HANGS, CALLS, {}, id="calls"),
        pytest.param(HANGS, PLAIN, {}, id="plain"),
        pytest.param(HANGS, APART, {}, id="apart"),
        pytest.param(HANGS, BESIDE, SHARED, id="beside"),
        pytest.param(READS, READING, {"entry_point": None}, id="reading"),
        pytest.param(IN_BASH, READING, BASH, id="native"),
    ],
)
def test_a_hang_costs_two_limits_whatever_the_number_of_tests(slot, program, tests, fields):
    verdict = judged(slot, program, *tests, limits=LIMITS, **fields)

    assert outcomes(verdict) == ["passed", "time_limit_exceeded", *["not_run"] * 4]
    assert verdict.label == "partial_pass"
    # A fifth more tells what is late from what does not end; the rest is to start processes.
    starts = 0.6 if fields is SHARED else 0.1
    assert verdict.usage.cpu_seconds < (1.2 + 1) * SECONDS + starts


def test_after_a_hang_tests_that_end_still_count(slot):
    tests = [CallTest(args=(n,), expected=n) for n in (1, 0, 0)]

    verdict = judged(slot, HANGS, *tests, limits=LIMITS)

    assert outcomes(verdict) == ["time_limit_exceeded", "passed", "passed"]


def test_a_problem_may_have_every_test_run(slot):
    limits = Limits(cpu_seconds=0.1, run_every_test=True)

    verdict = judged(slot, HANGS, *CALLS[:3], limits=limits)

    assert outcomes(verdict) == ["passed", "time_limit_exceeded", "time_limit_exceeded"]


@pytest.mark.parametrize("answer", ["n", "time.sleep(0.005) or n"])
def test_what_test_code_asks_for_ever_is_a_hang_as_well(slot, answer):
    test = "def test_one():\n    while f(1):\n        pass\ndef test_two():\n    assert not f(0)\n"

    verdict = judged(slot, f"import time\ndef f(n): return {answer}\n", test, limits=LIMITS)

    assert outcomes(verdict)[0] == "time_limit_exceeded"


def test_tests_after_a_hang_have_the_time_that_the_reference_takes_for_all(slot):
    # Fifteen milliseconds each: together more than is always left, and less than one limit.
    works = "import time\ndef f(n):\n    end = time.process_time() + 0.015\n"
    works += "    while time.process_time() < end: pass\n    return n\n"
    hangs = works.replace("    while", "    while n == 0 or", 1)
    tests = [CallTest(args=(n,), expected=n) for n in range(8)]

    verdict = judged(slot, hangs, *tests, reference_program=works)

    assert outcomes(verdict) == ["time_limit_exceeded", *["passed"] * 7]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tests", "fields"), [(CALLS, {}), (BESIDE, SHARED)], ids=["calls", "beside"]
)
def test_what_hangs_while_it_is_loaded_costs_a_second(slot, tests, fields):
    hangs = "def f(n): return n\nwhile True: pass\n"

    verdict = judged(slot, hangs, *tests, reference_program=HANGS[:9] + " return n\n", **fields)

    assert verdict.label == "runtime_error"
    assert set(outcomes(verdict)) <= {"time_limit_exceeded", "not_run"}
    assert verdict.usage.cpu_seconds < 1.5


@pytest.mark.slow
def test_what_is_loaded_has_ten_times_what_the_reference_takes(slot):
    works = "import time\nend = time.process_time() + {}\nwhile time.process_time() < end: pass\n"
    works += "def f(n): return n\n"

    slow, slower = (
        judged(slot, works.format(seconds), *CALLS, reference_program=works.format(0.15))
        for seconds in (1.2, 3)
    )

    assert (slow.label, slower.label) == ("all_pass", "runtime_error")


def test_calls_of_one_test_share_its_time(slot):
    calls = "import time\ndef f(n):\n    end = time.process_time() + n / 100\n"
    calls += "    while time.process_time() < end: pass\n    return n\n"
    test = "def test_one():\n    for n in range({0}):\n        assert f(14) == 14\n"
    tests = [test.format(n) for n in (1, 2)]

    verdict = judged(slot, calls, *tests, limits=LIMITS)

    assert outcomes(verdict) == ["passed", "time_limit_exceeded"]
    assert verdict.unstable


def test_what_sleeps_is_ended_however_it_wakes_in_between(slot):
    verdict = judged(slot, SLEEPS, *CALLS, limits=LIMITS)

    assert outcomes(verdict) == ["passed", "time_limit_exceeded", *["not_run"] * 4]
    assert verdict.tests[1].detail == "the idle time limit was reached"
    assert verdict.usage.cpu_seconds < SECONDS


def test_who_is_awake_when_we_wake_is_idle_all_the_same(slot):
    program = (
        "import os, time\ndef f(n):\n    while True:\n        time.sleep(0.0195)\n"
        "        os.write(1, b'.')\n        end = time.perf_counter() + 0.0012\n"
        "        while time.perf_counter() < end: pass\n"
    )

    verdict = judged(slot, program, CALLS[0], limits=LIMITS)

    assert outcomes(verdict) == ["time_limit_exceeded"]
    assert verdict.tests[0].detail == "the idle time limit was reached"
    # Thirteen beats are its limit; it got hundreds where each of them had us look.
    assert len(verdict.stdout) < 200


@pytest.mark.slow
def test_who_tells_more_than_can_be_read_has_a_verdict(slot):
    tells = (
        'import os\nmessage = b\'{"begin": "x"}\'\n'
        "message = len(message).to_bytes(4, 'big') + message\n"
        "def f(n):\n    while True: os.write(3, message * 1000)\n"
    )
    limits = Limits(cpu_seconds=1, total_cpu_seconds=1, idle_factor=1)

    verdict = judged(slot, tells, BESIDE[0], limits=limits, **SHARED)

    assert "output_limit_exceeded" in outcomes(verdict)
    assert verdict.label == "runtime_error"


@pytest.fixture
def starved(open_directory):
    """A slot whose one processor is wanted by many others."""
    own, (one, *_) = os.sched_getaffinity(0), os.sched_getaffinity(0)
    os.sched_setaffinity(0, {one})
    loops = [subprocess.Popen([sys.executable, "-Sc", "while True: pass"]) for _ in range(8)]
    try:
        settings = ExecutorSettings(home=open_directory / "executor")
        with contextlib.closing(Slot(settings, 13)) as slot:
            yield slot
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
        os.sched_setaffinity(0, own)


def test_what_gets_no_processor_is_not_idle(starved):
    works = (
        "import threading, time\ndef f(n):\n"
        "    end = time.process_time() + 0.1\n"
        "    while time.process_time() < end: pass\n    return n\n"
    )
    limits = Limits(cpu_seconds=0.5, idle_factor=0.1)

    verdict = judged(starved, works, CallTest(args=(1,), expected=1), limits=limits)

    assert outcomes(verdict) == ["passed"]
    # Or nobody has kept the processor from it.
    assert verdict.tests[0].wall_seconds > limits.idle_seconds + verdict.tests[0].cpu_seconds


def test_what_could_not_be_judged_in_time_has_no_verdict(slot):
    started = {"role": "functions", "source": "while True: pass"}
    judged_by_now = Meter(LIMITS, deadline=time.monotonic())

    def judge():
        with slot.sandbox.jail(started, LIMITS) as jail:
            jail.receive(judged_by_now.budget(jail, 1, 1))  # That it compiles.
            jail.receive(judged_by_now.budget(jail, 1, 1))

    with pytest.raises(errors.SandboxError, match="too little of the processors"):
        judge()
