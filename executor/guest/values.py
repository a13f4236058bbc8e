"""Tagged plain data: how values cross from one process to another, without pickle.

None, booleans, strings, finite floats, small integers, lists, and dicts whose keys are strings that
do not begin with `$` travel as plain JSON. Everything else is a dict with one key that begins with
`$`. Subclasses of built-in types travel as their base type's content, read with the base type's own
methods, so that an overridden `__eq__` or `__iter__` has no say. What is not plain data becomes a
reference if the caller can hold one, and is refused otherwise. Containers that can be changed get
numbers, if the caller gives any: what is found twice is then one container on the other side too.

This file runs inside the jail and outside; it needs only the standard library and `tagged`, which
decodes what needs no references and no numbers.
"""

import array
import datetime
import math
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final, Protocol

from executor.guest import arrays, tables
from infra.contracts import tagged
from infra.contracts.tagged import MAX_DEPTH

_SAFE_INTEGER: Final = 2**53

Json = Any
"""A value that `json` reads and writes."""
NotPlain = tagged.NotPlain


class Numbers(Protocol):
    """Numbers containers in the order in which they are met, on both sides alike."""

    def note(self, value: object, depth: int) -> Json:
        """Number a container and return None, or return what stands for it."""

    def made(self, value: object) -> None:
        """Number a container that was read, before its content is."""

    def read(self, tag: str, body: Json) -> Any:
        """Return the container that this stands for; None if it is no such tag."""


Hold = Callable[[Any, Callable[[], Json]], Json]


def encode(
    value: object,
    refer: Callable[[object], Json] | None = None,
    hold: Hold | None = None,
    numbers: Numbers | None = None,
    depth: int = 0,
) -> Json:
    """Turn a value into tagged JSON.

    `refer` makes a reference to what is not plain data. `hold` says what becomes of a value whose
    class derives from a built-in type, and can have its content for that; None is for what it would
    be without. `numbers` gives a number to every container that can be changed.

    Raises:
        NotPlain: the value is not plain data and `refer` is None, or it is nested too deeply.
    """
    kind = type(value)
    # Most values, as `_encode_scalar` would say them.
    if kind is str or kind is bool or value is None:
        return value
    if kind is int and -_SAFE_INTEGER <= value <= _SAFE_INTEGER:  # type: ignore[operator] # an int
        return value
    if depth > MAX_DEPTH:
        raise NotPlain("nested too deeply, or refers to itself")
    if kind not in _EXACT and issubclass(kind, arrays.numpy_class("generic")):
        name, number = arrays.number(value)
        encoded = encode(number, refer, hold, numbers, depth)
        return encoded if name is None else {"$number": [name, encoded]}
    known = None
    if numbers is not None and _may_change(kind):
        known = numbers.note(value, depth)
    if known is None and kind not in _EXACT and issubclass(kind, DERIVABLE):
        known = _of_derived(value, refer, hold, numbers, depth)
    if known is not None:
        return known
    # As `encode_content`, but a function less for each level of nesting.
    content = _encode_scalar(value)
    if content is _NO_CONTENT:
        content = _encode_container(value, refer, hold, numbers, depth)
    if content is not _NO_CONTENT:
        return content
    if refer is not None:
        return refer(value)
    raise NotPlain(f"a value of type {kind.__name__} cannot be compared")


def _of_derived(value: object, refer: Any, hold: Any, numbers: Any, depth: int) -> Json:
    """Say what is held of a value whose class derives from a built-in type; None if nothing is."""
    if hold is None:
        return None
    held = hold(value, lambda: encode_content(value, refer, hold, numbers, depth))
    if held is None and numbers is not None and issubclass(type(value), _CHANGING_BASES):
        return numbers.note(value, depth)
    return held


def _may_change(kind: type) -> bool:
    return kind in _CHANGING or issubclass(kind, arrays.numpy_class("ndarray"))


def encode_content(
    value: object,
    refer: Callable[[object], Json] | None = None,
    hold: Hold | None = None,
    numbers: Numbers | None = None,
    depth: int = 0,
) -> Json:
    """Turn what a value holds into tagged JSON; itself it is neither held nor numbered."""
    content = _encode_scalar(value)
    if content is _NO_CONTENT:
        content = _encode_container(value, refer, hold, numbers, depth)
    return content


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
    if kind is array.array and value.typecode in tagged.TYPE_CODES:
        return {"$numbers": [value.typecode, [encode(number) for number in value]]}
    if value is Ellipsis:
        return {"$ellipsis": True}
    if kind is type and value in _TYPES_BY_VALUE:
        return {"$type": _TYPES_BY_VALUE[value]}
    return _NO_CONTENT


def _encode_container(value: Any, refer: Any, hold: Any, numbers: Any, depth: int) -> Json:
    kind = type(value)
    if issubclass(kind, (set, frozenset)):
        known = tables.recipe(value)
        encoded = [encode(item, refer, hold, numbers, depth + 1) for item in known.items]
        name = "$set" if issubclass(kind, set) else "$frozenset"
        if not known.places:
            return {name: encoded}
        return {"$table": [name, encoded, known.places, known.first, known.fillers]}
    for base, tag, items in _SEQUENCES:
        if issubclass(kind, base):
            encoded = [encode(item, refer, hold, numbers, depth + 1) for item in items(value)]
            if tag == "$deque" and (room := _room(value)) is not None:
                return {"$bounded": [room, encoded]}
            return encoded if tag is None else {tag: encoded}
    if issubclass(kind, arrays.numpy_class("ndarray")):
        name, nested = arrays.content(value)
        # The lists are made for this message alone.
        return {"$array": [name, encode(nested, refer, hold, None, depth + 1)]}
    if issubclass(kind, _VIEWS):
        # The tuple is made for this message alone, and is what a set of the same would hold.
        tag = "$keys" if issubclass(kind, _VIEWS[0]) else "$items"
        return {tag: encode((*value,), refer, hold, numbers, depth + 1)}
    if not issubclass(kind, dict):
        return _NO_CONTENT
    # Of an ordered dict the dict's own items are in the order in which they came.
    items = OrderedDict.items if issubclass(kind, OrderedDict) else dict.items
    pairs = [
        (
            encode(key, refer, hold, numbers, depth + 1),
            encode(item, refer, hold, numbers, depth + 1),
        )
        for key, item in items(value)
    ]
    if all(type(key) is str and not key.startswith("$") for key, _ in pairs):
        return dict(pairs)
    return {"$dict": [list(pair) for pair in pairs]}


_SEQUENCES: Final[tuple[tuple[type, str | None, Callable[[Any], Any]], ...]] = (
    (list, None, list.__iter__),
    (tuple, "$tuple", tuple.__iter__),
    (deque, "$deque", deque.__iter__),
)
_room = deque.maxlen.__get__  # Whatever a derived class says.
_VIEWS: Final[tuple[type, type]] = (type(vars(array).keys()), type(vars(array).items()))
"""Views of a dict that equal sets; they travel as what they show at the time."""
_TYPES_BY_VALUE: Final = {kind: name for name, kind in tagged.TYPES.items()}


DERIVABLE: Final = (
    int, float, complex, str, bytes, bytearray, list, tuple, set, frozenset, deque, dict,
)  # fmt: skip
"""Built-in types whose derived classes' objects travel as content."""
_CHANGING: Final = frozenset(
    {list, dict, set, bytearray, deque, array.array, Counter, OrderedDict, defaultdict}
)
_CHANGING_BASES: Final = (list, dict, set, bytearray, deque)
_EXACT: Final = frozenset(
    {
        *tagged.TYPES.values(), range, deque, array.array, Decimal, Fraction, type(Ellipsis), type,
        datetime.datetime, datetime.date, datetime.time, datetime.timedelta,
    }
)  # fmt: skip


Resolve = Callable[[str, Json], Any]


def decode(
    data: Json,
    resolve: Resolve | None = None,
    numbers: Numbers | None = None,
    depth: int = 0,
    is_new: bool = True,
) -> Any:
    """Turn tagged JSON back into a value; `resolve` answers tags that are references.

    A container gets its number unless it `is_new` not: then it is the content of one that has.

    Raises:
        NotPlain: the data is not tagged JSON, or is nested too deeply.
    """
    if depth > MAX_DEPTH:
        raise NotPlain("nested too deeply")
    made = numbers.made if numbers is not None and is_new else _unnumbered
    if isinstance(data, list):
        if numbers is None:
            return [decode(item, resolve, None, depth + 1) for item in data]
        found: list[Any] = []
        made(found)
        found += [decode(item, resolve, numbers, depth + 1) for item in data]
        return found
    if not isinstance(data, dict):
        return data
    tag = tagged.tag_of(data)
    if tag is None:
        table: dict[Any, Any] = {}
        made(table)
        table.update({key: decode(item, resolve, numbers, depth + 1) for key, item in data.items()})
        return table
    try:
        return _decode_tag(tag, data[tag], resolve, numbers, depth, made)
    except (TypeError, ValueError, ArithmeticError, KeyError) as error:
        raise NotPlain(f"malformed {tag}: {error}") from None


def _unnumbered(_: object) -> None:
    """Give no number."""


def _decode_tag(
    tag: str,
    body: Json,
    resolve: Resolve | None,
    numbers: Numbers | None,
    depth: int,
    made: Callable[[object], None],
) -> Any:
    if tag in tagged.CONTAINERS:
        found, body = tagged.begun(tag, body)
        if found is not None:
            made(found)
        # No function between: what is nested as deeply as is allowed must not exhaust the stack.
        items = [decode(item, resolve, numbers, depth + 1) for item in tagged.listed(body)]
        return tagged.filled(tag, found, items)
    if tag == "$table":
        found, body, places, first, fillers = tagged.begun_table(body)
        if found is not None:
            made(found)
        items = [decode(item, resolve, numbers, depth + 1) for item in tagged.listed(body)]
        return _tabled(found, tables.Recipe(items, places, first, fillers))
    if tag == "$dict":
        table: dict[Any, Any] = {}
        made(table)
        pairs = [
            (decode(key, resolve, numbers, depth + 1), decode(item, resolve, numbers, depth + 1))
            for key, item in map(tagged.listed, tagged.listed(body))
        ]
        tagged.require_apart([key for key, _ in pairs])
        table.update(pairs)
        return table
    if tag in ("$keys", "$items"):
        shown = decode(body, resolve, numbers, depth + 1)
        return tagged.view(tag, shown)
    if tag in ("$array", "$number"):
        return _of_numpy(tag, body, resolve, depth, made)
    if tag in tagged.SCALARS:
        value = tagged.SCALARS[tag](body)
        if type(value) in _CHANGING:
            made(value)
        return value
    known = None if numbers is None else numbers.read(tag, body)
    if known is not None:
        return known
    if resolve is not None:
        return resolve(tag, body)
    raise NotPlain(f"unknown tag {tag}")


def _of_numpy(
    tag: str, body: Json, resolve: Resolve | None, depth: int, made: Callable[[object], None]
) -> Any:
    kind, encoded = tagged.listed(body)
    inner = resolve if tag == "$array" else None
    content = tagged.of_numpy(tag, kind, decode(encoded, inner, None, depth + 1))
    if resolve is not None:
        content = (arrays.make if tag == "$array" else arrays.make_number)(kind, content)
    if tag == "$array":
        made(content)
    return content


def _tabled(found: set[Any] | None, known: tables.Recipe) -> tables.AnySet:
    tagged.require_apart([*known.items, *known.fillers])
    if found is None:
        return tables.build(True, known)
    tables.fill(found, known)
    return found
