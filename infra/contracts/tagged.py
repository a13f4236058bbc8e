"""Tagged plain data read back: JSON in which an object with one key that begins with `$` is a tag.

Tests come with such values, and they cross between the executor's processes. This file is read by
whoever takes tests in, by the judge, and, from a copy in the image of the jail, by what runs
inside; it needs only the standard library.
"""

import array
import datetime
import re
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

Json = Any
"""A value that `json` reads and writes."""
MAX_DEPTH: Final = 200
"""Deepest nesting that is encoded or decoded."""
TYPE_CODES: Final = "bBhHiIlLqQfd"
"""Of the arrays of the standard library that hold numbers."""
TYPES: Final[Mapping[str, type]] = {
    kind.__name__: kind
    for kind in (
        bool, int, float, complex, str, bytes, bytearray, list, tuple, set, frozenset, dict, object,
    )
} | {"NoneType": type(None)}  # fmt: skip
_MAX_BITS: Final = 20_000
"""Longest parts of a fraction, and characters of a decimal number."""
_MAX_COLLISIONS: Final = 1_000
"""Most elements of a set, or keys of a dict, with a hash that another has too."""
_MAX_FIELDS: Final = 100
NUMBERS: Final = re.compile("[<>|=]?[biufc][0-9]{1,2}")
"""Names of numpy's types of numbers."""


class NotPlain(Exception):
    """The value is not plain data, or is nested too deeply."""


def decode(data: Json, is_argument: bool = False, depth: int = 0) -> Any:
    """Turn tagged JSON into the value it stands for; numpy's arrays and numbers into built-in ones.

    An argument, or something in one, may also be of the containers that only the guest makes.

    Raises:
        NotPlain: the data is not tagged JSON, or is nested too deeply.
    """
    if depth > MAX_DEPTH:
        raise NotPlain("nested too deeply")
    if isinstance(data, list):
        return [decode(item, is_argument, depth + 1) for item in data]
    if not isinstance(data, dict):
        return data
    tag = tag_of(data)
    if tag is None:
        return {key: decode(item, is_argument, depth + 1) for key, item in data.items()}
    try:
        return _of_tag(tag, data[tag], is_argument, depth + 1)
    except (TypeError, ValueError, ArithmeticError, KeyError) as error:
        raise NotPlain(f"malformed {tag}: {error}") from None


def _of_tag(tag: str, body: Json, is_argument: bool, depth: int) -> Any:
    # What is nested as deeply as is allowed must not exhaust the stack: few functions between.
    if tag in CONTAINERS:
        found, body = begun(tag, body)
        return filled(tag, found, [decode(item, is_argument, depth) for item in listed(body)])
    if tag == "$table":
        # Whoever compares needs no order.
        found, body, *_ = begun_table(body)
        items = [decode(item, is_argument, depth) for item in listed(body)]
        return filled("$frozenset" if found is None else "$set", found, items)
    if tag == "$dict":
        pairs = [
            (decode(key, is_argument, depth), decode(item, is_argument, depth))
            for key, item in map(listed, listed(body))
        ]
        require_apart([key for key, _ in pairs])
        return dict(pairs)
    if tag in ("$keys", "$items"):
        return view(tag, decode(body, is_argument, depth))
    if tag in ("$array", "$number"):
        kind, content = listed(body)
        return of_numpy(tag, kind, decode(content, is_argument, depth))
    if tag in SCALARS:
        return SCALARS[tag](body)
    if is_argument and tag in _COLLECTED:
        *named, content = listed(body) if tag in ("$named", "$defaultdict") else [body]
        return _COLLECTED[tag](decode(content, True, depth), *named)
    raise NotPlain(f"unknown tag {tag}")


def tag_of(data: Mapping[str, Json]) -> str | None:
    """Return the tag of an object, None if it is a plain one.

    Raises:
        NotPlain: it is neither.
    """
    tag = next(iter(data), "")
    if len(data) == 1 and tag.startswith("$"):
        return tag
    if any(key.startswith("$") for key in data):
        raise NotPlain("a key that begins with `$` is a tag and must stand alone")
    return None


def begun(tag: str, body: Json) -> tuple[Any, Json]:
    """Return a container to be filled, and what encodes its items."""
    if tag != "$bounded":
        return CONTAINERS[tag](), body
    room, items = listed(body)
    return deque(maxlen=room), items


def begun_table(body: Json) -> tuple[Any, Json, int, int, list[int]]:
    """Return a set to be filled, None for a frozen one, what encodes its items, and how to."""
    tag, items, places, first, fillers = listed(body)
    numbers = [places, first, *listed(fillers)]
    if not all(type(number) is int for number in numbers) or not 0 <= first <= len(listed(items)):
        raise TypeError("expected numbers of elements and places")
    if tag not in ("$set", "$frozenset"):
        raise ValueError("expected the tag of a set")
    return CONTAINERS[tag](), items, places, first, fillers


def filled(tag: str, found: Any, items: list[Any]) -> Any:
    """Fill a container with its items; None is one of those that are made of them at once."""
    if tag == "$tuple":
        return tuple(items)
    if tag in ("$set", "$frozenset"):
        require_apart(items)
    if found is None:
        return frozenset(items)
    if tag == "$set":
        found.update(items)
    else:
        found.extend(items)
    return found


def view(tag: str, shown: Any) -> Any:
    """Make the view of a dict that shows this tuple."""
    if type(shown) is not tuple:
        raise TypeError("expected a tuple")
    require_apart(shown if tag == "$keys" else [key for key, _ in shown])
    return dict.fromkeys(shown).keys() if tag == "$keys" else dict(shown).items()


def require_apart(items: Sequence[Any]) -> None:
    """Refuse elements or keys of which too many collide."""
    if collide(items):
        raise NotPlain("the elements of a set or the keys of a dict have the same hash")


def collide(items: Sequence[Any]) -> bool:
    """Tell whether so many elements share a hash that a table of them would take for ever.

    Raises:
        TypeError: an element has no hash.
    """
    return len(items) - len(set(map(hash, items))) > _MAX_COLLISIONS


def listed(body: Json) -> list[Any]:
    """Return a list, and raise a TypeError for anything else."""
    if not isinstance(body, list):
        raise TypeError("expected a list")
    return body


def of_numpy(tag: str, kind: Json, value: Any) -> Any:
    """Return what an array or a number of numpy holds, if it goes with the name of its type."""
    if not isinstance(kind, str):
        raise TypeError("expected the name of a type")
    leaves = [value] if tag == "$number" or NUMBERS.fullmatch(kind) else []
    while leaves:
        leaf = leaves.pop()
        if tag == "$array" and type(leaf) is list:
            leaves += leaf
        elif type(leaf) not in (bool, int, float, complex):
            raise TypeError("expected numbers")
    return value


def _named(items: Any, name: Json, fields: Json) -> Any:
    if len(listed(fields)) > _MAX_FIELDS:
        raise ValueError("too many names")
    kind: Any = namedtuple(name, fields)  # type: ignore[misc] # its name comes with it
    return kind._make(items)


def _default(table: Any, factory: Json) -> Any:
    return defaultdict(decode(factory), _table(table))


def _table(value: Any) -> dict[Any, Any]:
    if type(value) is not dict:
        raise TypeError("expected a dict")
    return value


def _integer(body: Json) -> int:
    if not isinstance(body, str) or not body.lstrip("-").startswith("0x"):
        raise TypeError("expected hexadecimal digits")
    return int(body, 16)


def _float(body: Json) -> float:
    if body not in ("nan", "inf", "-inf"):
        raise ValueError("expected nan, inf or -inf")
    return float(body)


def _complex(body: Json) -> complex:
    real, imaginary = (decode(part) for part in listed(body))
    if not all(type(part) in (int, float) for part in (real, imaginary)):
        raise TypeError("expected two numbers")
    return complex(float(real), float(imaginary))


def _fraction(body: Json) -> Fraction:
    parts = [decode(part) for part in listed(body)]
    # From text a fraction would be computed by its exponent, from long integers by their divisor.
    if len(parts) != 2 or not all(type(n) is int and n.bit_length() <= _MAX_BITS for n in parts):
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
    return array.array(code, [decode(item) for item in listed(items)])


def _ellipsis(body: Json) -> Any:
    if body is not True:
        raise ValueError("expected true")
    return Ellipsis


CONTAINERS: Final[Mapping[str, Callable[[], Any]]] = {
    "$tuple": lambda: None,
    "$frozenset": lambda: None,
    "$set": set,
    "$deque": deque,
    "$bounded": deque,
}
"""What is filled for a tag; None of what is made of its items at once."""
SCALARS: Final[Mapping[str, Callable[[Json], Any]]] = {
    "$int": _integer,
    "$float": _float,
    "$complex": _complex,
    "$bytes": bytes.fromhex,
    "$bytearray": bytearray.fromhex,
    "$numbers": _numbers,
    "$range": lambda body: range(*(decode(part) for part in listed(body))),
    "$decimal": _decimal,
    "$fraction": _fraction,
    "$datetime": datetime.datetime.fromisoformat,
    "$date": datetime.date.fromisoformat,
    "$time": datetime.time.fromisoformat,
    "$timedelta": lambda body: datetime.timedelta(*listed(body)),
    "$ellipsis": _ellipsis,
    "$type": lambda body: TYPES[body],
}
"""What makes a value without others in it of what stands for it."""
_COLLECTED: Final[Mapping[str, Callable[..., Any]]] = {
    "$named": _named,
    "$counter": lambda table: Counter(_table(table)),
    "$ordered": lambda table: OrderedDict(_table(table)),
    "$defaultdict": _default,
}
"""What makes a container of `collections` of its content; the guest makes them of arguments."""
