"""Work in line for the slots of a pool: each suite is read by one, and known to the others."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import NamedTuple

from executor.judging.run import Asserts
from infra.contracts.execution import Verdict

_CHUNK = 8
"""Programs handed to a slot at once; enough that the hand-over costs nothing."""


class Work(NamedTuple):
    """One program to label with one of the pool's suites."""

    suite: str
    source: str


class Labelled(NamedTuple):
    """What became of one piece of work: a verdict, or the reason why there is none."""

    verdict: Verdict | None
    error: str = ""
    seconds: float = 0.0
    """Wall time it held its slot."""


class Done(NamedTuple):
    """What comes back from a slot."""

    labelled: list[Labelled]
    read: dict[str, Asserts]
    """What it has read of the suites it worked on."""


class _Place:
    """Some work in line, before or after it is handed to a slot."""

    def __init__(self, work: list[Work]) -> None:
        self.work = work
        self.suites = {one.suite for one in work}
        self.future: Future[Done] | None = None

    @property
    def done(self) -> Done | None:
        """What has come back, if it is back."""
        return self.future.result() if self.future is not None and self.future.done() else None


class Line:
    """Hands work to slots in order, except what waits until one of them has read its suite."""

    def __init__(
        self, submit: Callable[[list[Work], Mapping[str, Asserts]], Future[Done]], most: int
    ) -> None:
        """`submit` hands work to any slot, with what is known of its suites.

        At `most` so many chunks are in line before the first is back.
        """
        self._submit = submit
        self._most = most
        self._places: deque[_Place] = deque()
        self._known: dict[str, Asserts] = {}
        self._tried: set[str] = set()
        """Suites that a slot is done with; what is not known then cannot be read."""

    def label(self, work: Iterable[Work]) -> Iterator[Labelled]:
        """Yield what became of each piece of work, in order.

        Raises:
            BrokenProcessPool: a slot's process died.
        """
        for chunk in _chunks(work):
            self._places.append(_Place(chunk))
            self._hand_over()
            if len(self._places) >= self._most:
                yield from self._first()
        while self._places:
            yield from self._first()

    def _first(self) -> list[Labelled]:
        """Return what became of the first in line, as soon as that is there."""
        while (done := self._places[0].done) is None:
            running = [one.future for one in self._places if one.future and not one.future.done()]
            wait(running, return_when=FIRST_COMPLETED)
            self._hand_over()
        self._hand_over()
        self._places.popleft()
        return done.labelled

    def _hand_over(self) -> None:
        """Hand over what is of suites that are known, or that none before it in line has read.

        To read a suite takes as much as up to ten programs, where a reference program decides.
        """
        reading: set[str] = set()
        for place in self._places:
            if (done := place.done) is not None:
                self._known.update(done.read)
                self._tried |= place.suites
                continue
            if place.future is None and not place.suites & reading:
                read = {name: self._known[name] for name in place.suites & self._known.keys()}
                place.future = self._submit(place.work, read)
            reading |= place.suites - self._tried


def _chunks(work: Iterable[Work]) -> Iterator[list[Work]]:
    """Yield it in chunks, of which none has the rest of one suite and the beginning of another."""
    chunk: list[Work] = []
    last = None
    for one in work:
        is_other = bool(chunk) and chunk[0].suite == last and one.suite != last
        if len(chunk) == _CHUNK or is_other:
            yield from _parts(chunk, last)
            chunk, last = [], chunk[-1].suite
        chunk.append(one)
    if chunk:
        yield from _parts(chunk, last)


def _parts(chunk: list[Work], last: str | None) -> Iterator[list[Work]]:
    """Yield the first program of a suite alone if others follow, which wait until it is read."""
    is_one = len({one.suite for one in chunk}) == 1 < len(chunk)
    if is_one and chunk[0].suite != last:
        yield chunk[:1]
        yield chunk[1:]
    else:
        yield chunk
