"""The session of pytest in which tests are run: begun once in a zygote, ended in each jail."""

import contextlib
import os
import sys
from collections.abc import Callable, Collection, Generator, Iterator
from typing import Any, Final, NamedTuple

import pytest
from _pytest import main as protocol
from _pytest.assertion.rewrite import AssertionRewritingHook
from _pytest.config import (
    Config,
    ConftestImportFailure,
    PluginImportFailure,
    _prepareconfig,
)

from executor.guest.placing import FOLDER, TESTS
from executor.guest.shared.surroundings import SPREADING, Surroundings

_ARGUMENTS: Final = (
    f"--rootdir={FOLDER}", f"--confcutdir={FOLDER}",
    "--tb=native",
    # What is printed is the candidate's, and who reports to nobody need not do it at length.
    "-p", "no:terminalreporter",
    # Each test has an outcome of its own, and copies of tests fail.
    "--maxfail=0",
)  # fmt: skip
_UNCONFIGURED: Final = (
    "-c", os.devnull, "--import-mode=prepend",
    # They keep files, and take time to begin.
    "-p", "no:cacheprovider", "-p", "no:faulthandler",
)  # fmt: skip
_UNCAPTURED: Final = ("--capture=no",)
REFUSALS: Final = (pytest.UsageError, PluginImportFailure, pytest.PytestWarning)
REFUSED: Final = "pytest refuses its configuration"
"""How a suite is described whose options pytest does not take."""


class Asked(NamedTuple):
    """What a session is to be run with."""

    plugin: object | None
    file: str = TESTS
    """The test code."""
    is_configured: bool = False
    """Whether files of the suite tell pytest how to run it."""
    is_fresh: bool = False
    """Whether something of the suite has a say in how the session begins."""
    is_reported: bool = True
    """Whether something of the suite may be after the report for the terminal."""
    is_captured: bool = False
    """Whether a plug-in of the suite is after what tests print."""


Steps = Generator[Asked, int | str, None]
"""What runs tests: it prepares them, yields what pytest is to be run with, if it comes that far, is
sent the status of that, or why there is none, and tells of it."""


def run(asked: Asked) -> int | str:
    """Run a session from its beginning to its end; return its status, or why it cannot begin."""
    os.environ["PYTEST_VERSION"] = pytest.__version__  # As it has it itself.
    try:
        config = configured(asked)
    except ConftestImportFailure as error:
        cause = error.cause
        return f"{type(cause).__name__}: {cause} (in {error.path.name})"
    except REFUSALS as error:
        return f"{REFUSED}: {error}"
    except Exception as error:
        return f"{REFUSED}: {type(error).__name__}: {error}"  # As where warnings are errors.
    try:
        status: int | None = config.hook.pytest_cmdline_main(config=config)
        return status or 0
    except pytest.UsageError as error:
        return f"{REFUSED}: {error}"
    finally:
        config._ensure_unconfigure()


def configured(asked: Asked) -> Config:
    """Have pytest read its options, and load plugins; the caller has it unconfigured.

    Raises:
        pytest.UsageError, PluginImportFailure: it does not take the options.
        ConftestImportFailure: a plugin of the suite fails.
    """
    own = () if asked.is_configured else _UNCONFIGURED
    printed = () if asked.is_captured else _UNCAPTURED
    arguments = [os.path.relpath(asked.file, FOLDER), *own, *printed, *SPREADING, *_ARGUMENTS]
    plugins = [] if asked.plugin is None else [asked.plugin]
    with _not_warned_of(frozenset(sys.modules)):
        around = [Surroundings(asked.is_reported)] if asked.is_fresh else []
        return _prepareconfig(arguments, [*plugins, *around])


@contextlib.contextmanager
def _not_warned_of(loaded: Collection[str]) -> Iterator[None]:
    """Have pytest not warn that plugins were loaded before it was there: that is our doing.

    Where its authors run a suite nobody has loaded them, and warnings may be errors.
    """
    warn = AssertionRewritingHook._warn_already_imported

    def warn_of_others(hook: AssertionRewritingHook, name: str) -> None:
        if name not in loaded:
            warn(hook, name)

    AssertionRewritingHook._warn_already_imported = warn_of_others  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        AssertionRewritingHook._warn_already_imported = warn  # type: ignore[method-assign]


def serve(order: Callable[[], Steps], can_wait: Callable[[], bool]) -> None:
    """Begin a session, and call `order` in it, which returns in each jail; go on with it there.

    It returns in no jail, and otherwise only if a session cannot be begun, or `can_wait` says
    that nobody can go on with it elsewhere.
    """
    os.makedirs(FOLDER, exist_ok=True)
    os.chdir(FOLDER)
    waiting = _Waiting(order, can_wait)
    try:
        status = run(Asked(waiting))
        if waiting.steps is not None:
            _end(waiting.steps, status)
    finally:
        if waiting.is_in_jail:
            os._exit(70)


def _first(steps: Steps) -> Asked:
    try:
        return next(steps)
    except StopIteration:
        os._exit(0)  # There is nothing to run.
    except BaseException:
        os._exit(70)


def _end(steps: Steps, status: int | str) -> None:
    try:
        steps.send(status)
    except StopIteration:
        os._exit(0)


class _Waiting:
    """Has pytest wait between the beginning of its session and the collection of tests."""

    def __init__(self, order: Callable[[], Steps], can_wait: Callable[[], bool]) -> None:
        self._order = order
        self._can_wait = can_wait
        self.is_in_jail = False
        self.steps: Steps | None = None
        """Of this jail."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> int:
        """Do what pytest does, but wait in between."""
        return protocol.wrap_session(config, self._wait)

    def _wait(self, config: pytest.Config, session: pytest.Session) -> int | None:
        logs: Any = config.pluginmanager.get_plugin("logging-plugin")
        # No jail has our files; it opens one of its own when something is logged.
        logs.log_file_handler.setStream(None).close()
        if not self._can_wait():
            return None
        self.steps = self._order()
        self.is_in_jail = True
        asked = _first(self.steps)
        if asked.is_fresh:
            _end(self.steps, run(asked))
        config.args = [asked.file]
        config.pluginmanager.register(asked.plugin)
        return protocol._main(config, session)
