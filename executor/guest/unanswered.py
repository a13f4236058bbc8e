"""What tests go without because the candidate is in another process, and does not tell it."""

from collections.abc import Callable
from typing import Any, Final

from executor.guest.proxies import CannotCross
from executor.guest.specials import EQUALITY, OPERATORS, ORDER

_WATCHED: Final = (*EQUALITY, *ORDER, *OPERATORS, "__contains__")
Exchange = Callable[[dict[str, Any]], dict[str, Any]]
"""Sends one request to the candidate's process and returns its answer, whatever that is."""


class Unanswered:
    """Remembers the first that only the candidate's own process could have answered."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._first: CannotCross | None = None
        self._own: dict[int | str, frozenset[str]] = {}

    def remember(self, name: str) -> None:
        """Remember that tests go without this of the candidate's."""
        if self._first is None:
            self._first = CannotCross(f"the candidate's own {name} cannot be asked for")

    def note(self, proxy: Any, *names: str) -> None:
        """Remember it if the candidate's class has one of these special methods."""
        if self._first is None and (own := self._own_of(proxy).intersection(names)):
            self.remember(min(own))

    def note_attribute(self, proxy: Any, name: str) -> None:
        """Remember it if the candidate's object has this attribute."""
        if self._first is not None or "." in proxy._rrtf_target.get("function", ""):
            return
        if self._exchange({**proxy._rrtf_target, "op": "has", "name": name}).get("value"):
            self.remember(name)

    def forget_objects(self) -> None:
        """Forget what is known of objects whose process has ended."""
        self._own.clear()

    def why(self) -> CannotCross | None:
        """Say why the candidate's own process might judge otherwise, if it might."""
        return self._first

    def _own_of(self, proxy: Any) -> frozenset[str]:
        target = proxy._rrtf_target
        name = target.get("ref", target.get("function"))
        if "." in target.get("function", ""):
            return frozenset()  # To look it up would make an object.
        if name not in self._own:
            found = self._exchange({**target, "op": "own", "names": list(_WATCHED)}).get("value")
            names = found if type(found) is list else []
            self._own[name] = frozenset(name for name in names if type(name) is str)
        return self._own[name]
