"""A suite run once more, only to see where it spends its time: in the tests, or in the program."""

import faulthandler
import os
from typing import Any

from executor.guest import placing
from executor.guest.shared import session, suite

_TESTS = b"tests\n"
_PROGRAM = b"program\n"
_SECONDS = 0.1


def run(fd: int, start: dict[str, Any]) -> session.Steps:
    """Run the suite of `start`; write where it is to the standard error, a word for each look."""
    read, write = os.pipe()
    if os.fork() == 0:
        try:
            os.close(fd)
            os.close(write)
            _condense(read, placing.tests_file(start))
        finally:
            os._exit(0)
    os.close(read)
    # It looks from outside of Python, so that a loop in C is seen as well.
    faulthandler.dump_traceback_later(_SECONDS, repeat=True, file=write)
    yield from suite.run(fd, start)


def _condense(read: int, tests: str) -> None:
    """Of each stack that is written, innermost frame first, tell the first that is the suite's."""
    is_told = True
    with os.fdopen(read, errors="replace") as stacks:
        for line in stacks:
            if line.startswith(("Thread", "Current thread")):
                is_told = False
            elif not is_told and line.startswith(f'  File "{placing.FOLDER}/'):
                is_told = True
                is_test = line.startswith(f'  File "{tests}"')
                os.write(2, _TESTS if is_test else _PROGRAM)
