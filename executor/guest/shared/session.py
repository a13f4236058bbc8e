"""The session of pytest in which tests are run: begun once in a zygote, ended in each jail."""

import os
from collections.abc import Callable, Generator
from typing import Any, Final

import pytest
from _pytest import main as protocol

FOLDER: Final = "/tmp/suite"
TESTS: Final = "test_suite"
"""Module of the test code."""
_ARGUMENTS: Final = (
    f"{TESTS}.py", "-c", os.devnull, f"--rootdir={FOLDER}", f"--confcutdir={FOLDER}",
    "--capture=no", "--tb=native",
    "--import-mode=prepend", "-p", "no:cacheprovider", "-p", "no:faulthandler",
    # What is printed is the candidate's, and who reports to nobody need not do it at length.
    "-p", "no:terminalreporter",
)  # fmt: skip
_OWN_PLUGIN: Final = f"{FOLDER}/conftest.py"

Steps = Generator[object, int, None]
"""What runs tests: it prepares them, yields a plug-in that pytest is to be run with, if it comes
that far, is sent the status of that, and tells of it."""


def run(plugin: object) -> int:
    """Run a session from its beginning to its end; return its status."""
    return pytest.main(list(_ARGUMENTS), plugins=[plugin])


def serve(order: Callable[[], Steps], can_wait: Callable[[], bool]) -> None:
    """Begin a session, and call `order` in it, which returns in each jail; go on with it there.

    It returns in no jail, and otherwise only if a session cannot be begun, or `can_wait` says
    that nobody can go on with it elsewhere.
    """
    os.makedirs(FOLDER, exist_ok=True)
    os.chdir(FOLDER)
    waiting = _Waiting(order, can_wait)
    try:
        status = run(waiting)
        if waiting.steps is not None:
            _end(waiting.steps, status)
    finally:
        if waiting.is_in_jail:
            os._exit(70)


def _first(steps: Steps) -> object:
    try:
        return next(steps)
    except StopIteration:
        os._exit(0)  # There is nothing to run.
    except BaseException:
        os._exit(70)


def _end(steps: Steps, status: int) -> None:
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
        plugin = _first(self.steps)
        if os.path.exists(_OWN_PLUGIN):
            # It may have a say in how a session begins.
            _end(self.steps, run(plugin))
        config.pluginmanager.register(plugin)
        return protocol._main(config, session)
