"""Calls that are sent ahead of their turn: what one of them meets is that one's alone."""

import time

import pytest

from executor.judging.judge import Judge
from executor.sandbox.jail import Jail
from infra.contracts.base import Label
from infra.contracts.execution import Suite
from infra.contracts.problems import AssertTest, CallTest, Limits
from tests.integration.judged import judged, outcomes

CALLS = tuple(CallTest(args=(n,), expected=n) for n in range(6))
LIMITS = Limits(cpu_seconds=0.5, output_bytes=1024)
WAYS = {
    "time_limit_exceeded": "any(iter(int, 1))",
    "output_limit_exceeded": "os.write(1, b'x' * 2000)",
    "memory_limit_exceeded": "bytearray(2**40)",
    "runtime_error": "os._exit(0)",
    "wrong_answer": "n = None",
}
SLOW_CHECKER = "import time\ndef check(a, e, v):\n    time.sleep(1)\n    return True\n"


@pytest.mark.parametrize("outcome", WAYS)
def test_what_one_call_meets_is_no_other_calls(slot, outcome):
    program = f"import os\ndef f(n):\n    print(n)\n    if n == 2: {WAYS[outcome]}\n    return n\n"

    verdict = judged(slot, program, *CALLS, limits=LIMITS)

    assert outcomes(verdict) == ["passed", "passed", outcome, "passed", "passed", "passed"]


@pytest.fixture
def seen_late(monkeypatch):
    """Has us look away while the first calls are answered."""
    arrive, waits = Jail.arrive, [0.0, 0.0, 1.2]

    def late(jail, *args):
        time.sleep(waits.pop(0) if waits else 0)
        return arrive(jail, *args)

    monkeypatch.setattr(Jail, "arrive", late)


@pytest.mark.parametrize("outcome", WAYS)
def test_what_a_call_meets_before_we_see_it_loaded_is_that_calls(slot, monkeypatch, outcome):
    arrive, waits = Jail.arrive, [0.8]

    def late(jail, *args):
        jail.boot()
        time.sleep(waits.pop() if waits else 0)
        return arrive(jail, *args)

    monkeypatch.setattr(Jail, "arrive", late)
    program = f"import os\ndef f(n):\n    if n == 2: {WAYS[outcome]}\n    return n\n"

    verdict = judged(slot, program, *CALLS, limits=LIMITS)

    assert outcomes(verdict) == ["passed", "passed", outcome, "passed", "passed", "passed"]


def burning(seconds, calls):
    return (
        f"import time\ndef f(n):\n    end = time.process_time() + {seconds} * (n < {calls})\n"
        "    while time.process_time() < end: pass\n    return n\n"
    )


@pytest.mark.slow
@pytest.mark.usefixtures("seen_late")
def test_calls_that_are_each_in_time_are_so_when_their_answers_are_seen_together(slot):
    verdict = judged(slot, burning(0.2, 6), *CALLS, limits=LIMITS)

    assert outcomes(verdict) == ["passed"] * 6
    assert all(test.cpu_seconds < LIMITS.cpu_seconds for test in verdict.tests)


@pytest.mark.usefixtures("seen_late")
def test_a_call_near_its_limit_is_told_from_those_that_answer_with_it(slot):
    assert judged(slot, burning(0.45, 1), *CALLS, limits=LIMITS).unstable


@pytest.mark.slow
def test_a_call_is_not_charged_what_test_code_before_it_has_asked_for(slot):
    code = "import unittest\nclass T(unittest.TestCase):\n"
    code += "".join(f"    def test_{n}(self): self.assertEqual(f({n}), {n})\n" for n in range(3))
    code += "    def test_all(self):\n        for n in range(2): self.assertEqual(f(7), 7)\n"
    calls = (
        CallTest(args=(7,), expected=7),
        AssertTest(source=code),
        CallTest(args=(7,), expected=7),
    )

    verdict = judged(slot, burning(0.25, 3), *calls, limits=LIMITS)

    assert outcomes(verdict) == ["passed"] * 6
    assert verdict.tests[-1].cpu_seconds < 0.25


@pytest.mark.parametrize("limits", [{"cpu_seconds": 0.1}, {"total_cpu_seconds": 0.3}])
def test_a_call_is_not_charged_what_the_next_uses_before_its_answer_is_seen(slot, limits):
    calls = (CallTest(args=(0,), comparator="checker", checker=SLOW_CHECKER), *CALLS[1:3])
    program = (
        "import time\ndef f(n):\n    time.sleep(n / 5)\n    while n == 2: pass\n    return n\n"
    )

    verdict = judged(
        slot, program, *calls, limits=Limits(**{"total_cpu_seconds": 5} | limits, idle_factor=20)
    )

    assert outcomes(verdict) == ["passed", "passed", "time_limit_exceeded"]


def test_who_finds_the_total_used_up_has_met_it_and_those_after_share_the_rest(slot):
    program = (
        "import threading\ndef spin():\n    while True: pass\n"
        "def f(n):\n    if n == 2: spin()\n"
        "    threading.Thread(target=spin, daemon=True).start()\n"
    )
    calls = (
        CallTest(args=("x" * 2**16,), comparator="checker", checker=SLOW_CHECKER),
        CallTest(args=(2,)),
        CallTest(args=(3,)),
    )

    verdict = judged(slot, program, *calls, limits=Limits(total_cpu_seconds=0.3, idle_factor=6))

    assert outcomes(verdict) == ["passed", "time_limit_exceeded", "not_run"]


@pytest.mark.parametrize(
    ("program", "label", "error"),
    [
        ("def f(:", Label.COMPILE_ERROR, "SyntaxError"),
        ("raise ValueError('mine')", Label.RUNTIME_ERROR, "ValueError: mine"),
    ],
)
def test_what_ends_a_program_before_it_reads_a_large_call_is_told(slot, program, label, error):
    verdict = judged(slot, program, CallTest(args=("x" * 900_000,)))

    assert verdict.label is label
    assert error in verdict.error


def test_more_calls_than_are_sent_at_once_and_large_ones_are_all_answered(slot):
    calls = [CallTest(args=("x" * (n * 1000),), expected=n * 1000) for n in range(150)]

    assert outcomes(judged(slot, "f = len", *calls)) == ["passed"] * 150


def test_calls_keep_their_places_among_other_tests(slot):
    code = "import unittest\nclass T(unittest.TestCase):\n"
    code += "    def test(self):\n        for n in range(3): self.assertEqual(f(n), n)\n"
    tests = (*CALLS[:2], AssertTest(source="assert f(7) == 7"), AssertTest(source=code), *CALLS[2:])
    judge = Judge(slot.sandbox, Suite(tests=tests, entry_point="f"), slot.version)

    verdict = judge.judge("def f(n): return n if n != 3 else None")

    assert outcomes(verdict) == ["passed"] * 5 + ["wrong_answer"] + ["passed"] * 2
