"""What test code holds of a candidate's object whose class derives from a built-in type.

Its content is here, as plain data of the built-in type: equality, order, arithmetic, length and
iteration are the built-in type's own, and so is every method that only looks. Attributes that the
built-in type lacks, and methods that change a container, are those of the candidate's object, which
is the one that counts; what became of its content comes back with the answer. Where the candidate's
class has a special method in place of the built-in type's, the link is told that it was not asked.
"""

import functools
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from executor.guest import tables
from executor.guest.specials import CONVERSIONS, OPERATORS, ORDER

WATCHED: Final = frozenset(
    {*ORDER, *OPERATORS, *CONVERSIONS, "__contains__", "__getitem__", "__iter__", "__len__"}
)
"""Special methods that the content answers, whatever the candidate's class may have in place."""
_CHANGING: Final = frozenset(
    {
        "add", "append", "appendleft", "clear", "difference_update", "discard", "extend",
        "extendleft", "insert", "intersection_update", "pop", "popitem", "popleft", "remove",
        "reverse", "rotate", "setdefault", "sort", "symmetric_difference_update", "update",
    }
)  # fmt: skip


class Asks(Protocol):
    """Asks the candidate."""

    unanswered: Any
    """Told of what the candidate cannot be asked for."""

    def get(self, proxy: Any, name: str) -> Any:
        """Read an attribute."""

    def set(self, proxy: Any, name: str, value: Any) -> None:
        """Write an attribute."""

    def call(
        self, proxy: Any, method: str | None, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        """Call a method."""


class Held:
    """Mixin of the classes below; `_rrtf_base` is the built-in type."""

    _rrtf_base: type
    _rrtf_link: Asks
    _rrtf_target: dict[str, Any]
    _rrtf_generation: int
    _rrtf_own: frozenset[str]

    def __getattribute__(self, name: str) -> Any:
        own = super().__getattribute__
        if name.startswith(("__", "_rrtf")):
            return own(name)
        base = own("_rrtf_base")
        if not hasattr(base, name) or (base in REFILL and name in _CHANGING):
            return own("_rrtf_link").get(self, name)
        return own(name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._rrtf_link.set(self, name, value)

    def __str__(self) -> str:
        return _text(self, "__str__")

    def __repr__(self) -> str:
        return _text(self, "__repr__")

    def __reduce_ex__(self, _: object) -> tuple[Any, ...]:
        # A copy is a copy of the content.
        return self._rrtf_base, (self._rrtf_base(self),)


def _text(held: Held, method: str) -> str:
    if method not in held._rrtf_own:
        return str(getattr(held._rrtf_base, method)(held))
    text = held._rrtf_link.call(held, method, (), {})
    if type(text) is not str:
        raise TypeError(f"{method} of the candidate's object gave a {type(text).__name__}")
    return text


class _Changing(Held):
    """What can be changed without a method's name."""

    def __setitem__(self, key: Any, value: Any) -> None:
        self._rrtf_link.call(self, "__setitem__", (key, value), {})

    def __delitem__(self, key: Any) -> None:
        self._rrtf_link.call(self, "__delitem__", (key,), {})

    def __iadd__(self, other: Any) -> Any:
        self.extend(list(other))
        return self

    def __ior__(self, other: Any) -> Any:
        self.update(other)
        return self


class _Keyed(_Changing):
    """What may have a value for a key that it does not hold."""

    def __missing__(self, key: Any) -> Any:
        return self._rrtf_link.call(self, "__getitem__", (key,), {})


def _refill_dict(held: dict[Any, Any], content: dict[Any, Any]) -> None:
    dict.clear(held)
    dict.update(held, content)


def _refill_deque(held: deque[Any], content: deque[Any]) -> None:
    deque.clear(held)
    deque.extend(held, content)


REFILL: Final[Mapping[type, Callable[[Any, Any], None]]] = {
    list: lambda held, content: list.__setitem__(held, slice(None), content),
    bytearray: lambda held, content: bytearray.__setitem__(held, slice(None), content),
    dict: _refill_dict,
    set: tables.refill,
    deque: _refill_deque,
}
"""How a container of each type that can be changed gets other content."""
_FIXED: Final = (tuple, frozenset, int, float, complex, str, bytes)


@functools.lru_cache(maxsize=256)
def _kind(base: type, watched: frozenset[str]) -> Any:
    mixin: type = Held
    if base in REFILL:
        mixin = _Keyed if base is dict else _Changing
    content = {name: _watch(name, getattr(base, name, None)) for name in watched}
    return type("Held", (mixin, base), {"_rrtf_base": base, **content})


def _watch(name: str, answer: Callable[..., Any] | None) -> Callable[..., Any]:
    def watching(self: Held, *args: Any) -> Any:
        self._rrtf_link.unanswered.remember(name)
        return NotImplemented if answer is None else answer(self, *args)

    return watching


def hold(link: Asks, number: int, generation: int, content: Any, own: frozenset[str]) -> Any:
    """Make what stands for the candidate's object of this number.

    `own` names special methods that its class has in place of the built-in type's.

    Raises:
        TypeError: the content is of no type from which another can derive.
    """
    base: Any = type(content)
    if base not in REFILL and base not in _FIXED:
        raise TypeError(f"a {base.__name__} cannot be held")
    kind = _kind(base, own & WATCHED)
    held = base.__new__(kind) if base in REFILL else base.__new__(kind, content)
    for name, value in (
        ("link", link),
        ("target", {"ref": number}),
        ("generation", generation),
        ("own", own),
    ):
        object.__setattr__(held, f"_rrtf_{name}", value)
    refill(held, content)
    return held


def refill(held: Any, content: Any) -> bool:
    """Give it this content; tell whether that could be done."""
    base = held._rrtf_base
    if type(content) is not base:
        return False
    if base in REFILL:
        REFILL[base](held, content)
        return True
    return base.__eq__(held, content) is True  # type: ignore[call-arg] # an object, not a class
