"""Another value than one that a test has computed, which looks like it.

A copy of a test expects it where nothing is written out that could be changed. Of a value alone and
one in a list, a program could tell by that what is expected of it.
"""

import enum
import os
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

from executor.guest.guards.text.values import Draws, another, unlikely

_SCALARS: Final = (bool, int, float, complex, str, bytes, type(None))
_DEPTH: Final = 20
_ATTEMPTS: Final = 24


def other_than(value: Any, is_far: bool = False) -> Any:
    """Return another value; for a number one that is near to it in no way, if `is_far`.

    Of what is no plain data, a list that holds it: nothing is equal to both.
    """
    found = list(_others(value, is_far, Draws(os.urandom(8)), _DEPTH))
    return found[0] if found else [value]


def _others(value: Any, is_far: bool, draws: Draws, depth: int) -> Iterator[Any]:
    """Yield another value, if there is one."""
    kind = type(value)
    if kind in _SCALARS:
        far = unlikely(value, draws) if is_far else None
        new = another(value, draws) if far is None else far
        if new is not None and new != value:
            yield new
    elif kind in (Decimal, Fraction):
        yield value * 1000 + 101 if is_far else value + 1
    elif isinstance(value, date):
        yield value - timedelta(days=1) if value.year > 1 else value + timedelta(days=1)
    elif kind is timedelta:
        yield value + timedelta(days=1)
    elif isinstance(value, enum.Enum):
        yield from [one for one in kind if one is not value][:1]
    elif depth:
        yield from _containers(value, is_far, draws, depth)


def _containers(value: Any, is_far: bool, draws: Draws, depth: int) -> Iterator[Any]:
    kind = type(value)
    if kind in (list, tuple):
        at = draws.below(len(value)) if value else 0
        for new in _others(value[at], is_far, draws, depth - 1) if value else ():
            yield kind([*value[:at], new, *value[at + 1 :]])
    elif kind is dict:
        for key in list(value)[:1]:
            yield from (
                {**value, key: new} for new in _others(value[key], is_far, draws, depth - 1)
            )
    elif kind in (set, frozenset):
        for item in list(value)[:1] * _ATTEMPTS:
            for new in _others(item, is_far, draws, depth - 1):
                if new not in value:
                    yield kind([*(value - {item}), new])
