"""What a suite's `conftest.py` and plug-ins do has the effect that it has under a plain pytest."""

import pytest

from executor.judging.asserting import SuiteBroken
from executor.judging.judge import Judge
from executor.suites import soundness
from infra.contracts.base import Integrity, IntegrityRule, Label, Outcome, Unguarded
from infra.contracts.checks import Fault
from infra.contracts.execution import Suite
from infra.contracts.problems import AssertTest

TESTS = """
import pytest
from calc import add
def test_one(): assert add(1, 2) == 3
def test_two(): assert add(-1, 1) == 0
@pytest.mark.slow
def test_slow(): assert add(10, 20) == 30
def test_text(): assert add("a", "b") == "ab"
def test_list(): assert add([1], [2]) == [1, 2]
def test_kind():
    with pytest.raises(TypeError): add(1, "b")
"""
RIGHT = "LOG = []\ndef add(a, b):\n    LOG.append(a)\n    return a + b\n"
PRINTS = RIGHT.replace("    LOG", "    print('hello')\n    LOG")
SILENT = "LOG = []\ndef add(a, b): return a + b\n"
SLOWLY_WRONG = "LOG = []\ndef add(a, b): return LOG.append(a) or (0 if a == 10 else a + b)\n"
SKIPS = """
import pytest
def pytest_addoption(parser): parser.addoption("--slow", action="store_true")
def pytest_configure(config): config.addinivalue_line("markers", "slow: takes long")
def pytest_collection_modifyitems(config, items):
    for item in items:
        if "slow" in item.keywords and not config.getoption("--slow"):
            item.add_marker(pytest.mark.skip(reason="slow"))
"""
SUITES = {
    "a summary": (
        "def pytest_terminal_summary(terminalreporter, exitstatus):\n"
        "    terminalreporter.write_line(str(terminalreporter.stats))\n"
        "    assert 'error' not in terminalreporter.stats\n",
        {RIGHT: True, SLOWLY_WRONG: False},
    ),
    "a fixture that writes to the terminal": (
        "import pytest\n@pytest.fixture(autouse=True)\ndef told(request):\n"
        "    of = request.config.pluginmanager.get_plugin\n"
        "    of('terminalreporter').write_line('begins')\n",
        {RIGHT: True, SLOWLY_WRONG: False},
    ),
    "a summary that fails": (
        "def pytest_terminal_summary():\n    import calc\n    assert calc.LOG\n",
        {RIGHT: True, SILENT: False},
    ),
    "the status of the session": (
        "def pytest_sessionfinish(session):\n    import calc\n"
        "    session.exitstatus = session.exitstatus or int(not calc.LOG)\n",
        {RIGHT: True, SILENT: False},
    ),
    "the end of a session's fixture": (
        "import pytest\n@pytest.fixture(scope='session', autouse=True)\ndef whole():\n"
        "    yield\n    import calc\n    assert calc.LOG\n",
        {RIGHT: True, SILENT: False},
    ),
    "the end of a module's fixture": (
        "import pytest\n@pytest.fixture(scope='module', autouse=True)\ndef whole():\n"
        "    yield\n    import calc\n    assert calc.LOG\n",
        {RIGHT: True, SILENT: False},
    ),
    "a report that is made a failure": (
        "import pytest\n@pytest.hookimpl(wrapper=True)\ndef pytest_runtest_makereport(call):\n"
        "    report = yield\n    if report.when == 'call' and report.capstdout:\n"
        "        report.outcome, report.longrepr = 'failed', 'it prints'\n    return report\n",
        {RIGHT: True, PRINTS: False},
    ),
    "a failure that is let through": (
        "import pytest\n@pytest.hookimpl(hookwrapper=True)\n"
        "def pytest_runtest_makereport(item, call):\n    report = (yield).get_result()\n"
        "    if item.name == 'test_slow': report.outcome = 'passed'\n",
        {RIGHT: True, SLOWLY_WRONG: True, RIGHT.replace("a + b", "a"): False},
    ),
    "tests that are tried again": (
        "from _pytest.runner import runtestprotocol\n"
        "def pytest_runtest_protocol(item, nextitem):\n    for _ in range(2):\n"
        "        reports = runtestprotocol(item, nextitem=nextitem, log=False)\n"
        "        if not any(report.failed for report in reports): break\n"
        "    for report in reports: item.ihook.pytest_runtest_logreport(report=report)\n"
        "    return True\n",
        {RIGHT: True, SLOWLY_WRONG: False, "seen = []\n" + RIGHT.replace(
            "return", "seen.append(a)\n    return b if seen.count(a) == 1 and a == 10 else"
        ): True},
    ),
    "tests that are left out": (SKIPS, {RIGHT: True, SLOWLY_WRONG: True}),
}  # fmt: skip


def suite_of(conftest, files=None):
    test = AssertTest(
        source=TESTS,
        module="calc",
        path="test_calc.py",
        files={"conftest.py": conftest} | (files or {}),
    )
    return Suite(tests=(test,), reference_program=RIGHT, integrity=IntegrityRule.AUTO)


def judge(slot, suite):
    return Judge(slot.sandbox, suite, slot.version)


@pytest.mark.parametrize("name", SUITES)
def test_what_plugins_make_of_tests_is_what_counts(name, slot):
    conftest, programs = SUITES[name]
    judging = judge(slot, suite_of(conftest))

    labels = {program: judging.judge(program).label for program in programs}

    assert {one: label is Label.ALL_PASS for one, label in labels.items()} == programs


def test_nothing_is_said_to_be_guarded_where_a_plugin_decides(slot):
    conftest, _ = SUITES["a failure that is let through"]

    guards = judge(slot, suite_of(conftest)).judge(RIGHT).guards

    assert (guards.guarded, guards.none_because) == (0, Unguarded.PLUGINS)


@pytest.mark.slow
def test_plugins_are_found_where_the_suite_has_them(slot):
    plugin = (
        "import pytest\n@pytest.fixture(autouse=True)\ndef fresh():\n"
        "    import calc\n    calc.LOG.clear()\n    yield\n    assert calc.LOG\n"
    )
    beside = {"own/__init__.py": "", "own/plugin.py": plugin}
    suite = suite_of("pytest_plugins = ['own.plugin']\n", beside)
    judging = judge(slot, suite)

    right, silent = judging.judge(RIGHT), judging.judge(SILENT)

    assert (right.label, right.integrity) == (Label.ALL_PASS, Integrity.SHARED)
    assert silent.label is not Label.ALL_PASS


@pytest.mark.slow
def test_options_that_measure_or_spread_decide_nothing(slot):
    suite = suite_of("")
    files = {"tox.ini": "[pytest]\naddopts = --cov=calc --cov-report term-missing -n auto\n"}
    test = suite.tests[0].model_copy(update={"files": files})
    judging = judge(slot, suite.model_copy(update={"tests": (test,)}))

    assert judging.judge(RIGHT).label is Label.ALL_PASS
    assert judging.judge(SLOWLY_WRONG).label is Label.PARTIAL_PASS


def test_what_is_loaded_before_a_suite_does_not_stand_for_its_candidate(slot):
    # The process that runs tests has `sortedcontainers` loaded, of which a suite may be.
    test = AssertTest(
        source="from sortedcontainers import SortedList\n"
        "def test_first(capsys): assert SortedList([2, 1])[0] == 1\n",
        module="sortedcontainers.lists",
        path="tests/test_lists.py",
        candidate_path="src/sortedcontainers/lists.py",
        files={"src/sortedcontainers/__init__.py": "from .lists import SortedList\n"},
    )
    right = "class SortedList(list):\n    def __init__(self, xs): super().__init__(sorted(xs))\n"
    suite = Suite(tests=(test,), reference_program=right, integrity=IntegrityRule.AUTO)
    judging = judge(slot, suite)

    assert judging.judge(right).label is Label.ALL_PASS
    wrong = judging.judge(right.replace("sorted(xs)", "xs"))
    assert [one.outcome for one in wrong.tests] == [Outcome.WRONG_ANSWER]


@pytest.mark.parametrize("name", ["pluggy", "infra"])
def test_a_suite_of_what_tests_are_run_with_is_refused(name, slot):
    test = AssertTest(
        source=f"from {name} import f\ndef test_f(capsys): assert f() == 1\n",
        module=f"{name}.made",
        path="tests/test_f.py",
        candidate_path=f"src/{name}/made.py",
        files={f"src/{name}/__init__.py": "from .made import f\n"},
    )
    reference = "def f(): return 1\n"
    suite = Suite(tests=(test,), reference_program=reference, integrity=IntegrityRule.AUTO)

    found = soundness.check(slot, "own/f", suite, mutants=0)

    assert (found.fault, f"`{name}` is a package" in found.detail) == (Fault.TESTS, True)
    for known in (reference, None):
        with pytest.raises(SuiteBroken, match=f"`{name}` is a package"):
            judge(slot, suite.model_copy(update={"reference_program": known})).judge(reference)
