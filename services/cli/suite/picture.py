"""A picture of the result: labels by author, loss by step."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

from infra.contracts.base import Author, Label
from infra.contracts.views.api import CheckpointView, Stats
from services.loop.round_plan import Round

_COLOURS = {
    Label.COMPILE_ERROR: "#8c2d04",
    Label.RUNTIME_ERROR: "#d94801",
    Label.PARTIAL_PASS: "#fdae6b",
    Label.ALL_PASS: "#2171b5",
}


def draw(
    stats: Stats, checkpoints: Sequence[CheckpointView], rounds: Sequence[Round], path: Path
) -> Path:
    """Draw labels by author, the loss curve and what each round gave; return the file."""
    mpl.use("Agg")
    from matplotlib import pyplot

    path.parent.mkdir(parents=True, exist_ok=True)
    figure, (left, middle, right) = pyplot.subplots(1, 3, figsize=(14, 4.2), layout="constrained")
    names = [author.value for author in Author]
    bottoms = [0.0] * len(names)
    for label in Label:
        shares = []
        for author in Author:
            counts = stats.labels.get(author, {})
            shares.append(counts.get(label, 0) / max(1, sum(counts.values())))
        left.bar(names, shares, bottom=bottoms, label=label.value, color=_COLOURS[label])
        bottoms = [bottom + share for bottom, share in zip(bottoms, shares, strict=True)]
    left.set_title("Labels by author")
    left.set_ylabel("share of candidates")
    left.legend(loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=4, fontsize=8)
    steps = [item.version for item in checkpoints]
    for key, colour in (("loss", "#000000"), ("ce_loss", "#2171b5"), ("rank_loss", "#d94801")):
        middle.plot(steps, [item.metrics[key] for item in checkpoints], label=key, color=colour)
    middle.set_title("Loss by optimizer step")
    middle.set_xlabel("step")
    middle.legend()
    means = [item.greedy.mean for item in rounds]
    error = [
        [item.greedy.mean - item.greedy.low for item in rounds],
        [item.greedy.high - item.greedy.mean for item in rounds],
    ]
    numbers = [item.number for item in rounds]
    right.bar(numbers, means, yerr=error, capsize=4, color="#2171b5")
    right.set_xticks(numbers)
    right.set_title("Held-out pass@1 by round (0: before)")
    right.set_ylim(0, 1)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
    return path
