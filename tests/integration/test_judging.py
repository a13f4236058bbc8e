"""What the judge does beyond running tests: checkers, calibration, plain asserts."""

import json
import os
import subprocess
import sys
import threading

import psutil
import pytest

import executor
from executor.judging.asserting import ReferenceNearLimit, SuiteBroken
from executor.judging.judge import Judge
from executor.sandbox.slot_lock import SlotLock
from infra.contracts.base import Label, Outcome
from infra.contracts.execution import Suite
from infra.contracts.problems import AssertTest, CallTest, Limits, StdioTest
from services.starter import load as starter


@pytest.fixture(scope="module")
def slot(cell):
    """One mode is enough here: `test_differential.py` compares both."""
    return cell


def judge(slot, *tests, **fields):
    return Judge(slot.sandbox, Suite(tests=tests, entry_point="f", **fields), slot.version)


DIVISOR = """
def check(args, expected, actual):
    return 1 < actual < args[0] and args[0] % actual == 0
"""
SPIN = """
import time
def f(*_):
    end = time.process_time() + {0}
    while time.process_time() < end:
        pass
    return 1
"""


def divisor(number):
    return CallTest(args=(number,), comparator="checker", checker=DIVISOR)


def test_a_checker_decides_where_many_answers_are_right(slot):
    any_divisor = judge(slot, divisor(12), divisor(35))

    assert any_divisor.judge("def f(n): return 5 if n == 35 else 3").label is Label.ALL_PASS
    assert any_divisor.judge("def f(n): return 7 if n == 35 else 6").label is Label.ALL_PASS
    wrong = any_divisor.judge("def f(n): return 5")
    assert [test.outcome for test in wrong.tests] == [Outcome.WRONG_ANSWER, Outcome.PASSED]


def test_an_answer_that_is_no_plain_data_is_wrong_whatever_the_checker(slot):
    (result,) = judge(slot, divisor(12)).judge("def f(n): return object()").tests

    assert result.outcome is Outcome.WRONG_ANSWER
    assert "cannot be compared" in result.detail


@pytest.mark.parametrize(
    ("checker", "detail"),
    [
        ("def check(*a): return 1", "neither True nor False"),
        ("def check(*a): return None", "neither True nor False"),
        ("def check(*a): raise SystemExit(0)", "the checker failed: SystemExit"),
        ("def check(i, e, a): return int(a) == 1", "the checker failed: ValueError"),
        ("def check(a): return True", "the checker failed: TypeError"),
        ("def check(*a):\n    while True: pass", "time limit was reached"),
        ("def check(*a): return len([0] * 10**9) > 0", "the checker failed: MemoryError"),
        ("import os\ndef check(*a): os._exit(0)", "the checker failed: exited"),
        ("def check(:", "the checker failed: SyntaxError"),
        ("raise OSError", "the checker failed: OSError"),
        ("x = 1", "defines no 'check'"),
    ],
)
def test_a_checker_that_fails_is_the_suites_fault_and_no_label(slot, checker, detail):
    fields = {"comparator": "checker", "checker": checker}
    limits = Limits(cpu_seconds=0.3)
    printed = StdioTest(stdin="1", expected_stdout="1", **fields)
    called = CallTest(expected=1, **fields)

    for test, program in ((printed, "print('x')"), (called, "def f(): return 'x'")):
        with pytest.raises(SuiteBroken, match=detail):
            judge(slot, test, limits=limits).judge(program)


def test_a_checker_that_fails_ends_no_other_candidate(slot):
    # It is ready for numbers only.
    one = judge(slot, divisor(12))

    with pytest.raises(SuiteBroken, match="the checker failed: TypeError"):
        one.judge("def f(n): return 'x'")
    assert one.judge("def f(n): return 3").label is Label.ALL_PASS


def test_a_checker_sees_input_expectation_and_output(slot):
    checker = "def check(*seen):\n    return seen == ('in', 'ex', 'out')"
    test = StdioTest(stdin="in", expected_stdout="ex", comparator="checker", checker=checker)

    assert judge(slot, test).judge("print('out', end='')").label is Label.ALL_PASS
    assert judge(slot, test).judge("print('out')").label is Label.PARTIAL_PASS


@pytest.mark.parametrize("field", ["args", "expected"])
def test_a_value_that_is_none_is_the_suites_fault(slot, field):
    bad = {"$range": [0, 1, 0]}

    with pytest.raises(SuiteBroken, match=r"no valid value: malformed \$range"):
        judge(slot, CallTest(**{field: [bad]})).judge("def f(*a): return 1")


def test_the_keys_of_an_argument_stay_in_their_order(slot):
    tests = [CallTest(args=({"b": 1, "a": 2},), expected=["b", "a"])]
    tests.append(CallTest(args=({"a": 2, "b": 1},), expected=["a", "b"]))

    assert judge(slot, *tests).judge("f = list").label is Label.ALL_PASS
    assert Suite(tests=tests[:1]).digest() != Suite(tests=[tests[1]]).digest()
    reverse = tests[0].model_copy(update={"expected": ["a", "b"]})
    assert Suite(tests=(reverse,)).digest() != Suite(tests=(tests[1],)).digest()


@pytest.mark.parametrize(
    ("reference", "outcome"),
    [
        (SPIN.format(0), Outcome.TIME_LIMIT_EXCEEDED),
        (SPIN.format(0.2), Outcome.PASSED),
        ("def f(): return 2", Outcome.PASSED),
    ],
    ids=["fast", "slow", "that_fails"],
)
def test_a_reference_program_calibrates_the_limit(slot, reference, outcome):
    limits = Limits(cpu_seconds=3)
    calibrated = judge(slot, CallTest(expected=1), limits=limits, reference_program=reference)

    verdict = calibrated.judge(SPIN.format(0.22))

    assert [test.outcome for test in verdict.tests] == [outcome]
    # Late by a tenth is near; a fifth of the time that there is, is not.
    assert verdict.unstable == (outcome is Outcome.TIME_LIMIT_EXCEEDED)


def test_a_reference_program_near_its_limit_is_no_fault_of_the_suite(slot):
    one = judge(slot, CallTest(expected=1), limits=Limits(cpu_seconds=0.4))

    with pytest.raises(ReferenceNearLimit, match=r"about the 0\.4 s"):
        one._judge_reference(SPIN.format(0.43))


def test_a_program_that_leaves_a_pool_open_ends_like_any_other(slot):
    program = (
        "import atexit, threading, time\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "atexit.register(print, 'last')\n"
        "pool = ThreadPoolExecutor(2)\n"
        "threading.Thread(target=lambda: time.sleep(0.05) or print('thread')).start()\n"
        "print(sum(pool.map(int, input().split())))\n"
    )
    test = StdioTest(stdin="4 5", expected_stdout="9\nthread\nlast\n")

    assert judge(slot, test).judge(program).label is Label.ALL_PASS


def test_the_lock_lets_many_in_or_one(tmp_path):
    order = []
    inside = threading.Event()
    leave = threading.Event()

    def stay():
        with SlotLock(tmp_path, "slots").shared():
            inside.set()
            leave.wait(10)
            order.append("leaves")

    thread = threading.Thread(target=stay)
    thread.start()
    assert inside.wait(10)
    with SlotLock(tmp_path, "slots").shared():
        order.append("beside")
    threading.Timer(0.2, leave.set).start()
    with SlotLock(tmp_path, "slots").alone() as is_alone:
        order.append("alone")
    thread.join()

    assert is_alone
    assert order == ["beside", "leaves", "alone"]


def test_nobody_waits_at_the_lock_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr("executor.sandbox.slot_lock._WAIT_SECONDS", 0.1)
    one, other = SlotLock(tmp_path, "slots"), SlotLock(tmp_path, "slots")
    with one.alone() as is_alone:
        assert is_alone
        with other.alone() as also:
            assert not also
        with other.shared():
            pass
        with SlotLock(tmp_path, "other").alone() as elsewhere:
            assert elsewhere
    with one.shared():
        with other.alone(lambda: True) as is_alone:
            assert not is_alone
        # Who gave up keeps nobody out.
        with other.shared():
            pass


PROGRAMS = (
    "def f(*a): return a[0] if a else None",
    "def f(*a): return [a[0]]",
    "def f(*a): raise ValueError('no')",
    "def f(*a): return object()",
    "def f(*a): return (i for i in a)",
    "def f(*a): return 0.1 + 0.2",
    "def f(*a): return True",
    "def f(*a): return float('nan')",
    "def f(*a): return 10**400",
    "def g(): pass",
    "import os\ndef f(*a): os._exit(0)",
    "class L(list):\n    def __eq__(self, o): return True\ndef f(*a): return L()",
)
ASSERTS = (
    "assert f(1) == 1\nassert f(2) == 2\nassert 3 == f(3)",
    "assert f(1) is True\nassert f(0) is None",
    "assert f(1)\nassert not f(0)",
    "assert abs(f(1) - 0.3) < 1e-9\nassert abs(f(2) - 2) < 1e-6",
    "assert f([1, 2]) == [1, 2]\nassert f((1, 2)) == [(1, 2)]",
)


@pytest.mark.parametrize("source", ASSERTS)
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_plain_assert_is_judged_as_its_code_would_be(slot, source, program):
    plain = judge(slot, AssertTest(source=source))
    assert plain.asserts.plain[0] is not None
    code = judge(slot, AssertTest(source=source))
    code.asserts = code.asserts._replace(plain=[None])

    verdicts = [one.judge(program) for one in (plain, code)]

    assert verdicts[0].label is verdicts[1].label
    passed = [[test.outcome is Outcome.PASSED for test in v.tests] for v in verdicts]
    assert passed[0] == passed[1]


def test_plain_asserts_and_test_code_follow_each_other_in_any_order(slot):
    plain = AssertTest(source="assert f([2, 1]) == [1, 2]")
    code = AssertTest(source="x = [2, 1]\nassert f(x) == [1, 2] and x == [2, 1]")

    verdict = judge(slot, plain, code, plain, plain, code, code, plain).judge("f = sorted\n")

    assert verdict.label is Label.ALL_PASS, verdict.tests
    assert verdict.total == 7


def test_a_script_without_a_guard_is_told_what_to_do(tmp_path):
    script = tmp_path / "script.py"
    # More tests than a pipe holds, so that whoever hands them over would wait for a reader.
    script.write_text(
        "import executor\n"
        "tests = [{'kind': 'call', 'args': ['x' * 1000], 'expected': 1}] * 200\n"
        "problem = {'slug': 'a', 'prompt': '', 'entry_point': 'f', 'tests': tests}\n"
        "candidate = {'task_id': 'a', 'program': 'def f(x): return 1'}\n"
        "print(list(executor.label([problem], [candidate], slots=1)))\n"
    )

    done = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, timeout=60, check=False,
        env=os.environ | {"PYTHONPATH": os.getcwd()},
    )  # fmt: skip

    assert done.returncode == 1
    assert 'below `if __name__ == "__main__":`' in done.stderr


def test_label_keeps_order_and_says_why_something_has_no_label(open_directory, monkeypatch):
    monkeypatch.setenv("RRTF_EXECUTOR_HOME", str(open_directory / "executor"))
    problems = starter.problems()[:3]
    records = []
    for number in range(40):
        problem = problems[number % 3]
        good = {"task_id": problem.slug, "program": problem.reference_program, "number": number}
        bad = ({"task_id": "nowhere", "program": ""}, {"task_id": problem.slug}, {"program": 1})
        records.append(bad[number // 10] if number in (0, 10, 20) else good)

    labelled = list(executor.label(problems, records, slots=2))

    assert [item.position for item in labelled] == list(range(40))
    assert [item.record for item in labelled] == records
    for number, item in enumerate(labelled):
        if number in (0, 10, 20):
            assert item.verdict is None
            assert item.error
        else:
            assert item.verdict.label is Label.ALL_PASS


def test_the_label_command_writes_a_line_for_each_candidate(open_directory, tmp_path):
    problem = starter.problems()[0]
    (tmp_path / "problems.jsonl").write_text(problem.model_dump_json() + "\n")
    lines = [
        {"task_id": problem.slug, "program": problem.reference_program, "model": "m", "n": 1},
        {"task_id": problem.slug, "program": "def ("},
        {
            "custom_id": f"{problem.slug}#2",
            "response": {
                "body": {
                    "choices": [
                        {"message": {"content": f"So:\n```python\n{problem.reference_program}```"}}
                    ]
                }
            },
        },
    ]
    first, *rest = map(json.dumps, lines)
    text = "\n".join([first, "not json", *rest]) + "\n"
    (tmp_path / "candidates.jsonl").write_text(text)

    ended = subprocess.run(
        [
            sys.executable, "-m", "services.cli.main", "label", "--slots", "1",
            "--problems", tmp_path / "problems.jsonl", "--candidates",
            tmp_path / "candidates.jsonl", "--out", tmp_path / "labels.jsonl",
        ],
        capture_output=True, text=True,
        env={"RRTF_EXECUTOR_HOME": str(open_directory / "executor")},
    )  # fmt: skip

    assert ended.returncode == 1
    assert "candidates.jsonl, line 2: not JSON" in ended.stderr
    assert "3 candidates: 2 all_pass, 1 compile_error;" in ended.stderr
    rows = [json.loads(line) for line in (tmp_path / "labels.jsonl").read_text().splitlines()]
    assert [row["label"] for row in rows] == ["all_pass", "compile_error", "all_pass"]
    assert {row["task_id"] for row in rows} == {problem.slug}
    assert (rows[0]["model"], rows[0]["n"], rows[0]["index"]) == ("m", 1, 0)
    assert rows[0]["passed"] == rows[0]["total"] == len(rows[0]["tests"])
    assert "program" not in rows[0]
    assert not (tmp_path / "labels.jsonl.partial").exists()


def test_a_worn_cell_ends_only_when_its_last_jail_does(slot, monkeypatch):
    monkeypatch.setattr("executor.sandbox.cell.JAILS_PER_CELL", 7)
    # Needs a process of the tests beside the candidate's, so that every other jail is a second.
    code = judge(slot, AssertTest(source="for n in range(3):\n    assert f(n) == n\n"))
    cells = set()

    for _ in range(20):
        assert code.judge("def f(n): return n").label is Label.ALL_PASS
        cells.add(slot.sandbox._cell._process.pid)

    assert len(cells) >= 5
    alive = {child.pid for child in psutil.Process().children() if child.pid in cells}
    assert alive == {slot.sandbox._cell._process.pid}
