"""Tagged plain data: how values cross from one process to another, without pickle.

None, booleans, strings, finite floats, small integers, lists, and dicts whose keys are strings that
do not begin with `$` travel as plain JSON. Everything else is a dict with one key that begins with
`$`. Subclasses of built-in types travel as their base type's content, read with the base type's own
methods, so that an overridden `__eq__` or `__iter__` has no say. What is not plain data becomes a
reference if the caller can hold one, and is refused otherwise.

This file runs inside the jail and outside; it needs only the standard library.
"""

import datetime
import math
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from executor.guest import arrays

MAX_DEPTH: Final = 200
"""Deepest nesting that is encoded or decoded."""
_SAFE_INTEGER: Final = 2**53
_MAX_BITS: Final = 20_000
"""Longest parts of a fraction, and characters of a decimal number."""
_MAX_COLLISIONS: Final = 1_000
"""Most elements of a set, or keys of a dict, with a hash that another has too."""

Json = Any
"""A value that `json` reads and writes."""


class NotPlain(Exception):
    """The value is not plain data, or is nested too deeply."""


def encode(
    value: object,
    refer: Callable[[object], Json] | None = None,
    hold: Callable[[object, Json], Json] | None = None,
    depth: int = 0,
) -> Json:
    """Turn a value into tagged JSON.

    `refer` makes a reference to what is not plain data. `hold` says what becomes of a value whose
    class derives from a built-in type; it is given the content, which is all of it otherwise.

    Raises:
        NotPlain: the value is not plain data and `refer` is None, or it is nested too deeply.
    """
    if depth > MAX_DEPTH:
        raise NotPlain("nested too deeply, or refers to itself")
    kind = type(value)
    if issubclass(kind, arrays.numpy_class("ndarray")):
        name, nested = arrays.content(value)
        return {"$array": [name, encode(nested, refer, hold, depth + 1)]}
    if issubclass(kind, arrays.numpy_class("generic")):
        value = arrays.number(value)
        kind = type(value)
    content = _encode_scalar(value)
    if content is _NO_CONTENT:
        content = _encode_container(value, refer, hold, depth)
    if content is not _NO_CONTENT:
        return content if hold is None or kind in _EXACT else hold(value, content)
    if refer is not None:
        return refer(value)
    raise NotPlain(f"a value of type {kind.__name__} cannot be compared")


_NO_CONTENT: Final = object()


def _encode_scalar(value: Any) -> Json:  # noqa: C901 - one line for each type
    # `type()` and `issubclass` look at the real type; isinstance() would believe __class__.
    kind = type(value)
    if value is None or kind is bool:
        return value
    if issubclass(kind, int):
        number = int.__int__(value)
        return number if -_SAFE_INTEGER <= number <= _SAFE_INTEGER else {"$int": hex(number)}
    if issubclass(kind, float):
        number_f = float.__float__(value)
        return number_f if math.isfinite(number_f) else {"$float": repr(number_f)}
    if issubclass(kind, str):
        return str.__str__(value) if kind is str else "".join(str.__iter__(value))
    if issubclass(kind, (bytes, bytearray)):
        tag = "$bytes" if issubclass(kind, bytes) else "$bytearray"
        return {tag: memoryview(value).hex()}
    if issubclass(kind, complex):
        number_c = complex.__complex__(value)
        return {"$complex": [encode(number_c.real), encode(number_c.imag)]}
    if kind is range:
        return {"$range": [encode(part) for part in (value.start, value.stop, value.step)]}
    if kind is Decimal:
        return {"$decimal": str(value)}
    if kind is Fraction:
        return {"$fraction": [encode(value.numerator), encode(value.denominator)]}
    if kind is datetime.datetime:
        return {"$datetime": value.isoformat()}
    if kind is datetime.date:
        return {"$date": value.isoformat()}
    if kind is datetime.time:
        return {"$time": value.isoformat()}
    if kind is datetime.timedelta:
        return {"$timedelta": [value.days, value.seconds, value.microseconds]}
    if value is Ellipsis:
        return {"$ellipsis": True}
    if kind is type and value in _TYPES_BY_VALUE:
        return {"$type": _TYPES_BY_VALUE[value]}
    return _NO_CONTENT


def _encode_container(value: Any, refer: Any, hold: Any, depth: int) -> Json:
    kind = type(value)
    for base, tag, items in _SEQUENCES:
        if issubclass(kind, base):
            encoded = [encode(item, refer, hold, depth + 1) for item in items(value)]
            return encoded if tag is None else {tag: encoded}
    if not issubclass(kind, dict):
        return _NO_CONTENT
    # Of an ordered dict the dict's own items are in the order in which they came.
    items = OrderedDict.items if issubclass(kind, OrderedDict) else dict.items
    pairs = [
        (encode(key, refer, hold, depth + 1), encode(item, refer, hold, depth + 1))
        for key, item in items(value)
    ]
    if all(type(key) is str and not key.startswith("$") for key, _ in pairs):
        return dict(pairs)
    return {"$dict": [list(pair) for pair in pairs]}


_SEQUENCES: Final[tuple[tuple[type, str | None, Callable[[Any], Any]], ...]] = (
    (list, None, list.__iter__),
    (tuple, "$tuple", tuple.__iter__),
    (set, "$set", set.__iter__),
    (frozenset, "$frozenset", frozenset.__iter__),
    (deque, "$deque", deque.__iter__),
)
_TYPES: Final[Mapping[str, type]] = {
    kind.__name__: kind
    for kind in (
        bool, int, float, complex, str, bytes, bytearray, list, tuple, set, frozenset, dict, object,
    )
} | {"NoneType": type(None)}  # fmt: skip
_TYPES_BY_VALUE: Final = {kind: name for name, kind in _TYPES.items()}


DERIVABLE: Final = (
    int, float, complex, str, bytes, bytearray, *(base for base, _, _ in _SEQUENCES), dict,
)  # fmt: skip
"""Built-in types whose derived classes' objects travel as content."""
_EXACT: Final = frozenset(
    {
        *_TYPES.values(), range, deque, Decimal, Fraction, type(Ellipsis), type,
        datetime.datetime, datetime.date, datetime.time, datetime.timedelta,
    }
)  # fmt: skip


def decode(data: Json, resolve: Callable[[str, Json], Any] | None = None, depth: int = 0) -> Any:
    """Turn tagged JSON back into a value; `resolve` answers tags that are references.

    Raises:
        NotPlain: the data is not tagged JSON, or is nested too deeply.
    """
    if depth > MAX_DEPTH:
        raise NotPlain("nested too deeply")
    if isinstance(data, list):
        return [decode(item, resolve, depth + 1) for item in data]
    if not isinstance(data, dict):
        return data
    tag = next(iter(data), "")
    if len(data) != 1 or not tag.startswith("$"):
        if any(key.startswith("$") for key in data):
            raise NotPlain("a key that begins with `$` is a tag and must stand alone")
        return {key: decode(item, resolve, depth + 1) for key, item in data.items()}
    try:
        return _decode_tag(tag, data[tag], resolve, depth)
    except (TypeError, ValueError, ArithmeticError, KeyError) as error:
        raise NotPlain(f"malformed {tag}: {error}") from None


def _decode_tag(
    tag: str, body: Json, resolve: Callable[[str, Json], Any] | None, depth: int
) -> Any:
    if tag in _CONTAINERS:
        items = [decode(item, resolve, depth + 1) for item in _list(body)]
        if tag in ("$set", "$frozenset") and collide(items):
            raise NotPlain("the elements of a set have the same hash")
        return _CONTAINERS[tag](items)
    if tag == "$dict":
        pairs = [(decode(key, resolve, depth + 1), item) for key, item in _list(body)]
        if collide([key for key, _ in pairs]):
            raise NotPlain("the keys of a dict have the same hash")
        return {key: decode(item, resolve, depth + 1) for key, item in pairs}
    if tag == "$array":
        kind, nested = _list(body)
        content = decode(nested, resolve, depth + 1)
        # Compared as lists; only test code, or the candidate, has a use for the array.
        return content if resolve is None else arrays.make(kind, content)
    if tag in _SCALARS:
        return _SCALARS[tag](body)
    if resolve is not None:
        return resolve(tag, body)
    raise NotPlain(f"unknown tag {tag}")


def collide(items: Sequence[Any]) -> bool:
    """Tell whether so many elements share a hash that a table of them would take for ever.

    Raises:
        TypeError: an element has no hash.
    """
    return len(items) - len(set(map(hash, items))) > _MAX_COLLISIONS


def _list(body: Json) -> list[Any]:
    if not isinstance(body, list):
        raise TypeError("expected a list")
    return body


def _integer(body: Json) -> int:
    if not isinstance(body, str) or not body.lstrip("-").startswith("0x"):
        raise TypeError("expected hexadecimal digits")
    return int(body, 16)


def _float(body: Json) -> float:
    if body not in ("nan", "inf", "-inf"):
        raise ValueError("expected nan, inf or -inf")
    return float(body)


def _fraction(body: Json) -> Fraction:
    parts = [decode(part) for part in _list(body)]
    # From text a fraction would be computed by its exponent, from long integers by their divisor.
    if len(parts) != 2 or not all(type(n) is int and n.bit_length() <= _MAX_BITS for n in parts):
        raise TypeError("expected two integers of a moderate size")
    return Fraction(*parts)


def _decimal(body: Json) -> Decimal:
    if not isinstance(body, str) or len(body) > _MAX_BITS:
        raise TypeError("expected a string of a moderate length")
    return Decimal(body)


_CONTAINERS: Final[dict[str, Callable[[Any], Any]]] = {
    "$tuple": tuple,
    "$set": set,
    "$frozenset": frozenset,
    "$deque": deque,
}
_SCALARS: Final[dict[str, Callable[[Any], Any]]] = {
    "$int": _integer,
    "$float": _float,
    "$complex": lambda body: complex(*(float(decode(part)) for part in body)),
    "$bytes": bytes.fromhex,
    "$bytearray": bytearray.fromhex,
    "$range": lambda body: range(*(decode(part) for part in body)),
    "$decimal": _decimal,
    "$fraction": _fraction,
    "$datetime": datetime.datetime.fromisoformat,
    "$date": datetime.date.fromisoformat,
    "$time": datetime.time.fromisoformat,
    "$timedelta": lambda body: datetime.timedelta(*body),
    "$ellipsis": lambda _: Ellipsis,
    "$type": lambda body: _TYPES[body],
}
