"""Tests of inputs and outputs: how they are compared, and how many of them are taken."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from infra import errors
from infra.contests.packed import decoded
from infra.contracts.problems import (
    MAX_SOURCE_CHARACTERS,
    MAX_TESTS,
    TextComparator,
    ValueComparator,
)

Draft = dict[str, Any]
"""A test as it is written in JSON; the `Problem` checks it."""
_MAX_CHARACTERS: Final = 8_000_000
"""Most text in the tests of one problem, each of whose executions carries them."""
_EITHER = """
def close(actual, expected):
    if isinstance(actual, (list, tuple)) and isinstance(expected, list):
        return len(actual) == len(expected) and all(map(close, actual, expected))
    if isinstance(expected, float):
        near = max(1e-6, 1e-6 * abs(expected))
        return isinstance(actual, (int, float)) and abs(actual - expected) <= near
    return actual == expected


def check(args, expected, actual):
    try:
        return close(actual, expected) or close(actual, expected[0])
    except ArithmeticError:
        return False  # An integer beyond floats, a decimal that is no number.
"""
"""APPS puts some expected values into a list of one, and others not."""


class Fitting(NamedTuple):
    """Tests that can be sent to an executor, and the number of the others."""

    tests: list[Draft]
    left_out: int


def stdio(given: Any, wanted: Any) -> Draft:
    """Make a test of a program's input and output: texts, or lists of lines.

    Words are compared; a number may differ by 1e-6 where it is expected with a fraction.

    Raises:
        errors.InvalidInput: they are no text.
    """
    text = _text(wanted)
    has_fractions = any(map(_is_fraction, text.split()))
    return {
        "kind": "stdio",
        "stdin": _text(given),
        "expected_stdout": text,
        "comparator": TextComparator.TOLERANCE if has_fractions else TextComparator.TOKENS,
    }


def _text(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "\n".join(value)
    if not isinstance(value, str):
        raise errors.InvalidInput("input_output: a program's input and output are text")
    return value


def _is_fraction(word: str) -> bool:
    return re.fullmatch(r"[+-]?(\d+\.\d*|\.\d+)([eE][+-]?\d+)?", word, re.ASCII) is not None


def calls(pairs: Sequence[tuple[Any, Any]], may_be_wrapped: bool) -> list[Draft]:
    """Make tests of arguments and returned values.

    A tuple may be returned for a list; a number may differ by 1e-6 where a float is expected.

    Args:
        pairs: The list of arguments and the expected value of each call.
        may_be_wrapped: Whether a value that is expected may stand in a list of its own, as APPS has
            it for some problems and not for others.

    Raises:
        errors.InvalidInput: arguments are no list, or a value looks like one of our tagged ones.
    """
    wrapped = may_be_wrapped and all(isinstance(w, list) and len(w) == 1 for _, w in pairs)
    return [_call(given, wanted, wrapped) for given, wanted in pairs]


def _call(given: Any, wanted: Any, wrapped: bool) -> Draft:
    if not isinstance(given, list):
        raise errors.InvalidInput("input_output: the arguments of a call are a list")
    if _has_tag(given) or _has_tag(wanted):
        raise errors.InvalidInput("a value has a key that begins with `$`, which marks types here")
    return {
        "kind": "call",
        "args": given,
        "expected": wanted,
        "comparator": ValueComparator.CHECKER if wrapped else ValueComparator.TOLERANCE,
        "tolerance": 1e-6 if _has_fraction(wanted) else 0.0,
        "checker": _EITHER if wrapped else None,
    }


def arguments(given: Any) -> Any:
    """Return the arguments of a call, which stand in a list, or as JSON one to a line.

    Raises:
        errors.InvalidInput: a line is no JSON.
    """
    if isinstance(given, str):
        return [decoded(line, "input") for line in given.split("\n") if line.strip()]
    return given


def _parts(value: Any) -> Iterator[Any]:
    """Yield a value of JSON and all that is in it."""
    pending = [value]
    while pending:
        item = pending.pop()
        yield item
        if isinstance(item, list):
            pending.extend(item)
        elif isinstance(item, dict):
            pending.extend(item.values())


def _has_tag(value: Any) -> bool:
    return any(
        isinstance(part, dict) and any(key.startswith("$") for key in part)
        for part in _parts(value)
    )


def _has_fraction(value: Any) -> bool:
    return any(isinstance(part, float) for part in _parts(value))


def fitting(tests: Sequence[Draft]) -> Fitting:
    """Take the tests that can be sent to an executor, in their order.

    Raises:
        errors.InvalidInput: none of them can.
    """
    kept: list[Draft] = []
    room = _MAX_CHARACTERS
    for test in tests:
        if test["kind"] == "stdio":
            sizes = [len(test["stdin"]), len(test["expected_stdout"])]
        else:
            sizes = [len(json.dumps(test[part])) for part in ("args", "expected")]
        if max(sizes) <= MAX_SOURCE_CHARACTERS and sum(sizes) <= room and len(kept) < MAX_TESTS:
            kept.append(test)
            room -= sum(sizes)
    if tests and not kept:
        raise errors.InvalidInput(f"each test has over {MAX_SOURCE_CHARACTERS} characters")
    return Fitting(kept, len(tests) - len(kept))


def paired(given: Any, wanted: Any, where: str) -> list[tuple[Any, Any]]:
    """Join a list of inputs with that of their outputs.

    Raises:
        errors.InvalidInput: they are no lists of one length; `where` names them.
    """
    if not isinstance(given, list) or not isinstance(wanted, list) or len(given) != len(wanted):
        raise errors.InvalidInput(f"{where}: expected as many outputs as inputs")
    return list(zip(given, wanted, strict=True))
