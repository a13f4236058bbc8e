"""Containers that both processes hold: one number each, and the same content on both sides.

Every container that can be changed gets a number when it crosses. Both sides meet the containers of
a message in one order, so that the numbers need not be sent. A message ends with a letter: whether
the sender has forgotten all before, how many containers are new in it, what those of earlier
messages hold now if that changed, and which ones the sender still holds, or that it holds all. What
either side has let go of is forgotten, so nothing is kept for a function that keeps nothing. A
letter without anything in it is empty.

One side speaks at a time. What does not fit together is malformed; then both begin anew, and what
crossed before are copies from there on.
"""

import sys
from collections.abc import Callable
from typing import Any, Final

from executor.guest import contents, values

MAX_KEPT: Final = 256
"""Most containers of earlier messages that are kept the same."""
MAX_ITEMS: Final = 4_000
"""Most elements that they have together."""
MAX_TOLD: Final = 1_000_000
"""Most characters that say what is in one of them now."""
MAX_NEW: Final = 50_000
"""Most containers of one message that get a number; the rest are copies."""
_PASSES: Final = 3
"""How often to look for what nobody holds: a container may hold those that crossed before it."""
_DEEP: Final = 100
"""Nesting from which on a list or a dict follows after the value that it is in."""

Letter = list[Any]
Encode = Callable[[Any], values.Json]
Decode = Callable[[values.Json], Any]


class _Entry:
    """A container, and what was in it when both sides last agreed; None if that was just now."""

    __slots__ = ("before", "value")

    def __init__(self, value: Any) -> None:
        self.value = value
        self.before: Any = None


def _references(entry: _Entry) -> int:
    return sys.getrefcount(entry.value)


_ALONE: Final = _references(_Entry([]))
"""References to a container that nobody but its entry holds."""


class _Work:
    """A block in which values are encoded and decoded."""

    __slots__ = ("_before", "_containers", "_is_at_work", "_is_silent")

    def __init__(self, containers: "Containers", is_at_work: bool, is_silent: bool) -> None:
        self._containers = containers
        self._is_at_work = is_at_work
        self._is_silent = is_silent

    def __enter__(self) -> None:
        its = self._containers
        self._before = its.is_at_work, its.is_silent, its.numbers
        its.is_at_work = its.is_at_work or self._is_at_work
        its.is_silent = its.is_silent or self._is_silent
        its.numbers = None if its.is_silent or not self._is_at_work else its

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        its = self._containers
        its.is_at_work, its.is_silent, its.numbers = self._before


class _Writing(_Work):
    """A block in which values are encoded: all of them, or none."""

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None and not self._containers.is_silent:
            self._containers.undo()
        super().__exit__(kind)


class _Reading(_Work):
    """A block in which the values of a message are decoded, before its letter."""

    __slots__ = ("_decode", "_letter")

    def __init__(self, containers: "Containers", letter: Any, decode: Decode) -> None:
        super().__init__(containers, is_at_work=True, is_silent=False)
        self._letter = letter
        self._decode = decode

    def __enter__(self) -> None:
        if not self._containers.is_silent:
            self._containers.open(self._letter)
        super().__enter__()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        is_read = False
        try:
            if kind is None and not self._containers.is_silent:
                self._containers.close(self._letter, self._decode)
            is_read = kind is None
        finally:
            super().__exit__(kind)
            if not is_read:
                self._containers.begin_anew()


class Containers:
    """One side's numbered containers."""

    def __init__(self) -> None:
        self._entries: dict[int, _Entry] = {}
        self._numbers: dict[int, int] = {}
        self._next = 0
        self._first = 0
        """Number of the first container of the present message."""
        self._call_first = 0
        """Number of the first container of the present call."""
        self._given: set[int] = set()
        """Numbers of earlier containers that the present call is about."""
        self._has_forgotten = False
        """Whether the letter that is being written is about fewer containers than there were."""
        self._later: list[int] = []
        self._begins_anew = True
        self.is_at_work = False
        """Whether a message is being written or read."""
        self.is_silent = False
        """Whether what is written and read at present are copies."""
        self.numbers: Containers | None = None
        """Who gives numbers to what is encoded or decoded at present."""

    @property
    def is_busy(self) -> bool:
        """Whether what is said now would come between: such a message has no letter."""
        return self.is_at_work or self.is_silent or self._first != self._next

    def silent(self) -> _Work:
        """Encode and decode copies only, until the block ends."""
        return _Work(self, is_at_work=False, is_silent=True)

    def writing(self) -> _Work:
        """Number what is encoded, until the block ends; nothing if it fails."""
        return _Writing(self, is_at_work=True, is_silent=False)

    def reading(self, letter: Any, decode: Decode) -> _Work:
        """Number what is decoded, until the block ends, and take in the letter after that.

        Raises:
            values.NotPlain: the letter is malformed, or names a container that has not crossed.
        """
        return _Reading(self, letter, decode)

    def begin_call(self) -> None:
        """Begin a call, with whatever calls come within: what it is about is kept till its end."""
        self._call_first = self._next
        self._given.clear()

    def _is_given(self, number: int) -> bool:
        return number >= self._call_first or number in self._given

    def begin_anew(self) -> None:
        """Forget everything, and have the other side do so; not while silent, within a message."""
        if not self.is_silent:
            self._forget_all()
            self._begins_anew = True

    def _forget_all(self) -> None:
        self._entries.clear()
        self._numbers.clear()
        self._later.clear()
        self._given.clear()
        self._first = self._next = self._call_first = 0

    # Writing.

    def note(self, value: object, depth: int) -> values.Json:
        """Number a container and return None, or return what stands for it."""
        number = self._numbers.get(id(value))
        if number is not None:
            self._given.add(number)
            return {"$seen": number}
        kind, number = type(value), self._next
        self.made(value)
        if depth > _DEEP and kind in (list, dict) and number < self._next:
            self._later.append(number)
            return {"$later": kind.__name__}
        return None

    @property
    def new(self) -> int:
        """How many containers are new in the present message."""
        return self._next - self._first

    def undo(self, first: int | None = None) -> None:
        """Forget the containers of this message, or those from a number on."""
        first = self._first if first is None else first
        for number in range(first, self._next):
            self._forget(number)
        self._later = [number for number in self._later if number < first]
        self._next = first

    def letter(self, encode: Encode, untold: tuple[type[BaseException], ...] = ()) -> Letter:
        """End the message; `encode` says what is in a container.

        A container that cannot be said, for one of the reasons `untold`, is a copy from now on; so
        are those that the call is not about, where there are too many or too much is in them.
        """
        if not self._entries and not self._begins_anew:
            return []
        self._has_forgotten = False
        with self.writing():
            letter = [self._begins_anew, 0, self._said(encode, untold), []]
        letter[1], letter[3] = self.new, self._kept()
        self._begins_anew = False
        self._later.clear()
        self._first = self._next
        return letter

    def _said(self, encode: Encode, untold: tuple[type[BaseException], ...]) -> list[list[Any]]:
        """Say what containers hold now: those that changed, and those that were put off."""
        said = []
        for number, part, place in self._changed():
            first = self._next
            try:
                content = encode(part)
                is_told = self._is_given(number) or len(str(content)) <= MAX_TOLD
            except untold:
                is_told = False
            if is_told:
                said.append([number, content, place])
            else:
                self.undo(first)
                self._forget(number)
        for number in self._later:  # It grows.
            said.append([number, encode(self._entries[number].value), None])
        return said

    def _changed(self) -> list[tuple[int, Any, contents.Place]]:
        """Return which containers of earlier messages hold something else now, what and where."""
        found = []
        for number, entry in self._entries.items():
            if number >= self._first:
                break
            difference = contents.difference(entry.before, entry.value)
            if difference is not None:
                entry.before = None
                found.append((number, *difference))
        return found

    def _kept(self) -> list[int] | bool:
        """Forget what nobody on this side holds, or too much; return what is left, True for all."""
        entries = self._entries
        for _ in range(_PASSES):
            # What only a container held that is gone has gone with it.
            if not self._forget_unheld():
                break
        items = 0
        for entry in entries.values():
            if entry.before is None:
                entry.before = contents.snapshot(entry.value)
            items += len(entry.before)
        if len(entries) > MAX_KEPT or items > MAX_ITEMS:
            self._forget_some()
        return list(entries) if self._has_forgotten else True

    def _forget_some(self) -> None:
        """Forget the oldest of the containers that the call is not about."""
        others = [number for number in self._entries if not self._is_given(number)]
        items = sum(len(self._entries[number].before) for number in others)
        for position, number in enumerate(others):
            if len(others) - position <= MAX_KEPT and items <= MAX_ITEMS:
                break
            items -= len(self._entries[number].before)
            self._forget(number)

    def _forget_unheld(self) -> bool:
        """Forget containers that only their entries hold; tell whether others may be such now."""
        entries = self._entries
        before = len(entries)
        for number in list(entries):
            if sys.getrefcount(entries[number].value) <= _ALONE:
                self._forget(number)
        return 0 < len(entries) < before

    def _forget(self, number: int) -> None:
        self._has_forgotten = True
        entry = self._entries.pop(number)
        del self._numbers[id(entry.value)]

    # Reading.

    def open(self, letter: Any) -> None:
        """Begin to read the message that ends with this letter.

        Raises:
            values.NotPlain: it is no letter.
        """
        if letter == []:
            return
        kinds = [type(part) for part in letter] if type(letter) is list else []
        if kinds[:3] != [bool, int, list] or kinds[3:] not in ([list], [bool]):
            self.begin_anew()
            raise values.NotPlain("malformed letter")
        if letter[0]:
            self._forget_all()
            self._begins_anew = False

    def made(self, value: object) -> None:
        """Give a container the next number, if there are not too many."""
        if self.new >= MAX_NEW:
            return
        self._entries[self._next] = _Entry(value)
        self._numbers[id(value)] = self._next
        self._next += 1

    def made_anew(self, value: object) -> None:
        """Give a container the next number, where numbers are given at present."""
        if self.numbers is not None:
            self.made(value)

    def read(self, tag: str, body: values.Json) -> Any:
        """Return the container that this stands for; None if it is no such tag.

        Raises:
            KeyError: no container has this number.
        """
        if tag == "$seen":
            self._given.add(_number(body))
            return self._entries[body].value
        if tag == "$later" and body in ("list", "dict"):
            found: Any = [] if body == "list" else {}
            self.made(found)
            return found
        return None

    def close(self, letter: Letter, decode: Decode) -> None:
        """Take in what the containers hold now; `decode` reads what is in one.

        Raises:
            values.NotPlain: the letter is malformed, or names a container that has not crossed.
        """
        if letter == [] and not self._entries:
            return
        _, new, now, kept = letter or (False, 0, (), ())
        try:
            for number, content, place in now:
                entry = self._entries[_number(number)]
                entry.before = None
                if not contents.refill(entry.value, decode(content), place):
                    raise TypeError("another type")
            if self.new != new:
                raise ValueError("another number of containers")
        except (TypeError, ValueError, KeyError, BufferError) as error:
            raise values.NotPlain(f"malformed letter: {error}") from None
        held = self._entries.keys() if kept is True else _numbers(kept)
        for number in list(self._entries):
            if number not in held:
                self._forget(number)
            elif (entry := self._entries[number]).before is None:
                entry.before = contents.snapshot(entry.value)
        self._first = self._next


def _numbers(body: Any) -> set[int]:
    return {number for number in body or () if type(number) is int}


def _number(body: Any) -> int:
    if type(body) is not int:
        raise TypeError("expected a number")
    return body
