"""What an answer by value is worth: pure, and nobody is asked again."""

import array
import reprlib
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final

from infra.contracts.base import Outcome
from infra.contracts.values import tagged
from infra.contracts.values.composites import ContainsItself, NotPlain

_CUT: Final = frozenset(
    {int, str, list, tuple, dict, set, frozenset, deque, array.array},
)


class _Brief(reprlib.Repr):
    """Cuts values by what they are: a class of the candidate's may have the name of another."""

    def repr1(self, x: Any, level: int) -> str:
        return super().repr1(x, level) if type(x) in _CUT else self.repr_instance(x, level)


_BRIEF: Final = _Brief()


def judged(
    answer: Mapping[str, Any], holds: Callable[[Any], bool], wanted: Callable[[], str]
) -> tuple[Outcome, str]:
    """Turn an answer into an outcome, and a reason if it is none that `holds`.

    The answer has a tagged `value`, or says why it is none (`opaque`) or what was `raised`.
    `wanted` says what would have held.
    """
    if "raised" in answer:
        memory = answer["memory"]
        outcome = Outcome.MEMORY_LIMIT_EXCEEDED if memory else Outcome.RUNTIME_ERROR
        return outcome, answer["text"]
    if "value" not in answer:
        why = answer.get("opaque", "the process sent no value")
        return Outcome.WRONG_ANSWER, f"not_plain_data: {why}"
    try:
        actual = tagged.decode_tree(answer["value"])
    except ContainsItself as error:
        return Outcome.WRONG_ANSWER, f"the answer is no value that can be expected: {error}"
    except NotPlain as error:
        return Outcome.RUNTIME_ERROR, f"malformed value: {error}"
    try:
        if holds(actual):
            return Outcome.PASSED, ""
    except (TypeError, ValueError, ArithmeticError, RecursionError) as error:
        return Outcome.RUNTIME_ERROR, f"the answer {brief(actual)}: {error}"
    return Outcome.WRONG_ANSWER, f"got {brief(actual)}, {wanted()}"


def brief(value: Any) -> str:
    """Write a value for a reader, cut."""
    try:
        text = _BRIEF.repr(value)
    except (ValueError, RecursionError):
        # An integer of more digits than the interpreter writes, anywhere inside.
        text = f"a {type(value).__name__} too large to be written"
    return text if len(text) <= 200 else text[:200] + "..."
