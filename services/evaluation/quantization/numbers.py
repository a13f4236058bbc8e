"""What a variant changes, beside what noise of its size changes: pure but for reading files."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from infra.contracts.base import Label
from services import statistics
from services.evaluation.folder import read_json, read_lines


@dataclass(frozen=True)
class Labels:
    """What a model wrote, one program for each problem, and whether it is right."""

    right: Mapping[str, bool]
    """By problem, in their order."""
    tokens: Mapping[str, Sequence[int]]

    @classmethod
    def read(cls, candidates: Path, labels: Path) -> "Labels":
        """Read completions and their labels.

        Raises:
            errors.InvalidInput: a file cannot be read.
        """
        rows = zip(read_lines(candidates), read_lines(labels), strict=True)
        both = [
            (row["task_id"], label["label"] == Label.ALL_PASS, row["sampled"]["token_ids"])
            for row, label in rows
        ]
        return cls(
            {slug: right for slug, right, _ in both}, {slug: tokens for slug, _, tokens in both}
        )


def row_of(
    name: str,
    folder: Path,
    full: Labels,
    labels: Labels,
    noise: Sequence[Labels],
    margins: Mapping[str, Sequence[float]],
    speed: Mapping[str, Any],
) -> dict[str, Any]:
    """Return all numbers of a variant.

    Args:
        name: Of the variant.
        folder: Where it was made and measured.
        full: What the model wrote in fp32.
        labels: What the variant wrote.
        noise: What the model in fp32 wrote with noise of the variant's size, by seed.
        margins: By problem, by how much each token was ahead in fp32.
        speed: How fast it was (`speeds`).
    """
    before, after = list(full.right.values()), list(labels.right.values())
    return {
        "variant": name,
        **read_json(folder / "measured.json"),
        "speed": dict(speed),
        "relative_error": relative_error(read_json(folder / "off.json")),
        "pass_at_1": statistics.mean_of([float(one) for one in after])._asdict(),
        "difference": statistics.difference(before, after)._asdict(),
        "mcnemar_p": statistics.mcnemar(before, after),
        "flips": flips(full, labels, noise, margins),
        "first_differences": first_differences(full, labels, margins),
        "noise": [changes(full, one) for one in noise],
        **changes(full, labels),
    }


def speeds(turns: Sequence[Mapping[str, Any]], full: str) -> dict[str, dict[str, Any]]:
    """Return how fast each variant was: the middle of its turns, and the least and the most.

    `as_fast` is by how much one completion alone, and several at once, were faster than those of
    the full variant: the middle of what each turn gives, in which both were measured.

    Args:
        turns: Of the clock, in any order.
        full: The variant that all others are compared to.
    """
    of: dict[str, dict[int, tuple[float, float]]] = {}
    for one in turns:
        tokens = one["new_tokens"]
        alone = 1000 * one["alone_seconds"] / tokens
        together = one["batch"] * tokens / one["together_seconds"]
        of.setdefault(one["variant"], {})[one["turn"]] = (alone, together)
    return {
        name: {
            "ms_per_token": _spread([alone for alone, _ in found.values()]),
            "tokens_per_second": _spread([together for _, together in found.values()]),
            "as_fast": [
                median(of[full][turn][0] / alone for turn, (alone, _) in found.items()),
                median(together / of[full][turn][1] for turn, (_, together) in found.items()),
            ],
        }
        for name, found in of.items()
    }


def _spread(values: Sequence[float]) -> list[float]:
    return [median(values), min(values), max(values)]


def relative_error(off: Mapping[str, Mapping[str, float]]) -> float:
    """Return how far all weight matrices together are off, as a share of their size."""
    error, weight = (
        math.fsum(one["count"] * one[key] ** 2 for one in off.values())
        for key in ("error", "weight")
    )
    return math.sqrt(error / weight) if weight else 0.0


def changes(full: Labels, other: Labels) -> dict[str, int]:
    """Return how many problems another model newly solves and newly fails, and other texts."""
    pairs = [(full.right[slug], other.right[slug]) for slug in full.right]
    return {
        "newly_right": sum(after and not before for before, after in pairs),
        "newly_wrong": sum(before and not after for before, after in pairs),
        "other_texts": sum(full.tokens[slug] != other.tokens[slug] for slug in full.right),
    }


def flips(
    full: Labels,
    labels: Labels,
    noise: Sequence[Labels],
    margins: Mapping[str, Sequence[float]],
) -> list[dict[str, Any]]:
    """Return the problems that a variant alone solves or fails, and where its text differs first.

    `margin` is by how much the token there was ahead in fp32, `noise` how many seeds of noise
    change the problem likewise.
    """
    found = []
    for slug, before in full.right.items():
        after = labels.right[slug]
        if before != after:
            place = _first_difference(full.tokens[slug], labels.tokens[slug])
            found.append(
                {
                    "task_id": slug,
                    "right": after,
                    "token": place,
                    "margin": _margin(margins[slug], place),
                    "noise": sum(one.right[slug] == after for one in noise),
                }
            )
    return found


def first_differences(
    full: Labels, labels: Labels, margins: Mapping[str, Sequence[float]]
) -> dict[str, Any]:
    """Return the margins of the tokens at which texts differ first, beside those of all tokens."""
    places = {
        slug: _first_difference(tokens, labels.tokens[slug]) for slug, tokens in full.tokens.items()
    }
    there = [_margin(margins[slug], place) for slug, place in places.items()]
    known = [margin for margin in there if margin is not None]
    every = [margin for of in margins.values() for margin in of]
    return {
        "count": len(known),
        "median_margin": median(known) if known else None,
        "largest_margin": max(known, default=None),
        "median_margin_of_all": median(every) if every else None,
        "tokens_of_all": len(every),
    }


def _first_difference(one: Sequence[int], other: Sequence[int]) -> int | None:
    """Return the place of the first token that differs; None where they are the same."""
    for place, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return place
    return None if len(one) == len(other) else min(len(one), len(other))


def _margin(margins: Sequence[float], place: int | None) -> float | None:
    return margins[place] if place is not None and place < len(margins) else None
