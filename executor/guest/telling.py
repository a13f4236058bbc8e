"""What a check has computed, by value, for whoever compares it outside."""

import sys
import types
from collections import ChainMap, UserDict, UserList, UserString
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from infra.contracts.values.composites import NotPlain
from infra.contracts.values.encoding import encode
from infra.contracts.values.scalars import Json

_HELD: Final[dict[type, Callable[[Any], Any]]] = {
    int: int.__index__,
    float: float.__float__,
    str: str.__str__,
}
"""How to read what a value of a class that derives from one of these holds."""
_EQUAL: Final[dict[type, Callable[[Any], Any]]] = {
    ChainMap: dict,
    UserDict: dict,
    types.MappingProxyType: dict,
    UserList: list,
    UserString: str,
}
"""How to write what is no plain data, and equal to it."""


_LASTING: Final = {
    *(int, float, complex, str, bytes, bool, type(None), range, Decimal, Fraction),
    *(date, datetime, time, timedelta),
}


def by_value(value: object) -> dict[str, Any]:
    """Write a value; of what is no plain data, why, and whether it is true if it says that."""
    try:
        return {"value": encode(value, _refer)}
    except NotPlain as error:
        return {"opaque": f"{error} cannot be compared", "true": _truth(value)}


def is_lasting(value: object) -> bool:
    """Tell whether nothing can change a value in place."""
    if type(value) in (tuple, frozenset):
        return all(map(is_lasting, value))  # type: ignore[call-overload] # It is one of them.
    return type(value) in _LASTING


def _truth(value: object) -> bool | None:
    try:
        return bool(value)
    except Exception:
        return None  # As that of an array.


def _refer(value: Any) -> Json | None:
    kind = type(value)
    if hasattr(kind, "__next__"):
        # To read it would be to use it up, and what is left of it is the test's.
        raise NotPlain("an iterator")
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.ndarray):
        raise NotPlain("an array")  # Comparing it with something gives an array.
    if numpy is not None and kind in (numpy.str_, numpy.bytes_):
        return encode(value.item())
    if kind in _EQUAL:
        return encode(_EQUAL[kind](value), _refer)
    for base, held in _HELD.items():
        if isinstance(value, base) and getattr(kind, "__eq__", None) is base.__eq__:
            return encode(held(value))  # A member of an enumeration is equal to it.
    return None
