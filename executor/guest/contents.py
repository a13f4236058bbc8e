"""What is in a container that can be changed: looked at and replaced, past what its class says."""

import array
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
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


def refill(old: Any, new: Any) -> bool:
    """Put other content into a container; tell whether it is of its kind."""
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


def _refill_ordered(old: OrderedDict[Any, Any], new: dict[Any, Any]) -> None:
    OrderedDict.clear(old)
    for key, item in new.items():
        OrderedDict.__setitem__(old, key, item)


_REFILL: Final[Mapping[type, Callable[[Any, Any], None]]] = {OrderedDict: _refill_ordered, **REFILL}
