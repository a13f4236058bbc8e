"""What a test runner would run of a module: test functions, test classes, `TestCase`s."""

import itertools
import os
import sys
import traceback
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from executor.guest.sites import FILE, SuiteFault

CASES = "__rrtf_cases__"
"""Attribute that holds the arguments a function or a class of tests is run with, once for each."""

_OURS = (os.path.dirname(os.__file__), os.path.dirname(__file__))
"""Folders of the standard library, and of this."""
Report = Callable[[BaseException], None]
"""Takes what ended a test between its sites."""


class Skipped(Exception):
    """A test ends here by its own decision; what it has not reached counts as not run."""


def is_skip(error: BaseException | None) -> bool:
    """Tell whether a test has decided to end; no exception of a candidate is taken for that."""
    unittest = sys.modules.get("unittest")
    is_one = isinstance(error, (Skipped, unittest.SkipTest) if unittest else Skipped)
    return is_one and is_raised_by_tests(error)


def is_raised_by_tests(error: BaseException | None) -> bool:
    """Tell whether nothing but test code, and what runs it, is on the way to where it was raised.

    A candidate in the same process may raise what skips a test, or blames the suite.
    """
    if error is None or "executor.guest.together" not in sys.modules:
        return True
    files = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)]
    return all(name == FILE or name.startswith(_OURS) for name in files)


class Runner:
    """Runs the tests of a module, each apart from the failures of the others."""

    def __init__(
        self,
        module: str,
        report: Report,
        is_entered: Callable[[types.FunctionType], bool],
        is_judged: Callable[[types.FunctionType], bool],
        names_read: Iterable[str],
    ) -> None:
        """Take what says which functions the module has called by itself, and has got all of."""
        self._module = module
        self._charge = report
        self._is_entered = is_entered
        self._is_judged = is_judged
        self._names_read = frozenset(names_read)

    def run(self, namespace: Mapping[str, Any]) -> None:
        """Run every test, in the order of their definitions."""
        # Under a second name it is no second test.
        items = list({id(item): item for item in namespace.values()}.values())
        # Before any is run here: classes may share what they derive.
        done = {id(item): self._done(item) for item in items if isinstance(item, type)}
        for item in items:
            if isinstance(item, type):
                self._run_class(item, done[id(item)])
            elif isinstance(item, types.FunctionType) and item.__name__.startswith("test"):
                self._run_function(item)

    def _report(self, error: BaseException) -> None:
        if not is_skip(error):
            self._charge(error)

    def guarded(self, function: Callable[..., object], *args: Any, **kwargs: Any) -> bool:
        """Call a function, which may be a coroutine; report how it ended, and tell if well."""
        try:
            result = function(*args, **kwargs)
            if isinstance(result, types.CoroutineType):
                import asyncio

                asyncio.run(result)
        except BaseException as error:
            is_exit = isinstance(error, SystemExit) and error.code in (None, 0)
            if is_exit and not getattr(error, "from_candidate", False):
                return True
            self._report(error)
            return False
        return True

    def _run_function(self, function: types.FunctionType) -> None:
        if self._is_entered(_unwrapped(function)):
            return
        for arguments in _cases(function):
            if missing := _unmet(function, arguments):
                # Not called here, it may have been meant to be called by the module.
                if function.__name__ not in self._names_read:
                    self._report(SuiteFault(_NO_FIXTURES.format(function.__name__, missing)))
                return
            self.guarded(function, **arguments)

    def _done(self, kind: type) -> frozenset[str]:
        """Name the tests of a class that the module has run by itself, each site of them."""
        if kind.__module__ != self._module or hasattr(kind, CASES):
            return frozenset()
        found = ((name, getattr(kind, name)) for name in dir(kind) if name.startswith("test"))
        return frozenset(
            name
            for name, method in found
            if isinstance(method, types.FunctionType)
            and not hasattr(method, CASES)
            and self._is_judged(_unwrapped(method))
        )

    def _run_class(self, kind: type, done: frozenset[str]) -> None:
        if _is_test_case(kind):
            from executor.guest import cases

            self.guarded(cases.run, kind, done, self._report)
        elif kind.__module__ == self._module and kind.__name__.startswith("Test"):
            self._run_plain_class(kind, done)

    def _run_plain_class(self, kind: type, done: frozenset[str]) -> None:
        names = [name for name in dir(kind) if name.startswith("test") and name not in done]
        methods = [name for name in names if isinstance(getattr(kind, name), types.FunctionType)]
        if not methods or not self._prepared(kind, "setup_class"):
            return
        for name in methods:
            for one, other in itertools.product(_cases(kind), _cases(getattr(kind, name))):
                self._run_method(kind, name, one | other)
        self._prepared(kind, "teardown_class")

    def _run_method(self, kind: type, name: str, arguments: dict[str, Any]) -> None:
        made: list[Any] = []
        if not self.guarded(lambda: made.append(kind())):
            return
        method = getattr(made[0], name)
        if missing := _unmet(method, arguments):
            self._report(SuiteFault(_NO_FIXTURES.format(f"{kind.__name__}.{name}", missing)))
            return
        if self._prepared(made[0], "setup_method", method):
            self.guarded(method, **arguments)
            self._prepared(made[0], "teardown_method", method)

    def _prepared(self, owner: Any, name: str, *offered: Any) -> bool:
        """Call a set-up or tear-down, if there is one, with as much as it takes."""
        function = getattr(owner, name, None)
        if function is None:
            return True
        if isinstance(owner, type):
            # Written with or without `classmethod`.
            offered = () if isinstance(function, types.MethodType) else (owner,)
        return self.guarded(function, *offered[: len(_parameters(function))])


_NO_FIXTURES = "{} takes {!r}, and nothing gives it: fixtures are not supported"


def _cases(test: object) -> Sequence[dict[str, Any]]:
    cases: Sequence[dict[str, Any]] = getattr(test, CASES, ({},))
    return cases


def _unwrapped(function: Any) -> types.FunctionType:
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    found: types.FunctionType = function
    return found


# The standard `inspect` brings much with it, into every fresh jail.
def _parameters(function: Any) -> dict[str, bool]:
    """Tell of the parameters by name whether each must be given; of a method, all but the first."""
    is_bound = isinstance(function, types.MethodType)
    plain = function.__func__ if is_bound else function
    code: types.CodeType = plain.__code__
    positional = code.co_varnames[: code.co_argcount]
    keywords = code.co_varnames[code.co_argcount :][: code.co_kwonlyargcount]
    without_default = len(positional) - len(plain.__defaults__ or ())
    found = {name: at < without_default for at, name in enumerate(positional)}
    found |= {name: name not in (plain.__kwdefaults__ or {}) for name in keywords}
    return dict(list(found.items())[int(is_bound) :])


def _unmet(function: Callable[..., object], arguments: Mapping[str, Any]) -> str:
    """Name a parameter that must be given and is not."""
    required = (name for name, must in _parameters(function).items() if must)
    return next((name for name in required if name not in arguments), "")


def _is_test_case(kind: type) -> bool:
    unittest = sys.modules.get("unittest")
    is_one = unittest is not None and issubclass(kind, unittest.TestCase)
    return is_one and kind.__module__.partition(".")[0] != "unittest"
