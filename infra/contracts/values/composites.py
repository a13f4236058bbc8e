"""What is made at once of parts that are there: views, iterators, named tuples, arrays of numpy."""

import re
import sys
from collections import namedtuple
from collections.abc import Iterator, Sequence
from typing import Any, Final

NUMBERS: Final = re.compile("[<>|=]?[biufc][0-9]{1,2}")
"""Names of numpy's types of numbers."""
_MAX_COLLISIONS: Final = 1_000
"""Most elements of a set, or keys of a dict, with a hash that another has too."""
_MAX_FIELDS: Final = 100


class NotPlain(Exception):
    """The value is not plain data, or is nested too deeply."""


class ContainsItself(NotPlain):
    """The value is plain data, but endless when written out."""


def unknown_default() -> Any:
    """Stand for what a `defaultdict` calls that is no plain data.

    Raises:
        NotPlain: always; only who made the dict knows what a missing key would get.
    """
    raise NotPlain("what a missing key of a defaultdict gets")


def require_apart(items: Sequence[Any]) -> None:
    """Refuse elements or keys so many of which share a hash that a table would take for ever.

    Raises:
        NotPlain: there are too many.
        TypeError: one has no hash.
    """
    if len(items) - len(set(map(hash, items))) > _MAX_COLLISIONS:
        raise NotPlain("the elements of a set or the keys of a dict have the same hash")


def view(tag: str, shown: Any) -> Any:
    """Make the view of a dict that shows this tuple."""
    if type(shown) is not tuple:
        raise TypeError("expected a tuple")
    if tag == "$values":
        return dict(enumerate(shown)).values()
    require_apart(shown if tag == "$keys" else [key for key, _ in shown])
    return dict.fromkeys(shown).keys() if tag == "$keys" else dict(shown).items()


def iterator(items: list[Any], error: BaseException | None, is_generator: bool) -> Iterator[Any]:
    """Make what gives these, and raises the error then if there is one."""
    if error is not None and not isinstance(error, BaseException):
        raise TypeError("expected an exception")
    return _generator(items, error) if is_generator or error is not None else iter(items)


def _generator(items: list[Any], error: BaseException | None) -> Iterator[Any]:
    yield from items
    if error is not None:
        raise error


def named(name: str, fields: Sequence[Any]) -> Any:
    """Make a class of named tuples.

    Raises:
        TypeError, ValueError: these are no names, or too many.
    """
    if len(fields) > _MAX_FIELDS:
        raise ValueError("too many names")
    if not all(type(field) is str for field in fields):
        raise TypeError("expected names")
    # A field that was renamed there has a name that only renaming gives.
    namedtuple(name, [field for at, field in enumerate(fields) if field != f"_{at}"])
    return namedtuple(name, fields, rename=True)


def of_numpy(tag: str, kind: str, value: Any) -> Any:
    """Make an array or a number of numpy; what it holds where nobody has imported numpy."""
    leaves = [value] if NUMBERS.fullmatch(kind) else []
    while leaves:
        leaf = leaves.pop()
        if tag == "$array" and type(leaf) is list:
            leaves += leaf
        elif type(leaf) not in (bool, int, float, complex):
            raise TypeError("expected numbers")
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return value
    if tag == "$number":
        return numpy.dtype(kind).type(value) if NUMBERS.fullmatch(kind) else value
    # Of texts and the like numpy finds the type, whose size nobody else must choose.
    return numpy.array(value, kind if NUMBERS.fullmatch(kind) else None)
