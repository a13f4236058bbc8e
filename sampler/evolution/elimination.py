"""Which evolved tasks are worthless by themselves: pure.

After the elimination rules of WizardLM (arXiv 2304.12244), each decided by what can be
counted instead of by another call of a model.
"""

import re
from enum import StrEnum

from sampler.evolution.likeness import grams, words_of
from sampler.evolution.operators import signature_of

_FEWEST_WORDS = 4
_GREATEST_GROWTH = 3.0
"""Times the length of its parent that a task may have; every task may have `_ALWAYS_WORDS`."""
_ALWAYS_WORDS = 120
_UNCHANGED = 0.95
"""Share of common three-word runs from which on nothing was gained."""
_REFUSAL_WORDS = 80
_REFUSAL_CHARACTERS = 120
"""A refusal begins with its excuse; a task may speak of being unable further down."""
_REFUSALS = re.compile(
    r"\b(sorry|apologi[sz]e|as an ai|language model|i can(?:no|')t|unable to)\b", re.IGNORECASE
)
_MARKERS = re.compile(
    r"</?(?:old|task)>|#?\b(?:old|given|rewritten|harder|original) task\b#?", re.IGNORECASE
)
_ONLY_STOP_WORDS = re.compile(
    r"(?:(?:an?|and|are|as|at|be|by|for|from|in|is|it|of|on|or|that|the|this|to|was|with) )*"
)


class Reason(StrEnum):
    """Why a task was left out."""

    NO_TASK = "no_task"
    """The answer holds none, or was cut off."""
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    ONLY_STOP_WORDS = "only_stop_words"
    REFUSAL = "refusal"
    LEAKED_MARKER = "leaked_marker"
    """It speaks of the task it was made from."""
    UNCHANGED = "unchanged"
    """Hardly other than its parent: no information gained."""
    NO_SIGNATURE = "no_signature"
    """It names no function to write."""
    NEAR_DUPLICATE = "near_duplicate"
    CONTAMINATED = "contaminated"
    REFUSED_BY_SERVER = "refused_by_server"
    NO_AGREEMENT = "no_agreement"
    """No tests for it that two programs agree on."""


def judge(task: str, parent: str, most_words: int, said: str = "") -> Reason | None:
    """Return why an evolved task is to be left out, or None.

    Args:
        task: The evolved task; empty where the teacher wrote none.
        parent: The one it was made from.
        most_words: Longest task that is kept.
        said: All that the teacher said.
    """
    words, before = words_of(task), words_of(parent)
    longest = min(most_words, max(_ALWAYS_WORDS, _GREATEST_GROWTH * len(before)))
    rules = (
        (_refuses(task or said), Reason.REFUSAL),
        (not task, Reason.NO_TASK),
        (len(words) < _FEWEST_WORDS, Reason.TOO_SHORT),
        (bool(_ONLY_STOP_WORDS.fullmatch(" ".join(words) + " ")), Reason.ONLY_STOP_WORDS),
        (len(words) > longest, Reason.TOO_LONG),
        (bool(_MARKERS.search(task)), Reason.LEAKED_MARKER),
        (_common_share(words, before) >= _UNCHANGED, Reason.UNCHANGED),
        (signature_of(task) is None, Reason.NO_SIGNATURE),
    )
    return next((reason for holds, reason in rules if holds), None)


def _refuses(text: str) -> bool:
    if len(text.split()) >= _REFUSAL_WORDS:
        return False
    return _REFUSALS.search(text[:_REFUSAL_CHARACTERS]) is not None


def _common_share(words: list[str], others: list[str]) -> float:
    own, theirs = grams(words, 3), grams(others, 3)
    return len(own & theirs) / max(len(own | theirs), 1)
