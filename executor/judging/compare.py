"""Comparison of answers, outside the candidate: pure, and bounded in time."""

import bisect
import math
import numbers
import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence, Sized
from decimal import Decimal
from fractions import Fraction
from typing import Any

from infra.contracts.problems import TextComparator, ValueComparator

_INTEGER = re.compile(r"[+-]?[0-9]+")
_RELATIVE, _ABSOLUTE = 1e-6, 1e-12
"""How near pytest's `approx` wants two numbers where a test does not say."""
_NUMBERS: tuple[type[Any], ...] = (complex, float, int, Decimal, Fraction)
_MAX_UNORDERED = 500
"""Most elements that cannot be hashed and are matched pairwise."""
_MAX_LISTED = 2_000_000
"""Most elements of what need not hold them all itself."""


def values_match(actual: Any, expected: Any, comparator: ValueComparator, tolerance: float) -> bool:
    """Tell whether a returned value is the expected one; both are plain built-in data."""
    match comparator:
        case ValueComparator.EXACT:
            return _exact(actual, expected)
        case ValueComparator.EQUAL:
            return bool(actual == expected)
        case ValueComparator.TOLERANCE:
            return _close(actual, expected, tolerance)
        case ValueComparator.UNORDERED:
            return _unordered(actual, expected)
    raise ValueError(f"the comparator {comparator} is none of values")


def relation_holds(relation: str, actual: Any, expected: Any, tolerance: float) -> bool:
    """Tell whether a check of test code holds, as the interpreter would on the same plain data.

    Raises:
        TypeError, ArithmeticError: the values allow no such comparison.
    """
    holds = _RELATIONS.get(relation)
    if holds is None:
        raise ValueError(f"unknown relation {relation}")
    return bool(holds(actual, expected, tolerance))


def _rounded(actual: Any, expected: Any, places: float) -> bool:
    return bool(actual == expected) or round(abs(actual - expected), int(places)) == 0


def _within(actual: Any, expected: Any, delta: float) -> bool:
    return bool(actual == expected) or bool(abs(actual - expected) <= delta)


def _parts(actual: Any) -> Any:
    """Return what may be asked for its parts; an iterator may end in anything."""
    if hasattr(actual, "__next__"):
        raise TypeError("an iterator is no value")
    return actual


def _contains(whole: Any, part: Any) -> bool:
    """Tell whether something is in a whole, without going through all of a range for it."""
    if type(whole) is not range or isinstance(part, int):
        return part in _parts(whole)
    sought: Any = part.real if isinstance(part, complex) and not part.imag else part
    is_number = isinstance(part, numbers.Number) and not isinstance(sought, complex)
    if not is_number or sought != sought:
        return False
    rising = whole if whole.step > 0 else whole[::-1]
    at = bisect.bisect_left(rising, sought)
    return at < len(rising) and bool(rising[at] == sought)


def _same_items(actual: Any, expected: Any) -> bool:
    """Tell whether two have the same parts, in any order."""
    if len(_parts(actual)) != len(expected):
        return False
    if len(expected) > _MAX_LISTED:
        raise ValueError("too many parts")
    return _unordered([*actual], [*expected])


def _approximate(actual: Any, expected: Any, bounds: Sequence[float | None]) -> bool:
    """Tell what pytest's `approx` would say of numbers, or of the numbers in a list or dict."""
    if isinstance(expected, dict):
        if not isinstance(actual, dict) or actual.keys() != expected.keys():
            return False
        return all(_near(actual[key], value, *bounds) for key, value in expected.items())
    if not isinstance(expected, (list, tuple)):
        return _near(actual, expected, *bounds)
    if not isinstance(actual, Sized) or len(actual) != len(expected):
        return False
    parts: Any = _parts(actual)
    return all(_near(one, other, *bounds) for one, other in zip(parts, expected, strict=True))


def _near(actual: Any, expected: Any, relative: float | None, absolute: float | None) -> bool:
    if isinstance(expected, bool) and not isinstance(actual, bool):
        return False
    if actual == expected:
        return True
    if not isinstance(expected, (complex, float, int)) or not isinstance(actual, _NUMBERS):
        return False
    if not math.isfinite(abs(expected)):
        return False
    far = abs(expected) * (_RELATIVE if relative is None else relative)
    if relative is None and absolute is not None:
        far = 0.0
    return bool(abs(expected - actual) <= max(far, _ABSOLUTE if absolute is None else absolute))


_RELATIONS: Mapping[str, Callable[[Any, Any, float], Any]] = {
    "equal": lambda actual, expected, _: actual == expected,
    "unequal": lambda actual, expected, _: actual != expected,
    "less": lambda actual, expected, _: actual < expected,
    "at_most": lambda actual, expected, _: actual <= expected,
    "greater": lambda actual, expected, _: actual > expected,
    "at_least": lambda actual, expected, _: actual >= expected,
    "is": lambda actual, expected, _: actual is expected,
    "is_not": lambda actual, expected, _: actual is not expected,
    "in": lambda actual, expected, _: _contains(expected, actual),
    "not_in": lambda actual, expected, _: not _contains(expected, actual),
    "contains": lambda actual, expected, _: _contains(actual, expected),
    "lacks": lambda actual, expected, _: not _contains(actual, expected),
    "true": lambda actual, _, __: actual,
    "false": lambda actual, _, __: not actual,
    "near": lambda actual, expected, tolerance: abs(actual - expected) < tolerance,
    "within": _within,
    "beyond": lambda actual, expected, delta: not _within(actual, expected, delta),
    "rounded": _rounded,
    "apart": lambda actual, expected, places: not _rounded(actual, expected, places),
    "approximate": lambda actual, wanted, _: _approximate(actual, wanted[0], wanted[1:]),
    "items": lambda actual, expected, _: _same_items(actual, expected),
}
"""By the word that `executor.guest.guards` and `executor.guest.reading` have for each."""


def _exact(actual: Any, expected: Any) -> bool:
    if type(actual) is not type(expected):
        return False
    if isinstance(expected, (list, tuple, deque)):
        return len(actual) == len(expected) and all(map(_exact, actual, expected))
    if isinstance(expected, dict):
        if len(actual) != len(expected):
            return False
        # Equal keys of another type (1, 1.0, True) are found by hash, so compare the keys too.
        keys = {key: key for key in actual}
        return all(
            key in keys and _exact(keys[key], key) and _exact(actual[key], item)
            for key, item in expected.items()
        )
    if isinstance(expected, (set, frozenset)):
        found = {item: item for item in actual}
        return len(actual) == len(expected) and all(
            item in found and _exact(found[item], item) for item in expected
        )
    if isinstance(expected, float) and math.isnan(expected):
        return math.isnan(actual)
    if isinstance(expected, float) and expected == 0:
        return actual == 0 and math.copysign(1, actual) == math.copysign(1, expected)
    return bool(actual == expected)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _close(actual: Any, expected: Any, tolerance: float) -> bool:
    if _is_number(actual) and _is_number(expected):
        return _close_numbers(actual, expected, tolerance)
    if isinstance(actual, complex) and isinstance(expected, complex):
        return _close(actual.real, expected.real, tolerance) and _close(
            actual.imag, expected.imag, tolerance
        )
    if isinstance(actual, (list, tuple)) and isinstance(expected, (list, tuple)):
        return len(actual) == len(expected) and all(
            _close(a, e, tolerance) for a, e in zip(actual, expected, strict=True)
        )
    if isinstance(actual, dict) and isinstance(expected, dict):
        return actual.keys() == expected.keys() and all(
            _close(actual[key], item, tolerance) for key, item in expected.items()
        )
    return type(actual) is type(expected) and bool(actual == expected)


def _close_numbers(actual: float, expected: float, tolerance: float) -> bool:
    """Compare with a tolerance where the expected number has a fraction; an integer is exact."""
    if isinstance(expected, int):
        return actual == expected
    try:
        a, e = float(actual), float(expected)
    except OverflowError:
        return actual == expected
    if math.isnan(e) or math.isinf(e):
        return a == e or (math.isnan(a) and math.isnan(e))
    # Relative to the expected value alone: an answer of infinity is close to nothing.
    return math.isfinite(a) and abs(a - e) <= max(tolerance, tolerance * abs(e))


def _unordered(actual: Any, expected: Any) -> bool:
    sequences = (list, tuple, set, frozenset, deque)
    if not isinstance(actual, sequences) or not isinstance(expected, sequences):
        return bool(actual == expected)
    if len(actual) != len(expected):
        return False
    remaining = list(expected)
    try:
        counts: dict[Any, int] = {}
        for item in remaining:
            counts[item] = counts.get(item, 0) + 1
        for item in actual:
            # Nothing of the answer goes into the table, where it might be made to collide.
            if not counts.get(item):
                return False
            counts[item] -= 1
        return True
    except TypeError:
        pass  # Some element cannot be hashed.
    if len(remaining) > _MAX_UNORDERED:
        return sorted(map(repr, actual)) == sorted(map(repr, remaining))
    for item in actual:
        if item not in remaining:
            return False
        remaining.remove(item)
    return True


def texts_match(actual: str, expected: str, comparator: TextComparator, tolerance: float) -> bool:
    """Tell whether standard output is the expected one."""
    match comparator:
        case TextComparator.EXACT:
            return actual == expected
        case TextComparator.LINES:
            return _lines(actual) == _lines(expected)
        case TextComparator.TOKENS:
            return actual.split() == expected.split()
        case TextComparator.TOLERANCE:
            words, wanted = actual.split(), expected.split()
            return len(words) == len(wanted) and all(
                _close_words(word, want, tolerance)
                for word, want in zip(words, wanted, strict=True)
            )
    raise ValueError(f"the comparator {comparator} is none of texts")


def _lines(text: str) -> list[str]:
    lines = [line.rstrip() for line in text.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _close_words(word: str, wanted: str, tolerance: float) -> bool:
    if word == wanted:
        return True
    # Python alone takes digits of every script, and groups of them, for a number.
    if not word.isascii() or "_" in word:
        return False
    try:
        if _INTEGER.fullmatch(wanted):
            # As text, for a float would be rounded first.
            return Decimal(word) == Decimal(wanted)
        return _close_numbers(float(word), float(wanted), tolerance)
    except (ValueError, ArithmeticError):
        return False
