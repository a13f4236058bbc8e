"""The table and the picture of the experiment, and every figure behind them as JSON."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

from services import statistics
from services.statistics import Estimate, mean_of, pass_at_k

Results = Mapping[str, Sequence[Mapping[str, Any]]]
"""For each method, the evaluation of each seed."""
_OURS = "RRTF, default"


def by_problem(evaluations: Sequence[Mapping[str, Any]], k: int | None) -> list[float]:
    """Return the chance to solve each problem, averaged over seeds: greedy, or within k samples."""
    rows = [
        [float(solved) for solved in item["solved"]]
        if k is None
        else [pass_at_k(item["samples"], right, k) for right in item["right"]]
        for item in evaluations
    ]
    return [sum(column) / len(column) for column in zip(*rows, strict=True)]


def difference(results: Results, one: str, other: str) -> Estimate:
    """Return how much more problems one method solves greedily than another, paired by problem."""
    return statistics.difference(by_problem(results[other], None), by_problem(results[one], None))


def write_report(results: Results, settings: Mapping[str, Any], folder: Path) -> Path:
    """Write `reproduction.md`, `.png` and `.json` into a folder; return the first."""
    folder.mkdir(parents=True, exist_ok=True)
    names = list(results)
    figures = {
        name: {
            "greedy": mean_of(by_problem(results[name], None)),
            "pass@1": mean_of(by_problem(results[name], 1)),
            "pass@10": mean_of(by_problem(results[name], 10)),
        }
        for name in names
    }
    per_seed = {name: [item["greedy"]["mean"] for item in results[name]] for name in names}
    gains = {name: difference(results, name, "before") for name in names if name != "before"}
    ours = {
        name: difference(results, _OURS, name) for name in names if name not in ("before", _OURS)
    }
    lines = [
        "| | greedy pass@1 | gain in points | seeds | pass@1 | pass@10 | RRTF default ahead by |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in names:
        found = figures[name]
        cells = [
            name,
            str(found["greedy"]),
            points(gains[name]) if name in gains else "",
            ", ".join(f"{value:.1%}" for value in per_seed[name]),
            str(found["pass@1"]),
            str(found["pass@10"]),
            points(ours[name]) if name in ours else "",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    table = "\n".join(lines)
    (folder / "reproduction.json").write_text(
        json.dumps(
            {
                "settings": dict(settings),
                "greedy_by_seed": per_seed,
                "figures": {n: {k: e._asdict() for k, e in f.items()} for n, f in figures.items()},
                "gains": {name: gain._asdict() for name, gain in gains.items()},
                "ahead_of": {name: ahead._asdict() for name, ahead in ours.items()},
            },
            indent=1,
        )
        + "\n"
    )
    draw(figures, folder / "reproduction.png")
    path = folder / "reproduction.md"
    path.write_text(_text(table, settings, gains[_OURS], ours))
    return path


def points(estimate: Estimate) -> str:
    """Say a difference of rates in points."""
    mean, low, high = (100 * value for value in estimate)
    return f"{mean:+.1f} [{low:+.1f}, {high:+.1f}]"


def _text(
    table: str, settings: Mapping[str, Any], gain: Estimate, ours: Mapping[str, Estimate]
) -> str:
    behind = [name for name, ahead in ours.items() if ahead.mean < 0]
    unclear = [name for name, ahead in ours.items() if ahead.mean >= 0 >= ahead.low]
    verdict = [f"RRTF with its defaults raises greedy pass@1 by {points(gain)} points."]
    if behind:
        verdict.append(f"It solves fewer problems than: {', '.join(behind)}.")
    if unclear:
        verdict.append(f"Its lead is within the interval over: {', '.join(unclear)}.")
    rates = ", ".join(f"{name} {rate:g}" for name, rate in settings["rates"].items())
    return f"""# A student before and after RRTF, beside other ways to train it

Written by `make reproduce`; the figures are those of its last run, in [JSON](reproduction.json) too.

{" ".join(verdict)}

{table}

![greedy pass@1 and pass@10 by method](reproduction.png)

* Seeds {settings["seeds"]}: each makes a student of its own from nothing, draws its own {settings["training"]} training problems, and samples {settings["samples"]} programs for each at temperature 1. All methods of a seed share student, samples, teachers and labels.
* {settings["held_out"]} held-out problems, the same for every seed; no operation chain of them occurs in corpus or training problems. Greedy, and {settings["eval_samples"]} samples at temperature 0.8, top-p 0.95. All programs were labelled by the executor.
* {settings["epochs"]} epochs for each method, 16 prompts to a step (DPO: 64 pairs). Each had the best of three learning rates by {settings["tuning"]} problems that train nothing: {rates}.
* Intervals are 95 % bootstrap intervals over problems, of the mean over seeds; differences are paired by problem.
* Two teachers, right three times of four. Cross-entropy on teachers imitates all they write, since without tests right and wrong are not told apart.
* Mode `rrhf` takes every pair, unweighted, and weights ranking by 100 as its published code does. Mode `paper` gives the four labels equally spaced scores, sums cross-entropy over tokens, and imitates the teacher. DPO is TRL's, beta 0.1, on the pairs of the default.
* Where teachers say their steps, their programs are the same ones with a comment above each line that says what it is to do; all else is as by default.
* {settings["cpu_seconds"] / 60:.0f} CPU minutes in all, students included.
"""


def draw(figures: Mapping[str, Mapping[str, Estimate]], path: Path) -> None:
    """Draw greedy pass@1 and pass@10 of every method with their intervals."""
    mpl.use("Agg")
    from matplotlib import pyplot

    names = list(figures)
    figure, axes = pyplot.subplots(figsize=(9, 4.2), layout="constrained")
    for shift, key, colour in ((-0.19, "greedy", "#2171b5"), (0.19, "pass@10", "#fdae6b")):
        found = [figures[name][key] for name in names]
        error = [[e.mean - e.low for e in found], [e.high - e.mean for e in found]]
        where = [number + shift for number in range(len(names))]
        axes.bar(
            where, [e.mean for e in found], 0.36, yerr=error, capsize=3, color=colour, label=key
        )
    axes.set_xticks(range(len(names)), names, rotation=15)
    axes.set_ylabel("share of held-out problems")
    axes.set_ylim(0, 1)
    axes.legend()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
