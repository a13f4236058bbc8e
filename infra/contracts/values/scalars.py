"""Values without others in them: what stands for each of them in tagged plain data.

One table for both directions, used by `tagged`, which reads, and `encoding`, which writes.
"""

import array
import builtins
import datetime
import math
import uuid
import zoneinfo
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, NamedTuple

Json = Any
"""A value that `json` reads and writes."""
TYPE_CODES: Final = "bBhHiIlLqQfd"
"""Of the arrays of the standard library that hold numbers."""
TYPES: Final[Mapping[str, type]] = {
    kind.__name__: kind
    for kind in (
        bool, int, float, complex, str, bytes, bytearray, list, tuple, set, frozenset, dict, object,
    )
} | {"NoneType": type(None)}  # fmt: skip
ERRORS: Final[Mapping[str, type[BaseException]]] = {
    name: kind
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, BaseException)
}
"""The exceptions that are plain data where their arguments are."""
_SAFE_INTEGER: Final = 2**53
_MAX_BITS: Final = 20_000
"""Longest parts of a fraction, and characters of a decimal number."""


class Scalar(NamedTuple):
    """A type whose values have no others in them."""

    tag: str
    kind: type
    write: Callable[[Any], Json]
    """Returns the body of the tag; raises a TypeError for a value that cannot be written."""
    read: Callable[[Json], Any]


def number(value: int) -> Json:
    """Write an integer; JSON says small ones alike everywhere."""
    if -_SAFE_INTEGER <= value <= _SAFE_INTEGER:
        return int.__int__(value)
    return {"$int": hex(int.__int__(value))}


def fraction(value: float) -> Json:
    """Write a number with a fraction."""
    found = float.__float__(value)
    return found if math.isfinite(found) else {"$float": repr(found)}


def text(value: str) -> Json:
    """Write a text."""
    return value if type(value) is str else "".join(str.__iter__(value))


def listed(body: Json) -> list[Any]:
    """Return a list, and raise a TypeError for anything else."""
    if not isinstance(body, list):
        raise TypeError("expected a list")
    return body


def _plain_number(data: Json) -> int | float:
    """Read a number.

    Raises:
        TypeError, ValueError: it is none.
    """
    match data:
        case {"$int": body}:
            return _integer(body)
        case {"$float": body}:
            return _float(body)
    if type(data) not in (int, float):
        raise TypeError("expected a number")
    found: int | float = data
    return found


def _integer(body: Json) -> int:
    if not isinstance(body, str) or not body.lstrip("-").startswith("0x"):
        raise TypeError("expected hexadecimal digits")
    return int(body, 16)


def _float(body: Json) -> float:
    if body not in ("nan", "inf", "-inf"):
        raise ValueError("expected nan, inf or -inf")
    return float(body)


def _complex(body: Json) -> complex:
    real, imaginary = map(_plain_number, listed(body))
    return complex(float(real), float(imaginary))


def _range(body: Json) -> range:
    return range(*map(_index, listed(body)))


def _index(data: Json) -> int:
    found = _plain_number(data)
    if type(found) is not int:
        raise TypeError("expected an integer")
    return found


def _fraction(body: Json) -> Fraction:
    parts = [_index(part) for part in listed(body)]
    # From text a fraction would be computed by its exponent, from long integers by their divisor.
    if len(parts) != 2 or not all(part.bit_length() <= _MAX_BITS for part in parts):
        raise TypeError("expected two integers of a moderate size")
    return Fraction(*parts)


def _decimal(body: Json) -> Decimal:
    if not isinstance(body, str) or len(body) > _MAX_BITS:
        raise TypeError("expected a string of a moderate length")
    return Decimal(body)


def _numbers(body: Json) -> Any:
    code, items = listed(body)
    if code not in list(TYPE_CODES):
        raise ValueError("unknown type of numbers")
    return array.array(code, [_plain_number(item) for item in listed(items)])


def _write_numbers(value: Any) -> Json:
    if value.typecode not in TYPE_CODES:
        raise TypeError("an array of text")
    write = fraction if value.typecode in "fd" else number
    return [value.typecode, [write(item) for item in array.array.__iter__(value)]]


def _zone(body: Json) -> datetime.tzinfo | None:
    if body is None:
        return None
    if not isinstance(body, str):
        return _timezone(body)
    try:
        return zoneinfo.ZoneInfo(body)
    except OSError:  # What has this name is no file, or none can have it.
        raise ValueError("unknown time zone") from None


def _write_zone(zone: datetime.tzinfo | None) -> Json:
    if type(zone) is zoneinfo.ZoneInfo and zone.key is not None:
        return zone.key
    if zone is not None and type(zone) is not datetime.timezone:
        raise TypeError("a time zone of its own")
    return None if zone is None else _write_timezone(zone)


def _timezone(body: Json) -> datetime.timezone:
    seconds, microseconds = listed(body)
    offset = datetime.timedelta(seconds=seconds, microseconds=microseconds)
    return datetime.timezone(offset) if offset else datetime.UTC


def _write_timezone(zone: Any) -> Json:
    offset = zone.utcoffset(None)
    return [offset.days * 86_400 + offset.seconds, offset.microseconds]


def _write_time(value: Any) -> Json:
    if value.tzinfo is None and not value.fold:
        return value.isoformat()
    return [value.replace(tzinfo=None).isoformat(), _write_zone(value.tzinfo), value.fold]


def _time_of(kind: Any) -> Callable[[Json], Any]:
    def read(body: Json) -> Any:
        if isinstance(body, str):
            return kind.fromisoformat(body)
        iso, zone, fold = listed(body)
        return kind.fromisoformat(iso).replace(tzinfo=_zone(zone), fold=fold)

    return read


def _ellipsis(body: Json) -> Any:
    if body is not True:
        raise ValueError("expected true")
    return Ellipsis


def _type(body: Json) -> type:
    found = TYPES.get(body) or ERRORS.get(body)
    if found is None:
        raise ValueError("expected the name of a built-in type")
    return found


def _write_type(value: type) -> Json:
    if TYPES.get(value.__name__) is not value and ERRORS.get(value.__name__) is not value:
        raise TypeError("a class")
    return value.__name__


def _uuid(body: Json) -> uuid.UUID:
    return uuid.UUID(int=_integer(body))


SCALARS: Final[Mapping[str, Scalar]] = {
    scalar.tag: scalar
    for scalar in (
        Scalar("$int", int, lambda v: hex(int.__int__(v)), _integer),
        Scalar("$float", float, lambda v: repr(float.__float__(v)), _float),
        Scalar("$complex", complex, lambda v: [fraction(v.real), fraction(v.imag)], _complex),
        Scalar("$bytes", bytes, lambda v: memoryview(v).hex(), bytes.fromhex),
        Scalar("$bytearray", bytearray, lambda v: memoryview(v).hex(), bytearray.fromhex),
        Scalar("$numbers", array.array, _write_numbers, _numbers),
        Scalar("$range", range, lambda v: [number(n) for n in (v.start, v.stop, v.step)], _range),
        Scalar("$decimal", Decimal, Decimal.__str__, _decimal),
        Scalar("$fraction", Fraction, lambda v: [number(v.numerator), number(v.denominator)],
               _fraction),
        Scalar("$datetime", datetime.datetime, _write_time, _time_of(datetime.datetime)),
        Scalar("$date", datetime.date, lambda v: v.isoformat(), datetime.date.fromisoformat),
        Scalar("$time", datetime.time, _write_time, _time_of(datetime.time)),
        Scalar("$timedelta", datetime.timedelta, lambda v: [v.days, v.seconds, v.microseconds],
               lambda body: datetime.timedelta(*listed(body))),
        Scalar("$timezone", datetime.timezone, _write_timezone, _timezone),
        Scalar("$uuid", uuid.UUID, lambda v: hex(v.int), _uuid),
        Scalar("$ellipsis", type(Ellipsis), lambda _: True, _ellipsis),
        Scalar("$type", type, _write_type, _type),
    )
}  # fmt: skip
"""By tag. Small integers, finite floats, texts, booleans and None are written as they are."""
CHANGING: Final = frozenset({bytearray, array.array})
"""Those that can be changed."""
