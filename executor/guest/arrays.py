"""Numbers and arrays of numpy, where somebody has imported it; nothing here does.

An array crosses as nested lists, a number with the name of its type. Outside they are compared as
lists and built-in numbers; for test code, or a candidate, that has numpy itself they are made anew.
"""

import sys
from typing import Any

from infra.contracts.tagged import NUMBERS


class _Absent:
    """Stands for the classes of a package that nobody has imported."""


def numpy_class(name: str) -> type:
    """Return numpy's class of this name, from which nothing derives if numpy is not there."""
    kind = getattr(sys.modules.get("numpy"), name, None)
    return kind if isinstance(kind, type) else _Absent


def number(scalar: Any) -> tuple[str | None, Any]:
    """Return the name of a scalar's type, None if it is no number, and its built-in value."""
    item = scalar.item()
    name = scalar.dtype.str
    # The item of a long double is itself.
    return (
        name if NUMBERS.fullmatch(str(name)) else None,
        float(scalar) if type(item) is type(scalar) else item,
    )


def make_number(name: Any, value: Any) -> Any:
    """Make the scalar anew, or leave the built-in value where numpy is not there.

    Raises:
        ValueError, TypeError, OverflowError: they do not fit together.
    """
    numpy = sys.modules.get("numpy")
    if numpy is None or not NUMBERS.fullmatch(str(name)):
        return value
    return numpy.dtype(name).type(value)


def content(array: Any) -> tuple[str, Any]:
    """Return the name of an array's type, and what is in it as nested lists."""
    nested: Any = numpy_class("ndarray").tolist(array)  # type: ignore[attr-defined] # of numpy
    return array.dtype.str, nested


def make(name: Any, nested: Any) -> Any:
    """Make the array anew, or leave the lists where numpy is not there.

    Raises:
        ValueError, TypeError, OverflowError: they do not fit together.
    """
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return nested
    if name == "|O":
        return numpy.array(nested, object)
    # Of texts and the like numpy finds the type, whose size the candidate must not choose.
    return numpy.array(nested, name if NUMBERS.fullmatch(str(name)) else None)
