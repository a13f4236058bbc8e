"""Checks of shared tests that are made here: what the process has computed, against what is right.

What is right never enters that process; what it has computed comes by value, once for each time.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from executor.judging import compare
from executor.judging.answers import brief, judged
from infra.contracts.base import Outcome
from infra.contracts.values import tagged
from infra.contracts.values.scalars import Json

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
    is_learnt: bool
    """Whether the values are those that a run of the reference program tells."""

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
            bool(message["is_learnt"]),
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
        return self.compared(told, expected)

    def compared(self, told: Mapping[str, Any], expected: Any) -> tuple[Outcome, str]:
        """Judge what has been computed by one value."""
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
        if not self.values and not self.is_learnt:
            return f"what is {self.relation}"
        if self.relation == "equal":
            return brief(expected)
        if self.relation == "approximate":
            expected = expected[0]
        return f"what is {_WORDS.get(self.relation, self.relation)} {brief(expected)}"


class Compared:
    """The checks of one test that came, and the first of them that did not hold."""

    def __init__(self, learns: bool, known: Mapping[int, tuple[Any, ...]] | None = None) -> None:
        """`known` is what its checks expect that were learnt, None for a copy of a test.

        If it `learns`, the reference program's run tells that as well.
        """
        self.times: dict[int, int] = {}
        """How often each was made."""
        self.failed: set[int] = set()
        self.first: tuple[Outcome, str] | None = None
        self.learnt: dict[int, list[Json]] = {}
        """What those expect that are to be learnt, in turn."""
        self._learns, self._known = learns, known

    def add(self, number: int, expectation: Expectation, told: Sequence[Mapping[str, Any]]) -> None:
        """Judge one more, by what it tells: what it has computed, and what there is to learn."""
        time = self.times.get(number, 0)
        self.times[number] = time + 1
        if number in self.failed:
            return
        if expectation.is_learnt:
            outcome, detail = self._by_learning(number, expectation, told, time)
        else:
            outcome, detail = expectation.judge(told[0], time)
        if outcome is not Outcome.PASSED:
            self.failed.add(number)
            self.first = self.first or (outcome, detail)

    def _by_learning(
        self, number: int, expectation: Expectation, told: Sequence[Mapping[str, Any]], time: int
    ) -> tuple[Outcome, str]:
        if self._learns:
            if len(told) < 2 or "value" not in told[1]:
                return Outcome.WRONG_ANSWER, "what is expected is no plain data"
            self.learnt.setdefault(number, []).append(told[1]["value"])
            return expectation.compared(told[0], tagged.decode_tree(told[1]["value"]))
        if self._known is None:
            return Outcome.PASSED, ""  # It is not what a copy is judged by.
        values = self._known.get(number, ())
        if len(values) != 1 and time >= len(values):
            return Outcome.WRONG_ANSWER, "a check was made more often than there are values"
        return expectation.compared(told[0], values[time if len(values) > 1 else 0])


class Comparison:
    """Compares what the tests of one run tell, as it comes."""

    def __init__(
        self,
        expected: Mapping[int, Expectation],
        read: Callable[[int], int],
        known: Callable[[str], Mapping[int, tuple[Any, ...]] | None] | None = None,
    ) -> None:
        """`read` gives the number of a check of which a test tells under a number.

        `known` gives what the checks of a test expect that were learnt; without it that is learnt.
        """
        self._expected = expected
        self._read = read
        self._known = known
        self.tests: dict[str, Compared] = {}
        """By the names that the runner has for them."""

    def take(self, name: str, told: list[Any]) -> None:
        """Compare what a test has told.

        Raises:
            ValueError, TypeError, KeyError: it makes no sense.
        """
        if name not in self.tests:
            known = self._known(name) if self._known is not None else None
            self.tests[name] = Compared(self._known is None, known)
        if len(told) > _MOST_TOLD:
            raise ValueError("too many values")
        for drawn, *values in told:
            number = self._read(drawn)
            kept = [{key: one[key] for key in _TOLD if key in one} for one in values]
            self.tests[name].add(number, self._expected[number], kept)
