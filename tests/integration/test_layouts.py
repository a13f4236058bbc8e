"""Suites as projects have them: folders, packages, plugins of their own, options for pytest."""

import pytest

from executor.judging.asserting import SuiteBroken
from executor.judging.judge import Judge
from executor.suites import soundness
from infra.contracts.base import Integrity, IntegrityRule, Label, Outcome
from infra.contracts.checks import Fault
from infra.contracts.execution import Suite
from infra.contracts.problems import AssertTest

CART = """
from .prices import PRICES
class Cart:
    def __init__(self): self.rows = []
    def add(self, name, n=1): self.rows.append((name, n))
    def total(self): return sum(PRICES[name] * n for name, n in self.rows)
"""
PROJECT = {
    "src/shop/__init__.py": "",
    "src/shop/prices.py": "PRICES = {'pen': 2, 'ink': 5}\n",
    "tests/__init__.py": "",
    "tests/conftest.py": """
import pytest
from shop.cart import Cart
@pytest.fixture
def cart(): return Cart()
""",
    "tests/expected.py": "def total(n): return 2 * n\n",
    "tests/unit/__init__.py": "",
    "tests/unit/golden/total.txt": "11",
}
IN_A_FOLDER = """
import pathlib
from shop.prices import PRICES
from ..expected import total
HERE = pathlib.Path(__file__).parent
def test_pens(cart):
    cart.add("pen", 4)
    assert cart.total() == total(4)
def test_golden(cart):
    cart.add("pen", 3)
    cart.add("ink")
    assert str(cart.total()) == (HERE / "golden/total.txt").read_text()
def test_its_place(): assert open("tests/unit/golden/total.txt").read() == "11"
"""
OPTIONS = {
    "warnings": (
        {"pytest.ini": "[pytest]\nfilterwarnings = error\n"},
        "def test_f(): assert f(1) == 2\n",
        "import warnings\ndef f(n):\n    warnings.warn('slow')\n    return n + 1\n",
    ),
    "marks": (
        {"setup.cfg": "[tool:pytest]\nxfail_strict = true\n"},
        "import pytest\ndef test_f(): assert f(1) == 2\n"
        "@pytest.mark.xfail\ndef test_text(): f('1')\n",
        "def f(n): return int(n) + 1\n",
    ),
    "names": (
        {"pyproject.toml": '[tool.pytest.ini_options]\npython_functions = ["check_*"]\n'},
        "def check_f(): assert f(1) == 2\ndef check_zero(): assert f(0) == 1\n",
        "def f(n): return 2\n",
    ),
    "docstrings": (
        {"tox.ini": "[pytest]\naddopts = --doctest-modules\n"},
        '"""\n>>> f(0)\n1\n"""\ndef test_f(): assert f(1) == 2\n',
        "def f(n): return 2\n",
    ),
}
"""Of each the files, test code, and a program that passes where they are not read."""


def judge(slot, test, reference, rule=IntegrityRule.AUTO, **fields):
    suite = Suite(tests=(test,), reference_program=reference, integrity=rule, **fields)
    return Judge(slot.sandbox, suite, slot.version)


def in_a_folder():
    return AssertTest(
        source=IN_A_FOLDER,
        module="shop.cart",
        files=PROJECT,
        path="tests/unit/test_cart.py",
        candidate_path="src/shop/cart.py",
    )


def test_files_lie_where_the_authors_of_a_suite_have_them(slot):
    judging = judge(slot, in_a_folder(), CART)

    right, wrong = judging.judge(CART), judging.judge(CART.replace(" * n", ""))

    assert (right.label, right.integrity) == (Label.ALL_PASS, Integrity.SHARED)
    assert (wrong.label, wrong.passed, wrong.total) == (Label.PARTIAL_PASS, 1, 3)
    assert {test.name.partition("::")[0] for test in right.tests} == {"tests/unit/test_cart.py"}


def test_a_package_may_be_the_candidate(slot):
    test = AssertTest(
        source="import tiny\nimport tiny.ops\ndef test_f(): assert tiny.f(1) == tiny.ops.N\n",
        module="tiny",
        files={"tiny/ops.py": "N = 2\n"},
    )

    verdict = judge(slot, test, "from .ops import N\ndef f(n): return n + N - 1\n").reference

    assert verdict.label is Label.ALL_PASS


def test_data_need_be_no_text(slot):
    source = "def test_f(): assert f(open('tests/data/a.bin', 'rb').read()) == b'\\xd8\\xff'\n"
    test = AssertTest(
        source=source, path="tests/test_f.py", data_files={"tests/data/a.bin": "/9g="}
    )

    verdict = judge(slot, test, "def f(data): return data[::-1]\n").reference

    assert (verdict.label, verdict.integrity) == (Label.ALL_PASS, Integrity.SHARED)


def test_time_zones_lie_where_packages_look_for_the_machines(slot):
    source = "def test_f(): assert f('Europe/Paris') == b'TZif'\n"
    program = "def f(name): return open('/usr/share/zoneinfo/' + name, 'rb').read(4)\n"

    verdict = judge(slot, AssertTest(source=source), program, IntegrityRule.SHARED).reference

    assert verdict.label is Label.ALL_PASS


@pytest.mark.parametrize("name", OPTIONS)
def test_options_for_pytest_hold(name, slot):
    files, source, passes_without = OPTIONS[name]
    right = "def f(n):\n    if isinstance(n, str): raise TypeError\n    return n + 1\n"

    with_them = judge(slot, AssertTest(source=source, files=files), right)

    assert (with_them.reference.label, with_them.asserts.integrity) == ("all_pass", "shared")
    assert with_them.judge(passes_without).label is not Label.ALL_PASS
    if name != "names":  # Without them it has no test.
        without = judge(slot, AssertTest(source=source), right, IntegrityRule.SHARED)
        assert without.judge(passes_without).label is Label.ALL_PASS


def test_every_test_has_its_outcome_whatever_the_options_say(slot):
    files = {"pytest.ini": "[pytest]\naddopts = -x -q --ff --durations=3\nlog_cli = true\n"}
    source = "def test_one(capsys): assert f(1) == 2\ndef test_two(): assert f(2) == 3\n"
    judging = judge(slot, AssertTest(source=source, files=files), "def f(n): return n + 1\n")

    verdict = judging.judge("def f(n): return 3\n")

    assert [test.outcome for test in verdict.tests] == [Outcome.WRONG_ANSWER, Outcome.PASSED]


@pytest.mark.parametrize("reference", ["def f(): return 1\n", None])
def test_options_that_pytest_does_not_take_are_the_fault_of_the_suite(reference, slot):
    files = {"pytest.ini": "[pytest]\naddopts = --no-such-option\n"}
    test = AssertTest(source="def test_f(capsys): assert f() == 1\n", files=files)
    suite = Suite(tests=(test,), reference_program=reference, integrity=IntegrityRule.AUTO)

    found = soundness.check(slot, "own/f", suite, mutants=0)

    assert (found.fault, "--no-such-option" in found.detail) == (Fault.TESTS, True)
    with pytest.raises(SuiteBroken, match="no-such-option"):
        judge(slot, test, reference).judge("def f(): return 1\n")


def test_tests_beside_a_conftest_run_where_it_is_read(slot):
    conftest = """
import pytest, solution
@pytest.fixture(autouse=True)
def closed():
    yield
    assert not solution.opened
"""
    test = AssertTest(
        source="from solution import f\ndef test_f(): assert f(1) == 2\n",
        module="solution",
        files={"conftest.py": conftest},
    )
    judging = judge(slot, test, "opened = []\ndef f(n): return n + 1\n")

    verdict = judging.judge("opened = []\ndef f(n): opened.append(n); return n + 1\n")

    assert verdict.label is not Label.ALL_PASS


def test_who_fails_while_a_conftest_loads_it_is_told_so(slot):
    verdict = judge(slot, in_a_folder(), CART).judge("def Cart(): 1 / 0\nCart()\n")

    assert verdict.label is Label.RUNTIME_ERROR
    assert "ZeroDivisionError: division by zero (in conftest.py)" in verdict.error


SKIPPED = "import pytest\npytest.importorskip('nowhere')\ndef test_fast(capsys): assert f() == 2\n"
MARKED = "import pytest\n@pytest.mark.skip\ndef test_fast(capsys): assert f() == 2\n"


@pytest.mark.parametrize("skipped", [SKIPPED, MARKED])
def test_a_file_of_which_all_is_skipped_is_none_beside_others(skipped, slot):
    asserts = (
        AssertTest(source="def test_f(capsys): assert f() == 1\n"),
        AssertTest(source=skipped, path="tests/test_fast.py"),
    )
    right = "def f(): return 1\n"
    suite = Suite(tests=asserts, reference_program=right, integrity=IntegrityRule.AUTO)
    judging = Judge(slot.sandbox, suite, slot.version)

    assert [(one.label, one.total) for one in map(judging.judge, (right, "def f(): pass\n"))] == [
        (Label.ALL_PASS, 1), (Label.PARTIAL_PASS, 1),
    ]  # fmt: skip
    alone = suite.model_copy(update={"tests": asserts[1:]})
    assert soundness.check(slot, "own/f", alone, mutants=0).fault is Fault.NO_TEST
