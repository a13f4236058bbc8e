"""The suites of stored problems that were asked for last."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, NamedTuple, TypeVar

from infra.contracts.execution import Suite
from infra.queues.messaging import size_of

_MOST = 1_024
_MOST_BYTES = 128 * 2**20
"""As JSON; a suite in memory takes some times as much where it holds many small values."""

Name = TypeVar("Name", bound=Hashable)


class SizedSuite(NamedTuple):
    """A suite, and what it adds to each message that carries it."""

    suite: Suite
    num_bytes: int


class KnownSuites(Generic[Name]):
    """As many suites as fit, by name, which says what was decided too: a problem never changes.

    The newest is always kept.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._known: OrderedDict[Name, SizedSuite] = OrderedDict()

    def get(self, name: Name, read: Callable[[], Suite]) -> SizedSuite:
        """Return a suite, read when it is first asked for, or was forgotten."""
        if name not in self._known:
            suite = read()
            self._known[name] = SizedSuite(suite, size_of(suite))
            self._bytes += self._known[name].num_bytes
            while len(self._known) > 1 and (
                len(self._known) > _MOST or self._bytes > self._most_bytes
            ):
                self._bytes -= self._known.popitem(last=False)[1].num_bytes
        self._known.move_to_end(name)
        return self._known[name]
