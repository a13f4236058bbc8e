"""Tests that run beside the candidate, as their authors run them: decided, run, told of."""

import sys

import pytest

from executor.judging.asserting import SuiteBroken
from executor.judging.judge import Judge
from infra.contracts.base import Integrity, IntegrityRule, Label
from infra.contracts.execution import Suite
from infra.contracts.problems import AssertTest, Limits
from tests.integration.judged import judged, outcomes
from tests.samples import sampled

ADD = """
import os, sys, logging, threading, time, warnings
def add(a=None, b=None):
    print(a + b) if a is not None else None
    return a + b if a is not None else int(input()) + int(input())
def value_of(pair): return add(pair.a, 1)
def from_file(name): return add(int(open(name).read()), 2)
def from_environment(name): return add(int(os.environ[name]), 2)
def warn(): warnings.warn(str(add(1, 1)))
def log(): logging.getLogger("app").warning("%d", add(1, 1))
def write(name): open(name, "w").write(str(add(1, 1)))
def arguments(): return add(len(sys.argv), 0)
async def later(): return add(1, 1)
class Pair:
    def __init__(self, a): self.a = a
    def __eq__(self, other): return add(self.a, 1) == 1+other.a
    def __hash__(self): return hash(self.a)
    def __lt__(self, other): return self.a < other.a
class Odd(Exception): pass
def odd(): raise Odd(str(add(1, 1)))
"""


def judge(slot, source, program=ADD, reference=ADD, rule=IntegrityRule.AUTO, **fields):
    fields = {"entry_point": "add", "integrity": rule, "reference_program": reference} | fields
    return judged(slot, program, source, **fields)


def judge_of(slot, source, reference=ADD):
    """A judge of several programs, so that the reference is run for all of them once."""
    suite = Suite(
        tests=(AssertTest(source=source),),
        entry_point="add",
        integrity=IntegrityRule.AUTO,
        reference_program=reference,
    )
    return Judge(slot.sandbox, suite, slot.version).judge


AS_THEIR_AUTHORS_RUN_THEM = {
    "large files": """
import os
with open("rows", "wb") as file:
    file.truncate(60 * 2**20)
assert add(os.path.getsize("rows"), 1) == 60 * 2**20 + 1
""",
    "values that processes share": """
import multiprocessing
total, row = multiprocessing.Value("i", 1), multiprocessing.Array("i", 2)
def work():
    total.value, row[1] = add(total.value, 1), 5
child = multiprocessing.get_context("fork").Process(target=work)
child.start()
child.join()
assert (total.value, row[:]) == (2, [0, 5])
""",
    "standard output": """
import io
from contextlib import redirect_stdout
text = io.StringIO()
with redirect_stdout(text):
    add(1, 2)
assert text.getvalue() == "3\\n"
""",
    "standard input": """
from unittest.mock import patch
def test_add():
    with patch("builtins.input", side_effect=["1", "2"]):
        assert add() == 3
""",
    "a patched name": """
import solution
from unittest import mock
with mock.patch("solution.input", lambda: "1", create=True):
    assert solution.add() == 2
""",
    "a file": """
def test_file(tmp_path):
    (tmp_path / "two").write_text("1")
    assert from_file(tmp_path / "two") == 3
""",
    "the environment": """
def test_environment(monkeypatch):
    monkeypatch.setenv("TWO", "1")
    assert from_environment("TWO") == 3
""",
    "warnings": """
import pytest
def test_warning():
    with pytest.warns(UserWarning, match="^2$"):
        warn()
""",
    "logging": """
import unittest
class LogTest(unittest.TestCase):
    def test_log(self):
        with self.assertLogs("app", "WARNING") as seen:
            log()
        self.assertEqual(seen.records[0].getMessage(), "2")
""",
    "captured output": """
def test_print(capsys):
    add(1, 2)
    assert capsys.readouterr().out == "3\\n"
""",
    "an object of the tests": """
class Two: a = 3
assert value_of(Two()) == 4
""",
    "objects of the candidate": """
assert Pair(3) == Pair(3) and sorted([Pair(2), Pair(1)])[0].a == 1
assert len({Pair(1), Pair(1)}) == 1
assert Pair(3) != Pair(4)
""",
    "an exception of the candidate": """
import pytest
from solution import Odd, odd
def test_odd():
    with pytest.raises(Odd, match="^2$"):
        odd()
""",
    "fixtures and parameters": """
import pytest
@pytest.fixture(params=[1, 2])
def pair(request): return Pair(request.param)
@pytest.mark.parametrize("more", [0, 1])
def test_pair(pair, more): assert add(pair.a, more) == pair.a + more
""",
    "a property": """
from hypothesis import given, strategies
@given(strategies.integers())
def test_add(n): assert add(n, 1) == n + 1
""",
    "a coroutine": """
import unittest
class LaterTest(unittest.IsolatedAsyncioTestCase):
    async def test_later(self): self.assertEqual(await later(), 2)
""",
    "its source": """
import inspect, solution
def test_source():
    assert "def add" in inspect.getsource(solution.add)
    assert "def add" in open(solution.__file__).read()
    assert add(1, 1) == 2
""",
    "set-up of modules and classes": """
import unittest
def setUpModule(): globals()["two"] = add(1, 1)
class AddTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls): cls.three = add(1, 2)
    def test_a(self):
        for n in (1, 2):
            with self.subTest(n=n): self.assertEqual(add(two, n), 2 + n)
        self.assertEqual(self.three, 3)
""",
    "a script": """
import sys
if add(1, 2) != 3:
    sys.exit(1)
""",
    "an assertion of its own": """
def equal(one, other):
    if one != other: raise AssertionError(f"{one} != {other}")
import os
equal(add(1, 2), 3)
equal(add(2, 2), 4)
""",
    "threads, time and place": """
import threading, zoneinfo, resource, locale, sys
found = []
thread = threading.Thread(target=lambda: found.append(add(1, 2)))
thread.start(); thread.join()
assert found == [3] and zoneinfo.ZoneInfo("Europe/Berlin") and arguments() == 1
resource.setrlimit(resource.RLIMIT_STACK, (resource.RLIM_INFINITY,) * 2)
""",
}


@pytest.mark.parametrize("name", sampled(AS_THEIR_AUTHORS_RUN_THEM, 3))
def test_what_touches_more_than_data_runs_beside_the_candidate(slot, name):
    source = AS_THEIR_AUTHORS_RUN_THEM[name]
    right, wrong = map(judge_of(slot, source), (ADD, ADD.replace(" + ", " - ")))

    assert (right.label, right.integrity) == (Label.ALL_PASS, Integrity.SHARED), right
    assert wrong.label is not Label.ALL_PASS, wrong
    assert all(test.name for test in right.tests)


def test_the_suite_has_files_beside_it(cell):
    test = AssertTest(
        source="""
from shop.add import add
from helper import three
def test_add(two):
    assert add(two, 1) == three and open("data/four").read() == "4"
""",
        module="shop.add",
        files={
            "shop/__init__.py": "",
            "helper.py": "three = 3",
            "conftest.py": "import pytest\n@pytest.fixture\ndef two(): return 2\n",
            "data/four": "4",
        },
    )
    verdict = judge(cell, test)

    assert (verdict.label, verdict.integrity) == (Label.ALL_PASS, Integrity.SHARED), verdict


def test_a_session_has_begun_before_the_candidate_is_there(cell):
    """What is frozen was there before a jail was forked, and no collector of a jail looks at it."""
    source = """
import gc
def test_session(request):
    collected = set(map(id, gc.get_objects()))
    assert add(0, 0) == 0
    assert not collected & {id(request.config), id(request.session)}
"""
    verdict = judge(cell, source)

    assert (verdict.label, verdict.integrity) == (Label.ALL_PASS, Integrity.SHARED), verdict


def test_a_conftest_has_its_say_in_how_a_session_begins(slot):
    conftest = """
import pytest
began = []
def pytest_addoption(parser): parser.addini("shop", "the shop", default="open")
def pytest_sessionstart(session): began.append(session)
@pytest.fixture
def session(request): return began == [request.session] and request.config.getini("shop")
"""
    source = "def test_add(session): assert add(1, 2) == 3 and session == 'open'"

    verdict = judge(slot, AssertTest(source=source, files={"conftest.py": conftest}))

    assert (verdict.label, verdict.integrity) == (Label.ALL_PASS, Integrity.SHARED), verdict


def test_a_further_candidate_reads_nothing_that_all_have_in_common(cell):
    label = judge_of(cell, "import os\ndef test_a(): assert add(1, 2) == 3")
    label(ADD)
    opened = []
    is_on = True
    sys.addaudithook(lambda event, args: is_on and event == "open" and opened.append(str(args[0])))

    verdict = label(ADD)

    is_on = False
    assert verdict.integrity is Integrity.SHARED
    assert opened
    assert not [name for name in opened if name.endswith((".py", "METADATA"))]


@pytest.mark.parametrize(
    ("source", "program"),
    [
        ("assert add(1, 2) == 3", "def add(a, b): return a + b"),
        ("for n in (1, 2):\n    assert add(n, n) == n + n", "def add(a, b): return a + b"),
        ("def test_a(): assert add(1, 2) == 3", "def add(a, b): return a + b"),
    ],
)
def test_what_calls_and_compares_runs_apart(cell, source, program):
    verdict = judge(cell, source, program, program)

    assert (verdict.label, verdict.integrity) == (Label.ALL_PASS, Integrity.ISOLATED), verdict


def test_the_reference_decides_where_reading_cannot(cell):
    source = "same = [add(n, n) for n in (1, 2)]\nassert same[0] == 2 and same[1] is not same[0]"
    program = "class N(int): pass\nclass Text:\n    def __eq__(s, o): return o == 2\n"
    program += "def add(a, b): return Text() if a == 1 else N(4)\n"

    verdict = judge(cell, source, program, program)

    assert (verdict.label, verdict.integrity) == (Label.ALL_PASS, Integrity.SHARED), verdict


def test_a_reference_that_fails_is_the_fault_of_the_suite(cell):
    for source in ("import os\nassert add(1, 2) == 4", "for n in (1, 2): assert add(n, n) == 5"):
        with pytest.raises(SuiteBroken, match="the reference program gets partial_pass"):
            judge(cell, source)


@pytest.mark.parametrize(
    "source",
    [
        "import numpy\nassert add(1, 2) == 3\n",
        "def check(f):\n    import numpy\n    assert open(__file__) and f(1, 2) == 3\ncheck(add)\n",
        "import pytest, numpy.linalg\ndef test_add(tmp_path):\n    assert add(1, 2) == 3\n",
    ],
    ids=["a script", "in a function", "pytest"],
)
def test_a_package_that_another_image_has_is_the_fault_of_the_suite(cell, source):
    with pytest.raises(SuiteBroken, match="not there: numpy; the image `numpy` has it"):
        judge(cell, source, reference=None, rule=IntegrityRule.SHARED)


def test_a_module_that_nobody_knows_may_be_the_candidates(cell):
    source = "import adding\ndef test_add(tmp_path):\n    assert adding.add(1, 2) == 3\n"

    verdict = judge(cell, source, reference=None, rule=IntegrityRule.SHARED)

    assert verdict.label is Label.ALL_PASS


def test_a_problem_may_insist(cell):
    plain = "assert add(1, 2) == 3"
    shared = judge(cell, plain, rule=IntegrityRule.SHARED)

    assert (shared.label, shared.integrity) == (Label.ALL_PASS, Integrity.SHARED), shared


FIRST = (
    "import os\nclass Pair: a = 3\nassert first(Pair()) == 3\nassert first(Pair()) == 3\nassert os"
)
ENDS = {
    "exit": ("import os; os._exit(0)", ["runtime_error", "not_run", "not_run"]),
    "hang": ("while True: pass", ["time_limit_exceeded", "not_run", "not_run"]),
    "no message": (
        "import os; os.write(3, b'\\x00\\x00\\x00\\x02{}')",
        ["runtime_error", "not_run", "not_run"],
    ),
    "raises": ("raise ValueError", ["runtime_error", "runtime_error", "passed"]),
    "leaves": ("raise SystemExit", ["runtime_error", "runtime_error", "passed"]),
}


@pytest.mark.parametrize(("end", "expected"), ENDS.values(), ids=ENDS)
def test_a_candidate_that_ends_the_common_process_gets_a_label(cell, end, expected):
    program = f"def first(pair):\n    {end}\n"
    limits = Limits(cpu_seconds=0.4)
    for reference in (None, "def first(pair): return 3"):
        verdict = judge(cell, FIRST, program, reference, limits=limits)

        assert verdict.integrity is Integrity.SHARED
        assert outcomes(verdict) == expected, verdict


def test_a_program_that_does_not_load_passes_nothing(cell):
    source = "import os\ndef test_a(): assert add(1, 2) == 3\ndef test_b(): pass\n"
    for reference in (None, ADD):
        judge_one = judge_of(cell, source, reference)
        for program in ("raise ValueError", "import sys; sys.exit(0)", "import os; os._exit(0)"):
            verdict = judge_one(program)
            assert verdict.label is Label.RUNTIME_ERROR, verdict
    assert judge(cell, source, "def add(:").label is Label.COMPILE_ERROR


SKIPS = {
    "of unittest": "import unittest\nraise unittest.SkipTest('x')",
    "of a class of its own": (
        "import unittest\nclass Skip(unittest.SkipTest): pass\nraise Skip('x')"
    ),
    "of pytest": "import pytest\npytest.skip('x')",
    "of a module": "import pytest\npytest.skip('x', allow_module_level=True)",
    "of an import": "import pytest\npytest.importorskip('x')",
    "of a test case": "import unittest\nunittest.TestCase().skipTest('x')",
}


@pytest.mark.parametrize("raising", SKIPS.values(), ids=SKIPS)
def test_a_candidate_that_skips_a_test_fails_it(cell, raising):
    source = """
import unittest, os
def test_a(): assert add(1, 2) == 3
class AddTest(unittest.TestCase):
    def setUp(self): self.total = add(2, 2)
    def test_a(self): self.assertEqual(self.total, 4)
"""
    inner = raising.replace("\n", "\n        ")
    program = f"def add(a, b):\n    if a == 2:\n        {inner}\n    return a + b\n"
    for reference in (None, ADD):
        verdict = judge(cell, source, program, reference)

        assert (verdict.label, verdict.passed, verdict.total) == (Label.PARTIAL_PASS, 1, 2), verdict


def test_a_test_that_its_authors_skip_is_none(cell):
    source = """
import os, unittest, pytest
class AddTest(unittest.TestCase):
    def test_a(self): self.assertEqual(add(1, 2), 3)
    def test_b(self): self.skipTest("not today")
    @unittest.skip("nor this")
    def test_c(self): self.assertEqual(add(1, 2), 4)
    @unittest.expectedFailure
    def test_d(self): self.assertEqual(add(1, 2), 4)
@pytest.mark.skipif(True, reason="nor that")
def test_e(): assert add(1, 2) == 4
@pytest.mark.xfail
def test_f(): assert add(1, 2) == 4
"""
    verdict = judge(cell, source)

    assert outcomes(verdict) == ["passed"] * 3, verdict


FOLLOWS = """
import random, sys
def draw(): return random.random(), random.randint(1, 6)
def deep(n): return n and 1 + deep(n - 1)
def add(a, b): return a + b
"""


@pytest.mark.parametrize("rule", IntegrityRule)
def test_what_stands_before_each_program_has_lines_of_its_own(cell, rule):
    source = "import math\nassert f(4) == ONE + 1" if rule == "shared" else "assert f(4) == 2"
    program = "def f(n): return isqrt(n)"
    prelude = "from math import isqrt\nONE = 1"

    verdict = judge(cell, source, program, program, rule, entry_point="f", prelude=prelude)

    assert verdict.label is Label.ALL_PASS, verdict


def test_a_function_that_is_called_may_put_a_mock_where_pytest_keeps_its_own(cell):
    source = """
import os
from unittest.mock import Mock
def check(candidate):
    os.environ = Mock(return_value="a")
    assert candidate() == "aa"
"""
    program = 'import os\ndef add(): return 2 * os.environ("A")\n'
    suite = Suite(
        tests=(AssertTest(source=source, check="check"),),
        entry_point="add",
        integrity=IntegrityRule.SHARED,
        reference_program=program,
    )

    assert Judge(cell.sandbox, suite, cell.version).judge(program).label is Label.ALL_PASS
