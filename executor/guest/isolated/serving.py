"""Test code beside a candidate that is in another process; see `remote` for what it holds of it."""

import builtins
import importlib
import random
import sys
import types
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from executor.guest.channel import Channel
from executor.guest.compiling import describe
from executor.guest.isolated.remote import Link, subclass_check
from executor.guest.isolated.steering import Asked
from executor.guest.reading.imported import OF_THE_CANDIDATE
from executor.guest.reading.statements import SITE
from executor.guest.reporting import Failed, Report, Result, Sites, result_of

if TYPE_CHECKING:
    from executor.guest.shared.session import Steps

_TESTS: Final = "test_suite"
"""Module of the test code."""
_FILE: Final = "<tests>"


def run(fd: int, start: dict[str, Any]) -> "Steps":
    """Run test code that has been read, and report what becomes of each test.

    Where it needs pytest, that is run as `executor.guest.shared.session.Steps` says.

    Args:
        fd: The channel.
        start: What `reading` has found of the test; its `check`, its `module`, and the
            `entry_point`.
    """
    channel = Channel(fd)
    path = _FILE
    if start["framework"]:
        from executor.guest import placing
        from executor.guest.shared import module, suite

        path = placing.TESTS
    link = Link(channel, Asked(start["text"], path).allows)
    candidate = Remote(link, start)
    report = Report(channel, link.take_failure)
    report.items(start["names"])
    random.seed(0)
    sites = Sites(report, path)
    if start["framework"]:
        tests = module.TestCode(start["text"], path)
        errors = yield from suite.run_tests(start, tests, start["within"], candidate, report, sites)
    else:
        errors = _run_code(start, candidate, report, sites)
    report.done(errors)


def _run_code(
    start: dict[str, Any], candidate: "Remote", report: Report, sites: Sites
) -> list[Result]:
    """Run test code that needs no framework; return what went wrong beside its tests."""
    warnings.simplefilter("ignore")
    module = sys.modules[_TESTS] = types.ModuleType(_TESTS)
    module.__dict__[SITE] = sites
    code = compile(start["text"], _FILE, "exec", dont_inherit=True)
    try:
        candidate.load(module)
    except Failed as failed:
        for name in start["names"]:
            report.begin(name)
            report.end(name, failed.result)
        return [] if start["names"] else [failed.result]
    steps: list[Callable[[], object]] = [
        lambda: exec(code, module.__dict__),  # noqa: S102 - test code, in a jail of its own
    ]
    if start["check"] is not None:
        name = start["check"]
        steps.append(lambda: _check(start, module.__dict__[name], candidate, report))
    try:
        for step in steps:
            step()
    except (Exception, SystemExit, Failed) as error:
        if not candidate.matters and not candidate.may_lack(error):
            report.broken(describe(error))
        return [report.of(result_of(error, _FILE))]
    return []


def _check(start: dict[str, Any], check: Any, candidate: "Remote", report: Report) -> None:
    """Call the function that takes the candidate's; it is one test if none is in it."""
    target = candidate.named(start["entry_point"])
    if start["within"]:
        check(target)
        return
    name = start["check"]
    report.items([name])
    with Sites(report, _FILE)(name):
        check(target)


class Remote:
    """The candidate, for test code that runs elsewhere."""

    def __init__(self, link: Link, start: dict[str, Any]) -> None:
        self._link = link
        self._free = set(start["free"])
        self._meant: list[str] = start["modules"]
        self._entry_point: str | None = start["entry_point"]
        self._modules = {*OF_THE_CANDIDATE, start["module"] or _CANDIDATE}

    @property
    def matters(self) -> bool:
        """Whether what the candidate is like can have made a difference by now."""
        return self._link.has_given

    def may_lack(self, error: BaseException) -> bool:
        """Tell whether an exception may be for a name that the candidate should have."""
        of_module = isinstance(error, ImportError) and error.name in self._modules
        return of_module or isinstance(error, NameError)

    def named(self, name: str) -> Any:
        """Return what calls a function of the candidate, which may be `Class.method`."""
        return self._link.entry(name)

    def load(self, tests: types.ModuleType) -> None:
        """Put what test code does not define itself into its module, and the modules it imports.

        Raises:
            Failed: the candidate failed when it was loaded.
        """
        for name in self._modules:
            _install(name, _Module(name, self._link))
        found: dict[str, Any] = {name: importlib.import_module(name) for name in self._meant}
        wanted = self._free - found.keys()
        entry = self._entry_point
        if entry is not None and "." not in entry and entry not in vars(tests):
            found[entry] = self._link.entry(entry)
            if "candidate" in wanted:  # So a script calls it that was written for `check`.
                found["candidate"] = found[entry]
        asked = sorted(wanted - found.keys())
        found |= self._link.names(asked) if asked else {}
        for name in asked:
            if name not in found and name in sys.stdlib_module_names:
                found[name] = importlib.import_module(name)
        builtins.issubclass = subclass_check(self._link)
        tests.__dict__.update(found)


_CANDIDATE: Final = OF_THE_CANDIDATE[0]


class _Module(types.ModuleType):
    """The module as which tests import the candidate."""

    def __init__(self, name: str, link: Link) -> None:
        super().__init__(name)
        self.__path__: list[str] = []
        self.__dict__["_rrtf_link"] = link

    def __getattr__(self, name: str) -> Any:
        """Ask for a name, once."""
        link: Link = self.__dict__["_rrtf_link"]
        if name == "__all__":
            self.__dict__.update(found := link.names(None))
            self.__dict__[name] = list(found)
            return self.__dict__[name]
        found = {} if name.startswith("__") else link.names([name])
        if name not in found:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        self.__dict__.update(found)
        return found[name]


def _install(name: str, module: types.ModuleType) -> None:
    """Make a module importable, and those that it is in."""
    package, _, last = name.rpartition(".")
    if package:
        if package not in sys.modules:
            outer = types.ModuleType(package)
            outer.__path__ = []
            _install(package, outer)
        setattr(sys.modules[package], last, module)
    sys.modules[name] = module
