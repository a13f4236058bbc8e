"""Checks of shared tests that are made here: what the process has computed, against what is right.

What is right never enters that process; what it has computed comes by value, once for each time.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from executor.judging import compare
from executor.judging.answers import brief, judged
from infra.contracts.base import Outcome
from infra.contracts.values import tagged

_MOST_TOLD: Final = 100_000
"""Values that one test may tell, in all."""
_TOLD: Final = ("value", "opaque", "true")
"""What may be said of a value; how a check went is for us to say."""
_WORDS: Final = {
    "unequal": "other than",
    "less": "less than",
    "at_most": "at most",
    "greater": "greater than",
    "at_least": "at least",
    "is_not": "not",
    "not_in": "not in",
    "contains": "something with",
    "lacks": "something without",
    "within": "near",
    "approximate": "near",
    "rounded": "nearly",
    "apart": "not nearly",
    "beyond": "not near",
    "items": "in any order",
}
"""Of the relations that read otherwise."""


class Expectation(NamedTuple):
    """What a check compares with, and how."""

    relation: str
    values: tuple[Any, ...]
    """One for every time, or one for each time in turn; empty where none is compared."""
    tolerance: float
    is_each: bool

    @staticmethod
    def of(message: Mapping[str, Any]) -> "Expectation":
        """Read what a jail has sent that has only read the test code.

        Raises:
            KeyError, TypeError, ValueError: it is none.
        """
        return Expectation(
            str(message["relation"]),
            tuple(tagged.decode_tree(item) for item in message["expected"]),
            float(message["tolerance"]),
            bool(message["is_each"]),
        )

    @property
    def least(self) -> int:
        """How often the check is made in a test that comes to it, at least."""
        return len(self.values) if self.is_each else 1

    def judge(self, told: Mapping[str, Any], time: int) -> tuple[Outcome, str]:
        """Judge what has been computed; `time` is how often it was before."""
        if self.is_each and time >= len(self.values):
            return Outcome.WRONG_ANSWER, "a check was made more often than there are values"
        expected = self.values[time if self.is_each else 0] if self.values else None
        if "opaque" in told:
            told = self._of_object(told)
        return judged(
            told,
            lambda actual: compare.relation_holds(self.relation, actual, expected, self.tolerance),
            lambda: f"expected {self._wanted(expected)}",
        )

    def _of_object(self, told: Mapping[str, Any]) -> Mapping[str, Any]:
        """Take an object of which nothing else is known for what is as true, and is not None."""
        if self.relation in ("true", "false") and isinstance(told.get("true"), bool):
            return {"value": told["true"]}
        return {"value": "an object"} if self.relation in ("is", "is_not") else told

    def _wanted(self, expected: Any) -> str:
        if not self.values:
            return f"what is {self.relation}"
        if self.relation == "equal":
            return brief(expected)
        if self.relation == "approximate":
            expected = expected[0]
        return f"what is {_WORDS.get(self.relation, self.relation)} {brief(expected)}"


class Compared:
    """The checks of one test that came, and the first of them that did not hold."""

    def __init__(self) -> None:
        self.times: dict[int, int] = {}
        """How often each was made."""
        self.failed: set[int] = set()
        self.first: tuple[Outcome, str] | None = None

    def add(self, number: int, expectation: Expectation, told: Mapping[str, Any]) -> None:
        """Judge one more."""
        time = self.times.get(number, 0)
        self.times[number] = time + 1
        if number in self.failed:
            return
        outcome, detail = expectation.judge(told, time)
        if outcome is not Outcome.PASSED:
            self.failed.add(number)
            self.first = self.first or (outcome, detail)


class Comparison:
    """Compares what the tests of one run tell, as it comes."""

    def __init__(self, expected: Mapping[int, Expectation], read: Callable[[int], int]) -> None:
        """`read` gives the number of a check of which a test tells under a number."""
        self._expected = expected
        self._read = read
        self.tests: dict[str, Compared] = {}
        """By the names that the runner has for them."""

    def take(self, name: str, told: list[Any]) -> None:
        """Compare what a test has told.

        Raises:
            ValueError, TypeError, KeyError: it makes no sense.
        """
        compared = self.tests.setdefault(name, Compared())
        if len(told) > _MOST_TOLD:
            raise ValueError("too many values")
        for drawn, value in told:
            number = self._read(drawn)
            kept = {key: value[key] for key in _TOLD if key in value}
            compared.add(number, self._expected[number], kept)
