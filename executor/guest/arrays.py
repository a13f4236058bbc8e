"""Numbers and arrays of numpy, where somebody has imported it; nothing here does.

An array crosses as nested lists. It is compared as these, and made an array again only for test
code, or a candidate, that has numpy itself.
"""

import re
import sys
from typing import Any, Final

_NUMBERS: Final = re.compile("[<>|=]?[biufc][0-9]{1,2}")
"""Names of the types of arrays of numbers."""


class _Absent:
    """Stands for the classes of a package that nobody has imported."""


def numpy_class(name: str) -> type:
    """Return numpy's class of this name, from which nothing derives if numpy is not there."""
    kind = getattr(sys.modules.get("numpy"), name, None)
    return kind if isinstance(kind, type) else _Absent


def number(scalar: Any) -> Any:
    """Return the built-in value of one of numpy's scalars."""
    item = scalar.item()
    # The item of a long double is itself.
    return float(scalar) if type(item) is type(scalar) else item


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
    return numpy.array(nested, name if _NUMBERS.fullmatch(str(name)) else None)
