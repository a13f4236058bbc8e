"""Sets that iterate on the other side as they do here.

In which order a set gives its elements follows from the size of its table and from the order in
which they came, which the set itself does not tell. So it crosses as a way to build one that gives
the same: found by solving for the places of its elements in a table of its size, and tried out
before it is sent. Both sides have the same interpreter, and hash texts alike.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

AnySet = set[Any] | frozenset[Any]
_SMALLEST: Final = 8
"""Places of the table that is in the object itself."""
_ENTRY_BYTES: Final = 16
_LINEAR: Final = 9
_SHIFT: Final = 5
"""How the interpreter looks for a free place: so many further ones, and then elsewhere."""
_LEAST_AT_ONCE: Final = 5
"""From so many elements on, the table is made as large as all that come at once need."""
_PROBES: Final = (16, 64)
"""How many places are considered for one element, first and if that is not enough."""
_ATTEMPTS: Final = 8
_MOST_ITEMS: Final = 4_000
_MOST_PLACES: Final = 2**14
_MOST_PERMUTED: Final = 7
"""Elements of which every order is tried, if nothing else has led to theirs."""
_SAFE: Final = frozenset({int, str, float, bool, bytes, complex, type(None)})


class Recipe(NamedTuple):
    """How to build a set: its elements one by one, or in a table of a certain size from the start.

    Fillers take places, so that the table is as large as it was with elements that have gone.
    """

    items: list[Any]
    places: int = 0
    """Size of the table; 0 is for one that grows."""
    first: int = 0
    """How many elements come before the fillers."""
    fillers: list[int] = []  # noqa: RUF012 - a named tuple's, which nobody changes


def recipe(table: AnySet) -> Recipe:
    """Return how to build a set like this one, as well as can be."""
    wanted = [*_base(table).__iter__(table)]
    places = _places(table)
    if (len(wanted) < 2 and places == _SMALLEST) or not all(map(_is_plain, wanted)):
        return Recipe(wanted)
    is_frozen = issubclass(type(table), frozenset)
    fallback = Recipe(wanted)
    for known in _recipes(wanted, places, is_frozen):
        built = build(is_frozen, known)
        if all(one is other for one, other in zip(built, wanted, strict=True)):
            if _places(built) == places:
                return known
            fallback = known
    return fallback


def build(is_frozen: bool, known: Recipe) -> AnySet:
    """Build a set."""
    if not is_frozen:
        built: set[Any] = set()
        fill(built, known)
        return built
    # What comes from a dict finds a table that is large enough.
    return frozenset(dict.fromkeys(known.items) if known.places else known.items)


def fill(table: set[Any], known: Recipe) -> None:
    """Fill an empty set."""
    items, first, fillers = known.items, known.first, known.fillers
    sequence = [*items[:first], *fillers, *items[first:]]
    at_once = _at_once(known.places)
    set.update(table, dict.fromkeys(sequence[:at_once]))
    set.update(table, sequence[at_once:])
    for filler in fillers:
        set.discard(table, filler)


def _base(table: AnySet) -> Any:
    return frozenset if issubclass(type(table), frozenset) else set


def _places(table: AnySet) -> int:
    size: int = _base(table).__sizeof__(table)
    return (size - type(table).__basicsize__) // _ENTRY_BYTES or _SMALLEST


def _at_once(places: int) -> int:
    """Return how many elements have to come at once for a table of this size."""
    return max(_LEAST_AT_ONCE, places // 4) if places > _SMALLEST else 0


def _is_plain(value: object, depth: int = 0) -> bool:
    """Tell whether nobody is asked for the hash of a value, and it is the same everywhere."""
    if type(value) in _SAFE:
        return True
    if type(value) not in (tuple, frozenset) or depth > 20:
        return False
    parts: Iterable[object] = value  # type: ignore[assignment] # one of these two
    return all(_is_plain(part, depth + 1) for part in parts)


def _recipes(wanted: list[Any], places: int, is_frozen: bool) -> Iterator[Recipe]:
    """Make recipes from the simplest on."""
    yield Recipe(wanted)
    if len(wanted) >= _at_once(places):
        yield Recipe(wanted, places, len(wanted))
    if len(wanted) > _MOST_ITEMS or places > _MOST_PLACES:
        return
    if places == _SMALLEST:
        # At most four, which leave no place for fillers.
        yield from (Recipe([*order]) for order in itertools.permutations(wanted))
    for probes in _PROBES:
        solved = _solved(wanted, places, probes)
        if solved is None:
            continue
        items = solved.home + solved.displaced
        if is_frozen:
            yield Recipe(items)
            yield Recipe(items, places, len(items))
        else:
            missing = max(0, _at_once(places) - len(items) - len(solved.blocked))
            at = [*solved.blocked, *solved.free[:missing]]
            yield Recipe(items, places, len(solved.home), _fillers(at, places, set(wanted)))
    if is_frozen and places > _SMALLEST and len(wanted) <= _MOST_PERMUTED:
        # Without fillers the places alone do not decide where elements that collide end up.
        for order in itertools.permutations(wanted):
            yield Recipe([*order])
            yield Recipe([*order], places, len(order))


def _fillers(at: Iterable[int], places: int, taken: set[Any]) -> list[int]:
    """Make integers that hash to these places, none of which equals an element."""
    found = []
    for place in at:
        filler = place
        while filler in taken:
            filler += places
        found.append(filler)
    return found


class _Solved(NamedTuple):
    """Where the elements of a table are."""

    home: list[Any]
    """Those at the place that their hash names."""
    displaced: list[Any]
    """Those that found it taken, in an order in which each finds its own."""
    blocked: list[int]
    """Places that were taken when they came, and are free now."""
    free: list[int]
    """Other free places."""


def _solved(wanted: Sequence[Any], places: int, probes: int) -> _Solved | None:
    """Find places with which the elements iterate as they do, and can have got there."""
    paths = [_path(hash(item), places, probes) for item in wanted]
    open_to = [{place: cost for cost, place in enumerate(path)} for path in paths]
    for _ in range(_ATTEMPTS):
        at = _increasing(open_to)
        if at is None:
            return None
        before = [path[: path.index(place)] for path, place in zip(paths, at, strict=True)]
        order, stuck = _ordered(before, at)
        if stuck is None:
            home = sum(not some for some in before)
            passed = {place for some in before for place in some}
            free = sorted(set(range(places)).difference(passed, at))
            items = [wanted[number] for number in order]
            blocked = sorted(passed.difference(at))
            return _Solved(items[:home], items[home:], blocked, free)
        # It waits for one that waits for it: it must be elsewhere.
        del open_to[stuck][at[stuck]]
    return None


def _ordered(before: Sequence[list[int]], at: Sequence[int]) -> tuple[list[int], int | None]:
    """Order elements so that each comes when all places are taken that it passed over.

    Returns their numbers, and that of one that never can come.
    """
    owners = {place: number for number, place in enumerate(at)}
    order = [number for number, some in enumerate(before) if not some]
    there = set(order)
    waiting = {
        number: {owners[place] for place in some if place in owners}
        for number, some in enumerate(before)
        if some
    }
    while waiting:
        ready = [number for number, needed in waiting.items() if needed <= there]
        if not ready:
            return order, max(waiting, key=lambda number: len(before[number]))
        for number in ready:
            del waiting[number]
        order += ready
        there.update(ready)
    return order, None


def _path(hashed: int, places: int, probes: int) -> list[int]:
    """Return the places that an element may get, in the order in which they are looked at."""
    mask, perturbed = places - 1, hashed & (2**64 - 1)
    found: dict[int, None] = {}
    place = perturbed & mask
    while len(found) < min(probes, places):
        near = _LINEAR if place + _LINEAR <= mask else 0
        found.update(dict.fromkeys(range(place, place + near + 1)))
        perturbed >>= _SHIFT
        place = (place * 5 + 1 + perturbed) & mask
    return [*found]


class _Choice(NamedTuple):
    """A place for an element, and the best for those before it."""

    place: int
    cost: int
    """How many places were passed over."""
    before: "_Choice | None"


def _increasing(open_to: Iterable[dict[int, int]]) -> list[int] | None:
    """Choose a place for each element, behind that of the one before, at the least cost of all."""
    row = [_Choice(-1, 0, None)]
    for costs in open_to:
        best: _Choice | None = None
        earlier, following = iter(row), []
        choice = next(earlier, None)
        for place, cost in sorted(costs.items()):
            while choice is not None and choice.place < place:
                if best is None or choice.cost < best.cost:
                    best = choice
                choice = next(earlier, None)
            if best is not None:
                following.append(_Choice(place, best.cost + cost, best))
        if not following:
            return None
        row = following
    end: _Choice | None = min(row, key=lambda choice: choice.cost)
    found = []
    while end is not None and end.before is not None:
        found.append(end.place)
        end = end.before
    return found[::-1]
