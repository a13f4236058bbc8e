"""What plug-ins and options of a suite find around them where authors run it by themselves."""

import importlib.util
import os
from typing import Any, Final

import pytest
from _pytest.terminal import TerminalReporter

_MEASURING: Final = "pytest_cov"
_WITH_VALUE: Final = (
    "--cov-report", "--cov-config", "--cov-context", "--cov-fail-under", "--cov-precision",
    "--cov-reset",
)  # fmt: skip
_WITHOUT: Final = ("--cov-append", "--cov-branch", "--no-cov", "--no-cov-on-fail")
_OF_SPREADING: Final = ("--dist", "--maxprocesses", "--maxschedchunk")
SPREADING: Final = ("-p", "no:xdist", "-p", "no:xdist.looponfail")
"""What keeps the plug-in away that spreads tests over processes, of which none would be ours."""


class Surroundings:
    """Has a report for the terminal that nobody sees, and takes options that decide nothing.

    Those are of plug-ins that measure coverage, unless that is installed, or spread tests over
    processes.
    """

    def __init__(self, is_reported: bool) -> None:
        """There is no report if nobody is after it: it takes a tenth of the time of many tests."""
        self._is_reported = is_reported

    def pytest_addoption(self, parser: pytest.Parser) -> None:
        """Take the options."""
        group: Any = parser.getgroup("passed over")
        if importlib.util.find_spec(_MEASURING) is None:
            group.addoption("--cov", nargs="?", const=True, action="append")
            for name in _WITH_VALUE:
                group.addoption(name, action="append")
            for name in _WITHOUT:
                group.addoption(name, action="store_true")
        # Small letters are kept for pytest's own plug-ins, of which that is one.
        group._addoption("-n", "--numprocesses")
        for name in _OF_SPREADING:
            group.addoption(name)

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Have the report; plug-ins write to it, and are asked for a summary by it."""
        if not self._is_reported:
            return
        name = "terminalreporter"
        nowhere = open(os.devnull, "w")  # noqa: SIM115 - for as long as the session
        config.add_cleanup(nowhere.close)
        config.pluginmanager.unblock(name)
        config.pluginmanager.register(TerminalReporter(config, nowhere), name)
