"""What test code sets in its own process, and the candidate's process follows.

That is the seed of `random` and the depth of recursion: a candidate gains nothing by knowing them.
"""

import random
import sys
from collections.abc import Callable
from typing import Any, Final

from executor.guest import values

_SEED: Final = random.seed
_SET_DEPTH: Final = sys.setrecursionlimit
_SEEDS: Final = (type(None), int, float, str, bytes)


class Settings:
    """What was set since the candidate was told."""

    def __init__(self) -> None:
        self._new: dict[str, values.Json] = {}

    def watch(self) -> None:
        """Take note from now on of what is set."""

        def seed(a: Any = None, version: int = 2) -> None:
            _SEED(a, version)
            if type(a) in _SEEDS and version == 2:
                self._new["seed"] = values.encode(a)

        def set_depth(limit: int, /) -> None:
            _SET_DEPTH(limit)
            self._new["depth"] = int(limit)

        random.seed = seed
        sys.setrecursionlimit = set_depth

    def take(self) -> dict[str, values.Json]:
        """Return what the candidate has yet to be told, which is then told."""
        told, self._new = self._new, {}
        return told


def follow(told: dict[str, values.Json]) -> None:
    """Set the same here."""
    setters: dict[str, Callable[[Any], object]] = {"seed": _SEED, "depth": _SET_DEPTH}
    for name, value in told.items():
        setters[name](values.decode(value))
