"""Tests, each among siblings of its own in random order, under random names, anew for every run.

Which is which is known here only, and never in the process that runs them.
"""

import re
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from executor.judging.shared.comparing import Comparison, Expectation

NAME: Final = "\0"
"""Stands for the name of a test."""
_NUMBER: Final = re.compile("\1([0-9]+)\1")
"""The number of a check that is made outside, where that of a run is to be put."""
_LEARNT: Final = re.compile(", \2(.*?)\2", re.DOTALL)
"""What is to be learnt of a check; only the reference program is run with it."""
_MOST_NUMBER: Final = 10**9
_TOKEN: Final = re.compile("test_[0-9a-f]{16}")
_RANDOM: Final = secrets.SystemRandom()


def _shuffled(items: Sequence[int]) -> list[int]:
    return _RANDOM.sample(items, len(items))


Learnt = Mapping[tuple[int | None, str], Mapping[int, tuple[Any, ...]]]
"""By runs of tests, as `Arrangement.read` names them, what each check of them expects in turn."""


class Item(NamedTuple):
    """A test, or a sibling of one, as the text of code with `NAME` in it."""

    text: str
    name: str
    """What the test's author calls it."""
    origin: int
    """The item that it is a sibling of; a test's own number."""
    site: int | None
    """The check that is changed; None for a test."""
    raises: bool
    """Whether it is to fail by an exception that the test expects."""
    is_uneventful: bool
    """Whether what its check expects does not happen."""
    relies_on: int | None
    """The test whose failure may be why it passes."""
    is_statement: bool
    """Whether it is no function that a framework finds."""


class Pattern(NamedTuple):
    """Test code with places for its tests; `executor.guest.guards.deriving` makes it."""

    parts: tuple[str | int, ...]
    """Text, and numbers of the groups that belong between."""
    groups: tuple[tuple[int, ...], ...]
    """Items that can stand at one place, in any order."""
    items: tuple[Item, ...]
    within: bool
    """Whether statements of a function that is called are among them."""
    sites: int
    """How many places there are where something is checked, in items and elsewhere."""
    outside: Mapping[int, Expectation]
    """By their numbers the checks that are made here, of which the items only tell a value."""
    imports: tuple[tuple[str, tuple[str, ...]], ...]
    """The modules that the code imports, each with what it takes from it."""

    @staticmethod
    def of(message: Mapping[str, Any]) -> "Pattern":
        """Read what a jail has sent.

        Raises:
            KeyError, TypeError, ValueError: it is no pattern.
        """
        return Pattern(
            tuple(part if isinstance(part, int) else str(part) for part in message["parts"]),
            tuple(tuple(int(number) for number in group) for group in message["groups"]),
            tuple(Item(**item) for item in message["items"]),
            bool(message["within"]),
            int(message["sites"]),
            {int(one["number"]): Expectation.of(one) for one in message["outside"]},
            tuple((str(module), tuple(map(str, names))) for module, names in message["imports"]),
        )

    def siblings(self) -> list[int]:
        """Items that are no tests."""
        return [number for number, item in enumerate(self.items) if item.site is not None]

    def characters(self, items: Iterable[int]) -> int:
        """How long the texts of some items are together."""
        return sum(len(self.items[item].text) for item in items)

    def outside_of(self, item: int) -> frozenset[int]:
        """Numbers of the checks of an item that are made outside."""
        return frozenset(map(int, _NUMBER.findall(self.items[item].text))) & self.outside.keys()

    def group_of(self, item: int) -> int:
        """Number of the group of an item."""
        return next(number for number, group in enumerate(self.groups) if item in group)


class Arrangement:
    """Test code for one run."""

    def __init__(
        self,
        pattern: Pattern,
        siblings: Collection[int],
        kept: Collection[int] = (),
        order: Callable[[Sequence[int]], Iterable[int]] = _shuffled,
        learns: bool = False,
    ) -> None:
        """Draw names for the tests and those of their `siblings` in use, and an order for these.

        Groups that are `kept` have their authors' names and order, and no siblings. One that
        `learns` is for the reference program, and tells what is expected too.
        """
        self._learns = learns
        self._pattern = pattern
        self._siblings = siblings
        self._order = order
        self._names: dict[int, str] = {}
        self._items: dict[str, int] = {}
        self._first = secrets.randbelow(_MOST_NUMBER)
        texts = [
            self._group(part, part in kept) if isinstance(part, int) else part
            for part in pattern.parts
        ]
        self.source = "".join(texts)

    def _group(self, number: int, kept: bool) -> str:
        items = self._pattern.groups[number]
        tests = [item for item in items if self._pattern.items[item].site is None]
        if not kept:
            # A test stays between those before and after it, of which it may need what they leave.
            blocks: dict[int, list[int]] = {test: [test] for test in tests}
            for item in items:
                if item in self._siblings:
                    blocks[self._pattern.items[item].origin].append(item)
            tests = [item for block in blocks.values() for item in self._order(block)]
            # One framework takes tests by their place, another by their names.
            names = sorted(f"test_{secrets.token_hex(8)}" for _ in tests)
            self._names |= dict(zip(tests, names, strict=True))
            self._items |= dict(zip(names, tests, strict=True))
        return "".join(self._text(item) for item in tests)

    def _text(self, item: int) -> str:
        text, name = self._pattern.items[item].text, self.name(item)
        text = _LEARNT.sub(r", \1" if self._learns else "", text)
        text = _NUMBER.sub(lambda found: str(self._first + int(found[1])), text)
        if self._pattern.items[item].is_statement:
            text = text.replace(f"'{NAME}'", repr(name))
            name = self._names.get(item, "own")
        return text.replace(NAME, name)

    def statements(self) -> tuple[list[str], bool]:
        """Names of those in use that are statements, and whether some are of a called function."""
        items = [item for group in self._pattern.groups for item in group]
        used = [n for n in items if self._pattern.items[n].site is None or n in self._names]
        names = [self.name(n) for n in used if self._pattern.items[n].is_statement]
        return names, self._pattern.within

    @property
    def imports(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The modules that the code imports, each with what it takes from it."""
        return self._pattern.imports

    def comparison(self, learnt: Learnt | None = None) -> Comparison:
        """What compares the values that this run tells, with those `learnt` where there are."""
        known = None if learnt is None else lambda name: learnt.get(self.read(name))
        return Comparison(self._pattern.outside, lambda drawn: drawn - self._first, known)

    def name(self, item: int) -> str:
        """The name that an item has in this run."""
        return self._names.get(item, self._pattern.items[item].name)

    def read(self, told: str) -> tuple[int | None, str]:
        """Return the item of which a runner tells under a name, and that name with `NAME` in it.

        There is no item where a test kept its name.
        """
        found = _TOKEN.search(told)
        item = self._items.get(found[0]) if found else None
        return item, told if item is None else told.replace(self._names[item], NAME)

    def plain(self, text: str) -> str:
        """Return a text with the authors' names of the tests that it mentions."""
        return _TOKEN.sub(lambda found: self._author(found[0]), text)

    def _author(self, name: str) -> str:
        return self._pattern.items[self._items[name]].name if name in self._items else name
