"""Values written as tagged plain data, which `tagged` reads.

Values of classes that derive from built-in types are written as what they hold, read with the
built-in type's own methods, unless the class compares or iterates in its own way. This file runs
inside the jail and outside; it needs only the standard library.
"""

import functools
import sys
import types
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from infra.contracts.values import orders, scalars
from infra.contracts.values.composites import NUMBERS, NotPlain, unknown_default
from infra.contracts.values.scalars import CHANGING, ERRORS, SCALARS, Json

Refer = Callable[[Any], Json | None]
"""Writes what is no plain data, or returns None."""
_MAX_DRAINED: Final = (1_000_000, 64 * 2**20)
"""Most elements of an iterator, and most bytes of them."""
_OWN: Final = (
    "__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__", "__hash__", "__iter__", "__len__",
    "__getitem__", "__contains__", "__bool__",
)  # fmt: skip
"""What a class must leave as its base has it, for its objects to be written as that."""
_BY_KIND: Final = {scalar.kind: scalar for scalar in SCALARS.values()}


def encode(value: Any, refer: Refer | None = None) -> Json:
    """Turn a value into tagged JSON.

    Raises:
        NotPlain: it is no plain data, and `refer` writes nothing for it.
    """
    writer = Writer(refer)
    root = writer.place(value)
    if type(root) is not dict or "$at" not in root:
        return root
    nodes = writer.nodes()
    return nodes[0] if len(nodes) == 1 and not writer.repeats else {"$nodes": nodes}


class Writer:
    """Writes one value, or several that have parts in common."""

    def __init__(self, refer: Refer | None = None, known: Sequence[Any] = ()) -> None:
        """`known` are values that the reader has, and knows by these places."""
        self._refer = refer
        self._nodes: list[Json] = []
        self.values: list[Any] = []
        """The value of each node; none goes before the writer does, so that no id is used twice."""
        self.repeats = False
        """Whether something was met twice."""
        self._numbers = {id(value): -1 - at for at, value in enumerate(known)}

    def place(self, value: Any) -> Json:
        """Write a part, or name the node that it will be.

        Raises:
            NotPlain: it is no plain data.
        """
        kind = type(value)
        if kind is str or kind is bool or value is None:
            return value
        if kind is int:
            return scalars.number(value)
        if kind not in _CONTAINERS and kind not in _BY_KIND:
            referred = self._refer(value) if self._refer is not None else None
            if referred is not None:
                return referred
            kind = _BASES(kind)
        if kind is str or (kind in _BY_KIND and kind not in CHANGING):
            return _scalar(kind, value)
        number = self._numbers.setdefault(id(value), len(self.values))
        if number == len(self.values):
            self.values.append(value)
        else:
            self.repeats = True
        return {"$at": number}

    def nodes(self) -> list[Json]:
        """Write all that has been placed.

        Raises:
            NotPlain: some of it is no plain data.
        """
        while len(self._nodes) < len(self.values):
            self._nodes.append(self.node(self.values[len(self._nodes)]))
        return self._nodes

    def node(self, value: Any) -> Json:
        """Write what is in a container.

        Raises:
            NotPlain: it is no plain data.
        """
        kind = type(value) if type(value) in _CONTAINERS else _BASES(type(value))
        return _scalar(kind, value) if kind in CHANGING else _CONTAINERS[kind](self, value)

    def items(self, items: Iterable[Any]) -> list[Json]:
        """Write the parts of a container."""
        return [self.place(item) for item in items]

    def table(self, pairs: Iterable[tuple[Any, Any]]) -> Json:
        """Write keys and values."""
        placed = [[self.place(key), self.place(item)] for key, item in pairs]
        if all(type(key) is str and not key.startswith("$") for key, _ in placed):
            return dict(placed)
        return {"$dict": placed}


def _scalar(kind: type, value: Any) -> Json:
    if kind is int:
        return scalars.number(value)
    if kind is float:
        return scalars.fraction(value)
    if kind is str:
        return scalars.text(value)
    scalar = _BY_KIND[kind]
    try:
        return {scalar.tag: scalar.write(value)}
    except TypeError as error:
        raise NotPlain(
            f"a value of type {type(value).__name__} cannot be compared: {error}"
        ) from None


def base_of(kind: type) -> type:
    """Return the type as which values of a class are written.

    Raises:
        NotPlain: there is none.
    """
    for position, base in enumerate(kind.__mro__):
        if base.__module__ == "numpy" and base.__name__ in ("ndarray", "generic"):
            return _Array if base.__name__ == "ndarray" else _Number
        is_error = ERRORS.get(base.__name__) is base
        if is_error or base is str or base in _CONTAINERS or base in _BY_KIND:
            own = {name for derived in kind.__mro__[:position] for name in vars(derived)}
            if own.isdisjoint(_OWN):
                return BaseException if is_error else base
            break
    if hasattr(kind, "__next__"):
        return _Iterator
    raise NotPlain(f"a value of type {kind.__name__}")


_BASES: Final[Callable[[type], type]] = functools.lru_cache(maxsize=1024)(base_of)


def _list(writer: Writer, value: Any) -> Json:
    return writer.items(list.__iter__(value))


def _tuple(writer: Writer, value: Any) -> Json:
    content = {"$tuple": writer.items(tuple.__iter__(value))}
    fields: Any = getattr(type(value), "_fields", None)
    if type(fields) is not tuple or len(fields) != tuple.__len__(value):
        return content
    return {"$named": [type(value).__name__, [str(field) for field in fields], content]}


def _set(writer: Writer, value: Any) -> Json:
    known = orders.recipe(value)
    items = writer.items(known.items)
    tag = "$set" if issubclass(type(value), set) else "$frozenset"
    if not known.places:
        return {tag: items}
    return {"$table": [tag, items, known.places, known.first, known.fillers]}


def _defaultdict(writer: Writer, value: Any) -> Json:
    try:
        factory = writer.place(_DEFAULT(value))
    except NotPlain:
        factory = writer.place(unknown_default)
    return {"$defaultdict": [factory, writer.table(dict.items(value))]}


def _deque(writer: Writer, value: Any) -> Json:
    items, room = writer.items(deque.__iter__(value)), _ROOM(value)
    return {"$deque": items} if room is None else {"$bounded": [room, items]}


_DEFAULT: Final[Any] = vars(defaultdict)["default_factory"].__get__
_ROOM: Final[Any] = vars(deque)["maxlen"].__get__


def _view(tag: str) -> Callable[[Writer, Any], Json]:
    return lambda writer, value: {tag: {"$tuple": writer.items(value)}}


def _iterator(writer: Writer, value: Any) -> Json:
    """Write what an iterator gives; what it ends in, it ends in on the other side too."""
    items: list[Any] = []
    error: BaseException | None = None
    size = 0
    try:
        for item in value:
            items.append(item)
            size += sys.getsizeof(item, 0)
            if len(items) > _MAX_DRAINED[0] or size > _MAX_DRAINED[1]:
                raise NotPlain("an iterator with too many elements, or without an end")
    except (MemoryError, NotPlain):
        raise
    except Exception as raised:
        error = plain_error(raised)
    is_generator = type(value) is types.GeneratorType
    return {"$iterator": [writer.items(items), is_generator, writer.place(error)]}


def _error(writer: Writer, value: Any) -> Json:
    return {"$error": [_builtin(type(value)).__name__, writer.items(_arguments(value))]}


def plain_error(error: BaseException) -> BaseException:
    """Return an exception of the nearest built-in class, with the same text."""
    kind, arguments = _builtin(type(error)), _arguments(error)
    try:
        text = str(error)
    except Exception:
        text = "<no message>"
    for given in (arguments, (text,)):
        try:
            made = kind(*given)
            encode(made)
            if given is not arguments or str(made) == text:
                return made
        except (NotPlain, TypeError, ValueError):
            continue
    return (Exception if issubclass(kind, Exception) else BaseException)(text)


def _builtin(kind: type) -> type[BaseException]:
    return next(ERRORS[base.__name__] for base in kind.__mro__ if base in _ALL_ERRORS)


_ALL_ERRORS: Final = frozenset(ERRORS.values())


def _arguments(error: BaseException) -> tuple[Any, ...]:
    found: tuple[Any, ...] = BaseException.args.__get__(error)  # type: ignore[attr-defined] # a slot
    if isinstance(error, BaseExceptionGroup):
        return error.message, error.exceptions
    if isinstance(error, OSError) and error.filename is not None and len(found) == 2:
        return (*found, error.filename)
    return found


class _Number:
    """Stands for the classes of numpy's numbers."""


class _Array:
    """Stands for numpy's arrays."""


class _Iterator:
    """Stands for the classes of iterators."""


def _number(_: Writer, value: Any) -> Json:
    item, kind = value.item(), value.dtype.str
    if not NUMBERS.fullmatch(kind):
        raise NotPlain(f"a number of type {value.dtype}")
    # The item of a long double is itself.
    return {"$number": [kind, _nested(float(value) if type(item) is type(value) else item)]}


def _array(_: Writer, value: Any) -> Json:
    if value.dtype.kind not in "biufcU":
        raise NotPlain(f"an array of type {value.dtype}")
    return {"$array": [value.dtype.str, _nested(value.tolist())]}


def _nested(value: Any) -> Json:
    return [_nested(item) for item in value] if type(value) is list else encode(value)


_TABLES: Final[tuple[Any, ...]] = ({}, OrderedDict())
_CONTAINERS: Final[Mapping[type, Callable[[Writer, Any], Json]]] = {
    list: _list,
    tuple: _tuple,
    set: _set,
    frozenset: _set,
    dict: lambda writer, value: writer.table(dict.items(value)),
    Counter: lambda writer, value: {"$counter": writer.table(dict.items(value))},
    # The dict's own items are in the order in which they came.
    OrderedDict: lambda writer, value: {"$ordered": writer.table(OrderedDict.items(value))},
    defaultdict: _defaultdict,
    deque: _deque,
    **{
        type(getattr(table, name)()): _view(f"${name}")
        for table in _TABLES
        for name in ("keys", "values", "items")
    },
    BaseException: _error,
    _Iterator: _iterator,
    _Number: _number,
    _Array: _array,
}
