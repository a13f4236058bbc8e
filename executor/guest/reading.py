"""What reading test code tells, in a form that can be kept: reading takes longer than most tests.

Whoever reads a suite's tests first hands out what was found as bytes, which are given to every
later process that runs them. They hold code, so nobody but such a process may look into them.
"""

import _pickle as pickle
import base64
import copyreg
import importlib.util
import marshal
import sys
import types
from typing import Any, NamedTuple

from executor.guest import sites
from executor.guest.sites import SuiteFault

OF_THE_CANDIDATE = ("solution", "candidate", "submission")
"""Modules that test code may take the candidate's names from."""
MOST_KEPT = 2**24
"""Characters kept of all tests of a suite; what goes beyond is read anew for every candidate."""


class TestCode(NamedTuple):
    """One test's code, ready to run, and all that is asked of its source meanwhile."""

    marked: sites.Instrumented
    free: frozenset[str]
    """Names that it takes from elsewhere."""
    attributes: dict[str, frozenset[str] | None]
    """Of free names that standard modules have: the attributes taken, None for any other use."""
    names_read: frozenset[str]
    packages: frozenset[str]
    """Of those that need something done before they are imported: which occur in it."""
    reaches_in: bool
    looks_into: tuple[bool, bool]
    """Without and with objects of the candidate in its hands."""


def read(source: str) -> TestCode:
    """Read the source of one test.

    Raises:
        SyntaxError, ValueError, MemoryError, RecursionError: it does not compile.
        SuiteFault: it imports what is not there.
    """
    marked = sites.instrument(source)
    _require_modules(source)
    free = frozenset(name for name in sites.free_names(source) if not name.startswith("__"))
    return TestCode(
        marked,
        free,
        {name: sites.attributes_read(source, name) for name in free & sys.stdlib_module_names},
        frozenset(sites.names_read(source)),
        frozenset(name for name in ("pytest", "unittest") if name in source),
        sites.reaches_in(source),
        (sites.looks_into(source, False), sites.looks_into(source, True)),
    )


def _require_modules(source: str) -> None:
    """Refuse test code that imports what is not there; every candidate would fail with it.

    Raises:
        SuiteFault: naming the module.
    """
    for name in sites.modules_imported(source):
        package = name.partition(".")[0]
        provided = package in (*OF_THE_CANDIDATE, "pytest")
        if not provided and (not package or importlib.util.find_spec(package) is None):
            raise SuiteFault(
                f"the test code imports {name!r}, which is not there: the image `std` has the"
                " standard library, others have packages as well, and the candidate's names come"
                " without an import or from `solution`"
            )


def kept(test: TestCode, room: int) -> str | None:
    """Return what `again` makes the same of.

    None if it has more characters than there is room, or a set that would iterate otherwise.
    """
    text = base64.b64encode(pickle.dumps(test, 5)).decode()
    if len(text) > room or _orders(test.marked.code) != _orders(again(text).marked.code):
        return None
    return text


def _orders(code: types.CodeType) -> list[list[Any]]:
    """List the elements of each set among the constants, as it iterates."""
    found: list[list[Any]] = []
    waiting: list[Any] = [code]
    while waiting:
        value = waiting.pop()
        if isinstance(value, types.CodeType):
            waiting += value.co_consts
        elif isinstance(value, (tuple, frozenset)):
            found += [[*value]] if isinstance(value, frozenset) else []
            waiting += value
    return found


def again(text: str) -> TestCode:
    """Return what `kept` was given."""
    found: TestCode = pickle.loads(base64.b64decode(text))
    return found


def _reduced(code: types.CodeType) -> tuple[Any, ...]:
    return marshal.loads, (marshal.dumps(code),)


copyreg.pickle(types.CodeType, _reduced)
