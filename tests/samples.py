"""Which cases of a large set `make test` runs; `make thorough` runs all of them.

Chosen by name, so that a case that is added or removed moves no other. What takes seconds for each
case is left to `make slow`.
"""

import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import pytest

from infra.contracts.base import Language

T = TypeVar("T")
SLOW_LANGUAGES = {
    Language.CPP, Language.D, Language.GO, Language.HASKELL, Language.JAVA, Language.KOTLIN,
    Language.R, Language.RACKET, Language.RUST, Language.SCALA, Language.TYPESCRIPT,
}  # fmt: skip
"""Whose compilers or interpreters take seconds for a suite."""


def is_drawn(name: str, one_in: int) -> bool:
    """Whether a name is one of so many that are drawn."""
    return draw(name, one_in) == 0


def draw(name: str, number: int) -> int:
    """Draw a number below another for a name, the same one every time."""
    return zlib.crc32(name.encode()) % number


def sampled(cases: Iterable[T], one_in: int, name: Callable[[T], str] = str) -> list[object]:
    """Make parameters of cases, and mark as thorough all but one in so many."""
    return [
        case if is_drawn(name(case), one_in) else pytest.param(case, marks=pytest.mark.thorough)
        for case in cases
    ]


def spread(cases: Sequence[T], number: int) -> list[T]:
    """Take so many cases of a sequence, as far apart as they can be."""
    step = max(1, len(cases) // number)
    return list(cases[step // 2 :: step])


def first(number: int, cases: Iterable[T]) -> list[object]:
    """Make parameters of cases, and mark as thorough all but the first so many."""
    return [
        case if place < number else pytest.param(case, marks=pytest.mark.thorough)
        for place, case in enumerate(cases)
    ]


def slow_where(is_slow: Callable[[T], bool], cases: Iterable[T]) -> list[object]:
    """Make parameters of cases, and mark as slow those that are."""
    return [pytest.param(case, marks=pytest.mark.slow) if is_slow(case) else case for case in cases]
