"""The reward of one answer, on the scale that was asked for: pure, and the one place it is made.

Every scale keeps the order of the ranking: the label, then the share of tests passed. What holds no
program is worth nothing, whatever tests would say of it.
"""

from enum import StrEnum

from infra.contracts.base import Label
from ranker.ranking import Preset, score_of


class Scale(StrEnum):
    """How labels become rewards in [0, 1]."""

    GRADED = "graded"
    """Compile error 0, runtime error 0.05, partial pass 0.1 + 0.8 x share of tests, all pass 1."""
    BINARY = "binary"
    """1 if all tests passed, else 0."""
    FRACTION = "fraction"
    """The share of tests passed."""
    PAPER = "paper"
    """The paper's four situations at equal distances: 0, 1/3, 2/3, 1."""


def reward_of(label: Label, pass_fraction: float, scale: Scale) -> float:
    """Return the reward of a program with this label that passed this share of its tests."""
    match scale:
        case Scale.GRADED:
            return _graded(label, pass_fraction)
        case Scale.BINARY:
            return float(label is Label.ALL_PASS)
        case Scale.FRACTION:
            return pass_fraction
        case Scale.PAPER:
            return score_of(label, pass_fraction, Preset.LINEAR)


def _graded(label: Label, pass_fraction: float) -> float:
    match label:
        case Label.COMPILE_ERROR:
            return 0.0
        case Label.RUNTIME_ERROR:
            return 0.05
        case Label.PARTIAL_PASS:
            return 0.1 + 0.8 * pass_fraction
        case Label.ALL_PASS:
            return 1.0
