"""Tests as their authors run them: the real pytest, with the candidate in the same process.

Everything that is told of here can have been forged by the candidate; the verdict says `shared`.
"""

import importlib
import os
import random
import re
import sys
import types
from collections.abc import Generator
from typing import Any, Protocol

import pytest
from _pytest.assertion.rewrite import AssertionRewritingHook
from _pytest.config import default_plugins
from _pytest.skipping import evaluate_skip_marks

from executor.guest import placing
from executor.guest.channel import Channel
from executor.guest.compiling import compile_candidate
from executor.guest.placing import FOLDER
from executor.guest.reading.imported import candidate_modules, imports_of
from executor.guest.reading.statements import SITE, marked
from executor.guest.reporting import PASSED, Report, Result, Sites, result_of
from executor.guest.shared import readying, writing
from executor.guest.shared.loaded import forget, refusal
from executor.guest.shared.module import TestCode
from executor.guest.shared.session import Asked, Steps

for _name in default_plugins:
    # pytest itself would import them in every fresh process; here it is done once, in the zygote.
    importlib.import_module(f"_pytest.{_name}")
for _name in ("unittest", "unittest.mock", "doctest"):
    importlib.import_module(_name)

_JUDGED = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
_ASKS_FOR_PRINTED = re.compile(r"\b(?:capstdout|capstderr|capturemanager|sections)\b")
_OF_REPORTS = ("terminal", "pytest_report_", "get_plugin", "getplugin")
"""Who writes to the report for the terminal, or is asked by it."""
CANDIDATE = "solution"
"""Module of the candidate where the tests do not say another name."""


def run(fd: int, start: dict[str, Any]) -> Steps:
    """Run the test code against the candidate, and report what becomes of each test.

    Args:
        fd: The channel.
        start: `program`; `source` of the tests; `module`, under which they import the candidate,
            None if they are of one module with it; `files` beside them, by name, and `data_files`,
            in base64; among these `path`, of the test code, and `candidate_path`, None where that
            follows; `check`, a function that is called with the `entry_point`, or None;
            `statements`, what those that are tests are called and whether some are of `check`,
            None if none is marked yet; `imports` of the tests, None if nobody has looked for them;
            `code` of the tests, if it was made before: then `source` is there if they read it.
    """
    channel = Channel(fd)
    names = _names(start)
    path, root = placing.candidate_file(start, (names or [CANDIDATE])[0])
    code = compile_candidate(channel, start["program"], path)
    if code is None:
        return
    taken = refusal(start["module"], start["candidate_path"], start["files"])
    if taken is not None:
        Report(channel, lambda: None).done([["runtime_error", taken]])
        return
    writing.write_files(start["files"], start["data_files"])
    writing.write(path, start["program"])
    forget(start["module"], start["candidate_path"], start["files"])
    file = placing.tests_file(start)
    if start["code"] is not None:
        code_of_tests = readying.unpacked(start.pop("code"))
        tests, (statements, within) = (
            TestCode(start.pop("source"), file, code_of_tests),
            start["statements"],
        )
    elif start["statements"] is None:
        tests, statements, within = marked_code(start.pop("source"), file, start["check"])
    else:
        tests, (statements, within) = TestCode(start.pop("source"), file), start["statements"]
    report = Report(channel, lambda: None)
    report.items(statements)
    random.seed(0)
    if root != FOLDER:
        sys.path.insert(0, root)
    candidate = _Here(code, names, start["module"] is None)
    sites = Sites(report, file)
    report.done((yield from run_tests(start, tests, within, candidate, report, sites)))


def marked_code(source: str, file: str, check: str | None) -> tuple[TestCode, list[str], bool]:
    """Return test code with its statements marked, what they are called, whether some are within.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: it does not compile.
    """
    text, statements, within = marked(source, check)
    return TestCode(text, file), statements, within


def run_tests(
    start: dict[str, Any],
    tests: TestCode,
    within: bool,
    candidate: "Candidate",
    report: Report,
    sites: Sites,
) -> Generator[Asked, int | str, list[Result]]:
    """Run test code, its statements marked, and report; return what went wrong beside its tests.

    It yields what pytest is to be run with, and is sent the status of that, or why there is none.

    `within` says whether some of the marked statements are in the function `check`.
    """
    os.chdir(FOLDER)
    sys.path.insert(0, FOLDER)
    sys.argv = ["pytest"]
    plugin = _Plugin(start, tests, candidate, report, sites, within)
    files = start.get("files", {})
    configures = bool(placing.configuration(files))
    is_fresh = configures or bool(placing.plugins(files))
    if is_fresh:
        tests.compile_now()
    code = [text for name, text in files.items() if name.endswith(".py")]
    is_reported = any(word in text for text in code for word in _OF_REPORTS)
    is_captured = is_fresh and any(map(_ASKS_FOR_PRINTED.search, files.values()))
    status = yield Asked(plugin, tests.file, configures, is_fresh, is_reported, is_captured)
    if isinstance(status, str):
        plugin.errors.append(["runtime_error", status])
    elif not plugin.errors and not plugin.explains(status):
        plugin.errors.append(["runtime_error", f"pytest ended with status {int(status)}"])
    return plugin.errors


def _names(start: dict[str, Any]) -> list[str]:
    """Return the modules as which the tests import the candidate; none if both are one module."""
    if start["module"] is not None:
        return [start["module"]]
    try:
        found = start["imports"]
        imports = imports_of(start["source"]) if found is None else found
        return candidate_modules(imports, start["program"], start["files"])
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []  # It is told of where that is compiled.


class Candidate(Protocol):
    """The program, as the tests have it."""

    @property
    def matters(self) -> bool:
        """Whether it can have made a difference by now, where that can be told."""

    def load(self, tests: types.ModuleType) -> None:
        """Make it ready for the module of the tests, which is about to be run."""

    def named(self, name: str) -> Any:
        """Return what a name stands for; in `Class.method` each class is instantiated first."""


class _Here:
    """The program, as a module that tests import, or in one namespace with them."""

    matters = False
    """It is in this process, and whatever is found here may be its work."""

    def __init__(self, code: types.CodeType, names: list[str], by_name: bool) -> None:
        self._code = code
        self._names = names
        self._by_name = by_name

    def load(self, tests: types.ModuleType) -> None:
        """Load it where the module of the tests, about to be run itself, looks for it."""
        if not self._names:
            sys.modules[CANDIDATE] = tests
            exec(self._code, tests.__dict__)  # noqa: S102 - what this process is for
        elif self._by_name:
            module = importlib.import_module(self._names[0])
            for name in (CANDIDATE, *self._names):
                sys.modules.setdefault(name, module)
            own = {key: value for key, value in vars(module).items() if not key.startswith("__")}
            tests.__dict__.update(own)

    def named(self, name: str) -> Any:
        """Look a name up; in `Class.method` each class is instantiated first."""
        first, *attributes = name.split(".")
        module = sys.modules[self._names[0] if self._names else CANDIDATE]
        target = getattr(module, first)
        for attribute in attributes:
            target = getattr(target() if isinstance(target, type) else target, attribute)
        return target


class _Check(pytest.Item):
    """The function that test code of one function is called by, with the candidate's."""

    def __init__(
        self, *, tests: types.ModuleType, candidate: Candidate, entry_point: str, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._tests = tests
        self._candidate = candidate
        self._entry_point = entry_point

    def runtest(self) -> None:
        """Call it."""
        environ = os.environ
        try:
            getattr(self._tests, self.name)(self._candidate.named(self._entry_point))
        finally:
            # It may have put a mock there for good, and pytest is not done with it.
            os.environ = environ  # noqa: B003 - the very object is put back


class _Plugin:
    """Tells the supervisor what pytest tells its plugins."""

    def __init__(
        self,
        start: dict[str, Any],
        tests: TestCode,
        candidate: Candidate,
        report: Report,
        sites: Sites,
        within: bool,
    ) -> None:
        self._start = start
        self._tests = tests
        self._candidate = candidate
        self._report = report
        self._sites = sites
        self._within = within
        self._module: types.ModuleType | None = None
        """The tests, once they are loaded."""
        self._session: pytest.Session | None = None
        self._raised: dict[tuple[str, str], pytest.ExceptionInfo[BaseException]] = {}
        """What has ended the set-up, call or tear-down of tests, by their names."""
        self._results: dict[str, list[str]] = {}
        self.errors: list[list[str]] = []
        """Outcome and detail of what went wrong beside the tests, as where they are collected."""

    def explains(self, status: int | str) -> bool:
        """Tell whether a session that ends so has ended by what became of its tests."""
        if status == pytest.ExitCode.TESTS_FAILED:
            return self._session is None or self._session.testsfailed > 0
        return status in _JUDGED

    def pytest_configure(self, config: pytest.Config) -> None:
        """Have the tests compiled, and the candidate loaded where they look for it."""
        hook = next(f for f in sys.meta_path if isinstance(f, AssertionRewritingHook))
        load = hook.exec_module

        def exec_module(module: types.ModuleType) -> None:
            if module.__spec__ is None or module.__spec__.origin != self._tests.file:
                load(module)
                return
            self._module = module
            code = self._tests.compiled(config)
            module.__dict__[SITE] = self._sites
            self._candidate.load(module)
            exec(code, module.__dict__)  # noqa: S102 - what this process is for

        hook.exec_module = exec_module  # type: ignore[method-assign] # of this one object

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> bool:
        """Keep what ended pytest itself; that is all that is told of it."""
        self.errors.append(self._report.of(result_of(excinfo.value, self._tests.file)))
        return True

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Any:
        """Keep why something could not be collected."""
        report = yield
        if report.outcome == "failed" and report.call is not None and report.call.excinfo:
            error = report.call.excinfo.value
            self.errors.append(self._report.of(result_of(error, self._tests.file)))
        return report

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, items: list[pytest.Item]
    ) -> None:
        """Say which tests there are."""
        self._session = session
        # What the candidate may have had marked is no mark of the tests.
        matters = self._candidate.matters
        items[:] = [item for item in items if matters or not _is_skipped(item)]
        if not placing.see_failures(self._start.get("files", {})):
            for item in items:
                # How a failure looks is for nobody; the outcome is made of the exception itself.
                item.repr_failure = _not_shown  # type: ignore[assignment, method-assign] # this one
        names = [item.nodeid for item in items]
        check = self._start["check"]
        if check is not None and self._module is not None:
            called = _Check.from_parent(
                session,
                name=check,
                tests=self._module,
                candidate=self._candidate,
                entry_point=self._start["entry_point"],
            )
            items.append(called)
            names += [] if self._within else [called.nodeid]
        self._report.items(names)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> Any:
        """Say when a test begins and what became of it."""
        if isinstance(item, _Check) and self._within:
            # Its statements are the tests; what ends it between them keeps the others from theirs.
            answer = yield
            found = self._report.of(self._results[item.nodeid])
            self.errors += [found] if found[0] != "passed" else []
            return answer
        self._report.begin(item.nodeid)
        answer = yield
        found = self._results.get(item.nodeid, ["not_run", "it did not run"])
        is_followed = nextitem is not None and not isinstance(nextitem, _Check)
        self._report.end(item.nodeid, found, is_followed)
        return answer

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """Tell apart what ends with a test and what ends with all those that share it.

        The last test has no part in how the latter ends, and may be a copy.
        """
        if nextitem is not None and nextitem.parent is item.parent:
            return
        state = item.session._setupstate
        own: BaseException | None = None
        try:
            state.teardown_exact(_Sibling(item))  # type: ignore[arg-type] # what is read of it
        except (Exception, pytest.fail.Exception, pytest.skip.Exception) as error:
            own = error
        try:
            state.teardown_exact(nextitem)
        except (Exception, pytest.fail.Exception, pytest.skip.Exception) as error:
            self.errors.append(self._report.of(result_of(error, self._tests.file)))
        if own is not None:
            raise own

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
        """Keep what has ended a test's set-up, call or tear-down."""
        report = yield
        self._raised.pop((item.nodeid, call.when), None)
        if call.excinfo is not None:  # Of a test case it is only known by now.
            self._raised[item.nodeid, call.when] = call.excinfo
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Turn the end of a test's set-up, call or tear-down into an outcome.

        As pytest counts it: a plug-in of the suite may have had a say in it.
        """
        raised = self._raised.pop((report.nodeid, report.when or ""), None)
        if report.outcome == "failed":
            error = raised.value if raised else AssertionError(report.longreprtext)
            found = result_of(error, self._tests.file)
        elif report.outcome == "skipped" and not hasattr(report, "wasxfail"):
            found = ["skipped", raised.exconly() if raised else ""]
        elif report.outcome in ("passed", "skipped") and (
            report.when == "call" or hasattr(report, "wasxfail")
        ):
            found = PASSED
        else:
            return
        known = self._results.get(report.nodeid)
        if known is None or known[0] == "passed":
            self._results[report.nodeid] = found


class _Sibling:
    """A test beside another, as far as pytest looks at what comes next."""

    def __init__(self, item: pytest.Item) -> None:
        self._item = item

    def listchain(self) -> list[Any]:
        """What it is in, and it itself last."""
        return [*self._item.listchain()[:-1], self]


def _not_shown(*_: object) -> str:
    return ""


def _is_skipped(item: pytest.Item) -> bool:
    """Tell whether a test is marked to be left out; one that skips itself is another matter."""
    marked = (getattr(item, "obj", None), getattr(item, "cls", None))
    is_left_out = any(getattr(one, "__unittest_skip__", False) for one in marked)
    return is_left_out or evaluate_skip_marks(item) is not None
