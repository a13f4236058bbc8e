"""What is in a container that can be changed: looked at and replaced, past what its class says."""

import array
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from operator import is_
from typing import Any, Final

from executor.guest import arrays
from executor.guest.held import REFILL


def snapshot(value: Any) -> list[Any] | bytes:
    """Return what is in a container: the very elements, or the bytes of its numbers."""
    kind = type(value)
    if kind is list:
        return list.copy(value)
    for base in (list, set, deque):
        if issubclass(kind, base):
            return [*base.__iter__(value)]
    if issubclass(kind, dict):
        keys = OrderedDict.keys if issubclass(kind, OrderedDict) else dict.keys
        return [*keys(value), *dict.values(value)]
    if issubclass(kind, bytearray):
        return bytes(value)
    if getattr(value, "dtype", None) == "O":
        return list(value.flat)  # Not the bytes: they are where the objects are.
    return bytes(value.tobytes())


Place = list[int] | bool | None
"""Where something goes: between two places of a list, True for into a dict, None for all there is.

So a list that grows while both sides hold it does not cross whole with every call."""


_HASHED: Final = frozenset({str, int, bool, float, bytes})


def difference(before: list[Any] | bytes, value: Any) -> tuple[Any, Place] | None:
    """Return what is new in a container since a snapshot, and where; None if nothing is."""
    now = value if type(value) is list else snapshot(value)
    if not isinstance(now, list) or not isinstance(before, list):
        return (value, None) if now != before else None
    if len(now) == len(before) and all(map(is_, now, before)):
        return None
    if issubclass(type(value), list):
        return _part(before, now)
    if issubclass(type(value), dict):
        return _more(before, now) or (value, None)
    return value, None


def _part(before: list[Any], now: list[Any]) -> tuple[list[Any], Place]:
    start = _common(before, now)
    end = _common(before[start:][::-1], now[start:][::-1])
    return now[start : len(now) - end], [start, len(before) - end]


def _common(one: list[Any], other: list[Any]) -> int:
    """Count the same elements at the beginning."""
    same = list(map(is_, one, other))
    return same.index(False) if False in same else len(same)


def _more(before: list[Any], now: list[Any]) -> tuple[dict[Any, Any], Place] | None:
    """Return the items of a dict that are new or have another value, if no key went or moved."""
    old, new = len(before) // 2, len(now) // 2
    if _common(before[:old], now[:new]) < old:
        return None
    same = [*map(is_, before[old:], now[new:]), *[False] * (new - old)]
    items = zip(now[:new], now[new:], same, strict=True)
    changed = [(key, item) for key, item, is_same in items if not is_same]
    # Whoever has defined a hash is not asked for it here.
    return (dict(changed), True) if all(type(key) in _HASHED for key, _ in changed) else None


def refill(old: Any, new: Any, place: Any = None) -> bool:
    """Put other content into a container, or part of it; tell whether it is of its kind."""
    if place is not None:
        return _refill_part(old, new, place)
    if issubclass(type(old), arrays.numpy_class("ndarray")):
        # An array that lost its shape stays; so does one that the other side cannot make.
        if getattr(new, "shape", None) == old.shape:
            old[...] = new
        return True
    if type(old) is array.array:
        if type(new) is not array.array:
            return False
        old[:] = new
        return True
    base: Any = next((base for base in _REFILL if issubclass(type(old), base)), None)
    wanted = dict if base is OrderedDict else base
    if wanted is None or type(new) is not wanted:
        return False
    _REFILL[base](old, new)
    return True


def _refill_part(old: Any, new: Any, place: Any) -> bool:
    match place:
        case True if issubclass(type(old), dict) and type(new) is dict:
            _add(old, new)
            return True
        case [int() as start, int() as stop] if issubclass(type(old), list) and type(new) is list:
            if 0 <= start <= stop <= list.__len__(old):
                list.__setitem__(old, slice(start, stop), new)
                return True
    return False


def _add(old: dict[Any, Any], new: dict[Any, Any]) -> None:
    put = OrderedDict.__setitem__ if issubclass(type(old), OrderedDict) else dict.__setitem__
    for key, item in new.items():
        put(old, key, item)


def _refill_ordered(old: OrderedDict[Any, Any], new: dict[Any, Any]) -> None:
    OrderedDict.clear(old)
    _add(old, new)


_REFILL: Final[Mapping[type, Callable[[Any, Any], None]]] = {OrderedDict: _refill_ordered, **REFILL}
