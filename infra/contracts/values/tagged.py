"""Tagged plain data read back: JSON in which an object with one key that begins with `$` is a tag.

Tests come with such values, and they cross between the executor's processes; `encoding` writes what
is read here. These files are read by whoever takes tests in, by the judge, and, from a copy in the
image of the jail, by what runs inside; they need only the standard library.

A value whose parts are met twice, or are nested deeply, is `{"$nodes": [...]}`: the first node is
the value, and `{"$at": n}` in one stands for the n-th. A negative n is of what the reader knows:
the nodes of the message that is being answered.
"""

from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from infra.contracts.values import composites, orders
from infra.contracts.values.composites import ContainsItself, NotPlain
from infra.contracts.values.scalars import CHANGING, ERRORS, SCALARS, Json, listed

Resolve = Callable[[str, Json], Any]
"""Makes something of a tag that is none of plain data; raises NotPlain."""
MAX_DEPTH: Final = 200
"""Deepest nesting of what is written without nodes."""
_MAX_FIXED_DEPTH: Final = 1_000
"""Deepest nesting of what cannot be changed: who asks for the hash of a tuple asks all its parts,
with no limit but the stack."""
_MAX_WRITTEN_OUT: Final = 2**26
"""Most characters of a value, each part written as often as it occurs."""
_MAX_CLASSES: Final = 100
"""Most classes of named tuples in one value."""
_SHELLS: Final[Mapping[str, Callable[[], Any]]] = {
    "$dict": dict, "$set": set, "$deque": deque, "$counter": Counter, "$ordered": OrderedDict,
}  # fmt: skip
_PLAIN: Final = frozenset({str, int, float, bool, type(None)})
_ERRORS = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RuntimeError)


def decode(data: Json, resolve: Resolve | None = None) -> Any:
    """Turn tagged JSON into the value it stands for.

    Raises:
        NotPlain: the data is not tagged JSON, or is nested too deeply.
    """
    return Reader(resolve).read(data)


def decode_tree(data: Json) -> Any:
    """Turn tagged JSON into a value that may be walked through without care.

    Raises:
        NotPlain: as `decode`; or it contains itself, or has too many parts when written out.
    """
    reader = Reader()
    value = reader.read(data)
    reader.require_tree()
    return value


class Reader:
    """Reads one value, or several that have parts in common."""

    def __init__(self, resolve: Resolve | None = None, known: Sequence[Any] = ()) -> None:
        """`known` is what `{"$at": -1}` and so on stand for."""
        self._resolve = resolve
        self._known = known
        self._nodes: list[Json] = []
        self.made: list[Any] = []
        """The value of each node."""
        self._is_made: list[bool] = []
        self._fixed: dict[int, tuple[int, int]] = {}
        """Depth and size of the nodes that cannot be changed."""
        self._parts: list[list[int]] = []
        self._reading = -1
        self._missing: list[int] = []
        self._classes: dict[tuple[str, ...], Any] = {}

    def read(self, data: Json) -> Any:
        """Read a value; others can be had from `value` then, that refer to its nodes.

        Raises:
            NotPlain: the data is not tagged JSON, or is nested too deeply.
        """
        try:
            if type(data) is dict and "$nodes" in data and tag_of(data):
                self.load(listed(data["$nodes"]))
                return self.made[0]
            return self.value(data)
        except _ERRORS as error:
            raise NotPlain(f"malformed value: {error}") from None

    def value(self, data: Json, depth: int = 0) -> Any:
        """Read a part."""
        if type(data) in _PLAIN:
            return data
        if depth > MAX_DEPTH:
            raise NotPlain("nested too deeply")
        if type(data) is dict and "$at" in data and tag_of(data):
            return self._at(data["$at"])
        shell = self._shell(data)
        if shell is None:
            return self._made(data, depth + 1)
        self.fill(shell, data, depth + 1)
        return shell

    def load(self, nodes: list[Json]) -> None:
        """Read the nodes that are referred to."""
        self._nodes = nodes
        self._parts = [[] for _ in nodes]
        self.made = [self._shell(node) for node in nodes]
        self._is_made = [shell is not None for shell in self.made]
        fillable = [number for number, made in enumerate(self._is_made) if made]
        for number in range(len(nodes) - 1, -1, -1):
            self._make(number)
        for number in fillable:
            self._reading = number
            self.fill(self.made[number], nodes[number])

    def _make(self, number: int) -> None:
        """Make what cannot be changed, its parts before it."""
        waiting, begun = [number], set()
        while waiting:
            self._reading = at = waiting[-1]
            if self._is_made[at]:
                waiting.pop()
                continue
            self._missing, self._parts[at] = [], []
            try:
                made = self._made(self._nodes[at], 1)
            except _ERRORS:
                if not self._missing:
                    raise
            if self._missing:
                if at in begun:
                    raise NotPlain("it contains itself")
                begun.add(at)
                waiting += self._missing
                continue
            self._weigh(at)
            self.made[at], self._is_made[at] = made, True

    def _weigh(self, at: int) -> None:
        weights = [self._fixed.get(part, (0, 0)) for part in self._parts[at]]
        depth = 1 + max((depth for depth, _ in weights), default=0)
        size = len(repr(self._nodes[at])) + sum(size for _, size in weights)
        if depth > _MAX_FIXED_DEPTH or size > _MAX_WRITTEN_OUT:
            raise NotPlain("nested too deeply")
        self._fixed[at] = depth, size

    def _at(self, number: Json) -> Any:
        if type(number) is not int:
            raise TypeError("expected the number of a node")
        if number < 0:
            return self._known[-1 - number]
        self._parts[self._reading].append(number)
        if not self._is_made[number]:
            self._missing.append(number)
        return self.made[number]

    def require_tree(self) -> None:
        """Refuse a value that contains itself, or has too many parts when written out.

        Raises:
            NotPlain: it does.
        """
        parts = [part for some in self._parts for part in some]
        if len({0, *parts}) == len(parts) + 1:
            return  # No node has two places.
        sizes: dict[int, int] = {}
        waiting, begun = [0] if self._nodes else [], set()
        while waiting:
            at = waiting[-1]
            left = [part for part in self._parts[at] if part not in sizes]
            if left and at in begun:
                raise ContainsItself("it contains itself")
            if left:
                begun.add(at)
                waiting += left
                continue
            sizes[at] = len(repr(self._nodes[at])) + sum(sizes[part] for part in self._parts[at])
            if sizes[at] > _MAX_WRITTEN_OUT:
                raise NotPlain("too large when written out")
            waiting.pop()

    def _shell(self, data: Json) -> Any:
        """Begin what can be changed, with nothing in it; None for anything else."""
        if type(data) is list:
            return []
        if type(data) is not dict:
            return None
        tag = tag_of(data)
        if tag is None:
            return {}
        body = data[tag]
        if tag in _SHELLS:
            return _SHELLS[tag]()
        if tag == "$bounded":
            return deque(maxlen=listed(body)[0])
        if tag == "$defaultdict":
            return defaultdict(self._factory(listed(body)[0]))
        if tag == "$table" and listed(body)[0] == "$set":
            return set()
        scalar = SCALARS.get(tag)
        return scalar.read(body) if scalar is not None and scalar.kind in CHANGING else None

    def _factory(self, data: Json) -> Any:
        if data != {"$unknown": True}:
            return self.value(data)
        return self._resolve("$unknown", True) if self._resolve else composites.unknown_default

    def fill(self, shell: Any, data: Json, depth: int = 0) -> None:
        """Put what is in a container into it, in place of nothing."""
        if type(data) is list:
            shell += self._items(data, depth)
            return
        tag = tag_of(data)
        body = data if tag is None else data[tag]
        match tag:
            case None | "$dict" | "$counter" | "$ordered" | "$defaultdict":
                table = listed(body)[1] if tag == "$defaultdict" else body
                for key, item in self._pairs({tag: body} if tag == "$dict" else table, depth):
                    shell[key] = item
            case "$set" | "$deque":
                items = self._items(listed(body), depth)
                if tag == "$set":
                    composites.require_apart(items)
                getattr(shell, "update" if tag == "$set" else "extend")(items)
            case "$bounded":
                shell.extend(self._items(listed(listed(body)[1]), depth))
            case "$table":
                orders.fill(shell, self._recipe(body, depth))

    def _items(self, data: list[Json], depth: int) -> list[Any]:
        return [d if type(d) in _PLAIN else self.value(d, depth) for d in data]

    def _pairs(self, table: Json, depth: int) -> Iterator[tuple[Any, Any]]:
        tag = tag_of(table)
        if tag is None:
            for key, item in table.items():
                yield key, self.value(item, depth)
            return
        if tag != "$dict":
            raise TypeError("expected a dict")
        pairs = [[self.value(part, depth) for part in listed(p)] for p in listed(table["$dict"])]
        composites.require_apart([key for key, _ in pairs])
        yield from ((key, item) for key, item in pairs)

    def _recipe(self, body: Json, depth: int) -> orders.Recipe:
        _, data, places, first, fillers = listed(body)
        numbers = [places, first, *listed(fillers)]
        if not all(type(n) is int for n in numbers) or not 0 <= first <= len(listed(data)):
            raise TypeError("expected numbers of elements and places")
        items = self._items(data, depth)
        composites.require_apart([*items, *fillers])
        return orders.Recipe(items, places, first, fillers)

    def _made(self, data: Json, depth: int) -> Any:
        """Make what cannot be changed of its parts."""
        tag = tag_of(data)
        if tag is None:
            raise TypeError("expected a tag")
        body = data[tag]
        match tag, body:
            case "$nodes", _:
                return Reader(self._resolve).read(data)
            case "$tuple", list():
                return tuple(self._items(body, depth))
            case "$frozenset", list():
                items = self._items(body, depth)
                composites.require_apart(items)
                return frozenset(items)
            case "$table", ["$frozenset", *_]:
                return orders.build(True, self._recipe(body, depth))
            case (("$keys" | "$items" | "$values"), _):
                return composites.view(tag, self.value(body, depth))
            case "$named", [str() as name, list() as fields, content]:
                return self._class(name, *fields)._make(self.value(content, depth))
            case "$iterator", [list() as items, bool() as is_generator, error]:
                found = self._items(items, depth), self.value(error, depth)
                return composites.iterator(*found, is_generator)
            case "$error", [str() as name, list() as arguments]:
                return ERRORS[name](*self._items(arguments, depth))
            case (("$array" | "$number"), [str() as kind, content]):
                return composites.of_numpy(tag, kind, self.value(content, depth))
        return self._alone(tag, body)

    def _alone(self, tag: str, body: Json) -> Any:
        if tag in SCALARS:
            try:
                return SCALARS[tag].read(body)
            except _ERRORS as error:
                raise NotPlain(f"malformed {tag}: {error}") from None
        if self._resolve is not None:
            return self._resolve(tag, body)
        raise NotPlain(f"unknown tag {tag}")

    def _class(self, *names: str) -> Any:
        if names not in self._classes:
            if len(self._classes) >= _MAX_CLASSES:
                raise ValueError("too many names")
            self._classes[names] = composites.named(names[0], names[1:])
        return self._classes[names]


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
