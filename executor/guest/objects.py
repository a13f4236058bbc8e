"""The candidate's objects that tests hold: which they are, and what of them the tests are told.

What is not plain data crosses as a number. Of an object whose class derives from a built-in type
the content crosses too, read with the built-in type's own methods.
"""

import contextlib
import types
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from executor.guest import collected, values
from executor.guest.callbacks import Borrowed
from executor.guest.containers import Containers
from executor.guest.held import WATCHED
from executor.guest.raising import describe_class

MAX_REFERENCES = 100_000
"""Most objects one candidate may hand out by reference."""
_CONTAINERS = (list, tuple, set, frozenset, dict, deque, bytearray)
_COLLECTED = (Counter, OrderedDict, defaultdict)


class Objects:
    """Numbers the objects that the tests hold, and keeps them alive."""

    def __init__(self) -> None:
        self._objects: list[Any] = []
        self._numbers: dict[Any, int] = {}
        self._made: set[int] = set()
        """Numbers of containers that the tests made by calling a class of the candidate."""
        self._contents: dict[int, values.Json] = {}
        """Contents that the tests hold beside the number."""
        self._touched: set[int] = set()
        """Numbers of the objects that the present request may have changed."""
        self.containers = Containers()
        """The containers that the tests hold too."""
        self.borrowed: Borrowed | None = None
        """The functions that the tests have handed over, if they can."""

    def encode(self, value: object) -> values.Json:
        """Encode a value for the tests; what is not plain data is referred to.

        Raises:
            values.NotPlain: it is nested too deeply, or there are too many references.
        """
        return values.encode(value, self._refer, self._hold, self.containers.numbers)

    def encode_content(self, value: object) -> values.Json:
        """Encode what is in a container."""
        return values.encode_content(value, self._refer, self._hold, self.containers.numbers)

    def decode(self, data: values.Json) -> Any:
        """Decode what the tests sent."""
        return values.decode(data, self._resolve, self.containers.numbers)

    def decode_content(self, data: values.Json) -> Any:
        """Decode what is in a container that is there already."""
        return values.decode(data, self._resolve, self.containers.numbers, is_new=False)

    def get(self, number: int) -> Any:
        """Return the object of this number, which the present request may change."""
        self._touched.add(number)
        return self._objects[number]

    def _number(self, value: Any) -> int:
        # The list keeps every object alive, so an id is never used twice; a bound method is another
        # object each time that it is asked for.
        name = (
            (id(value.__self__), id(value.__func__))
            if type(value) is types.MethodType
            else id(value)
        )
        number = self._numbers.get(name)
        if number is None:
            if len(self._objects) >= MAX_REFERENCES:
                raise values.NotPlain("too many objects that are not plain data")
            number = self._numbers[name] = len(self._objects)
            self._objects.append(value)
        return number

    def _refer(self, value: Any) -> Any:
        lent = self.borrowed and self.borrowed.describe(value)
        if lent is not None:
            return {"$callback": lent}
        number = self._number(value)
        if issubclass(type(value), type) and issubclass(value, Exception):
            return {"$error": [number, describe_class(value)]}
        if issubclass(type(value), Awaitable):
            return {"$awaitable": number}
        return {"$ref": number}

    def _hold(self, value: Any, content: Callable[[], values.Json]) -> Any:
        """Refer to an object whose class derives from a built-in type, and say its content."""
        tagged = collected.tag(value, content, self.encode)
        if tagged is not None:
            return tagged
        try:
            number = self._number(value)
        except values.NotPlain:
            return None
        if number in self._made:
            return {"$made": number}
        self._contents[number] = content()
        return {"$held": [number, self._contents[number], _own_methods(type(value))]}

    def made_by_tests(self, value: Any) -> values.Json:
        """Refer to a container that the tests made by calling its class."""
        number = self._number(value)
        self._made.add(number)
        return {"$made": number}

    def touch(self, value: Any) -> None:
        """Note that the present request may change this object, if the tests hold it."""
        number = self._numbers.get(id(value))
        if number is not None:
            self._touched.add(number)

    def contents_now(self) -> list[list[Any]]:
        """Return the contents that the request has changed, by number; begin another request."""
        found: list[list[Any]] = []
        numbers = self._touched & self._contents.keys()
        self._touched.clear()
        if not numbers:
            return found
        with self.containers.writing():
            for number in numbers:
                new = self.containers.new
                content = self.encode_content(self._objects[number])
                if content != self._contents[number] or self.containers.new != new:
                    self._contents[number] = content
                    found.append([number, content])
        return found

    @contextlib.contextmanager
    def another_request(self) -> Iterator[None]:
        """Let a request come between; what the present one may change is not forgotten."""
        touched = set(self._touched)
        yield
        self._touched |= touched

    def state(self, value: Any) -> dict[str, values.Json]:
        """Return what two objects of the candidate are compared by, in the tests' process."""
        kind = type(value)
        if is_own_container(value):
            return {"content": self.encode_content(value)}
        if type.__getattribute__(kind, "__eq__") is object.__eq__:
            return {}  # Equal to itself alone.
        fields = dict(getattr(value, "__dict__", {}))
        for base in kind.__mro__:
            names = vars(base).get("__slots__", ())
            for name in (names,) if type(names) is str else names:
                if hasattr(value, name):
                    fields[name] = getattr(value, name)
        return {"class": self._refer(kind), "fields": self.encode(fields)} if fields else {}

    def _resolve(self, tag: str, body: Any) -> Any:
        match tag:
            case "$ref":
                return self.get(body)
            case "$error":
                return self._objects[body[0]]
            case "$callback" if self.borrowed is not None:
                return self.borrowed.function(body)
        return collected.make(tag, body, self.decode_content, self.containers.made_anew)


def is_own_container(value: Any) -> bool:
    """Tell whether the candidate derived the object's class from a container."""
    kind = type(value)
    derives = issubclass(kind, _CONTAINERS) and kind not in _CONTAINERS
    return derives and not collected.is_named_tuple(kind) and kind not in _COLLECTED


def _own_methods(kind: type) -> list[str]:
    """Name the special methods that the class has in place of its built-in type's."""
    base = next(base for base in kind.__mro__ if base in values.DERIVABLE)
    texts = ("__str__", "__repr__")
    found = [name for name in texts if getattr(kind, name) is not getattr(base, name)]
    for name in WATCHED:
        owner = next((owner for owner in kind.__mro__ if name in vars(owner)), object)
        known = owner is object or owner.__module__ in ("enum", "builtins", "collections")
        if not known or (owner is not object and not hasattr(base, name)):
            found.append(name)
    return found
