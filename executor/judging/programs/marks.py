"""What a composed program is: its files, and the mark by which a run is believed."""

import re
import secrets
from collections.abc import Callable
from typing import Final, NamedTuple

from executor.judging.native.builds import Build
from infra.contracts.base import Language
from infra.contracts.problems import ProgramTest


class NoTests(Exception):
    """The test code has no place in which a program of its language begins."""


class Mark(NamedTuple):
    """What a run writes that came to the end of its tests: `last` behind `first`."""

    first: str
    last: str

    @staticmethod
    def new() -> "Mark":
        """Make one that nobody knows."""
        return Mark(secrets.token_hex(16), secrets.token_hex(16))

    @property
    def text(self) -> str:
        """The mark as it is written."""
        return self.first + self.last


class Composed(NamedTuple):
    """A program that contains the candidate and the tests."""

    build: Build
    mark: str
    reports: re.Pattern[str] | None = None
    """How its framework reports one test: its `name`, and `passed` if it has."""
    declared: int = 1
    """Number of tests in the test code."""


Compose = Callable[[ProgramTest, str, Mark], Composed]


class Framework(NamedTuple):
    """A test framework with a program of its own around the tests."""

    name: str
    is_used: Callable[[Language, str], bool]
    """Whether test code of a language is for it."""
    is_installed: Callable[[], bool]
    """Whether this machine has it."""
    composed: Callable[[Language, ProgramTest, str, Mark], Composed]


C_HARNESS: Final = """\
#ifdef __cplusplus
extern "C" {{
#endif
long __write(int, const void *, unsigned long);
int __real_main(int, char **, char **);
int __wrap_main(int, char **, char **);
int __wrap_main(int count, char **words, char **environment) {{
    int status = __real_main(count, words, environment);
    static const char last[] = "{last}", first[] = "{first}";
    if ({believed} && (__write(1, first, 32) != 32 || __write(1, last, 32) != 32)) return 70;
    return status;
}}
#ifdef __cplusplus
}}
#endif
"""
"""A `main` around that of the tests; `believed` says of its `status` when the mark is written.

It is written under the C library's own name: `write` may be a function of the candidate's.
"""
