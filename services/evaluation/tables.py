"""The tables of a report, as text: the same in Markdown and on the page."""

from collections import Counter
from collections.abc import Sequence
from typing import Final, NamedTuple

from infra.contracts.base import Label
from services import statistics
from services.evaluation.comparing import compared
from services.evaluation.programs.published import FAILED
from services.evaluation.results import Evaluation, Found, by_level, by_training

LABELS: Final = (
    Label.ALL_PASS.value,
    Label.PARTIAL_PASS.value,
    Label.RUNTIME_ERROR.value,
    Label.COMPILE_ERROR.value,
    FAILED,
)
"""From the best to the worst; the last one is of tools that tell no more."""


class Table(NamedTuple):
    """Rows of text under a head; the first column names the row."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def overview(evaluation: Evaluation) -> Table:
    """Return the table of models and benchmarks: pass@1, greedy where there is such."""
    rows = [
        (model, *(_first_rate(evaluation.of(name, model)) for name in evaluation.items))
        for model in evaluation.models
    ]
    return Table(("pass@1", *evaluation.items), tuple(rows))


def rates(evaluation: Evaluation, benchmark: str, ks: Sequence[int]) -> Table:
    """Return pass@k of every model and setting, with both intervals."""
    found = evaluation.of(benchmark)
    ks = [k for k in ks if any(k <= one.fewest for one in found)]
    head = ("", "programs a problem", *(f"pass@{k}" for k in ks), "another run's pass@1")
    rows = []
    for one in found:
        cells = [str(one.pass_at(k)) if k <= one.fewest else "" for k in ks]
        count = str(one.fewest) + (f", {len(one.seeds)} seeds" if len(one.seeds) > 1 else "")
        rows.append((name_of(one), count, *cells, str(one.again(1) or "")))
    return Table(head, tuple(rows))


def parts(evaluation: Evaluation, benchmark: str) -> Table | None:
    """Return pass@1 by level of problems, and by whether they may be known to a model."""
    rows = []
    columns: dict[str, None] = {}
    for one in evaluation.of(benchmark):
        of = {**by_level(one), **by_training(one, evaluation.trained[one.model])}
        rows.append((one, of))
        columns |= dict.fromkeys(of)
    if not columns:
        return None
    return Table(
        ("pass@1", *columns),
        tuple(
            (
                name_of(one),
                *(f"{one.pass_at(1, of[c])} of {len(of[c])}" if c in of else "" for c in columns),
            )
            for one, of in rows
        ),
    )


def labels(evaluation: Evaluation, benchmark: str) -> Table:
    """Return how many programs have which label."""
    counts = [
        (one, Counter(each.label for each in one.every())) for one in evaluation.of(benchmark)
    ]
    used = [label for label in LABELS if any(of[label] for _, of in counts)]
    rows = [
        (name_of(one), *(_share(of[label], of.total()) for label in used)) for one, of in counts
    ]
    return Table(("programs", *used), tuple(rows))


def differences(evaluation: Evaluation, benchmark: str) -> Table | None:
    """Return every model beside the best one, where they were drawn alike."""
    rows = []
    for setting in dict.fromkeys(one.setting for one in evaluation.of(benchmark)):
        of = [one for one in evaluation.of(benchmark) if one.setting == setting]
        best = max(of, key=lambda one: one.pass_at(1).mean)
        for one in of:
            if one is not best and set(one.seeds) & set(best.seeds):
                found = compared(one, best)
                p = "" if found.p is None else f"{found.p:.3g}"
                rows.append(
                    (
                        f"{name_of(best)} over {one.model}",
                        points(found.difference),
                        str(found.won),
                        str(found.lost),
                        p,
                    )
                )
    head = ("", "points", "problems won", "problems lost", "McNemar's p")
    return Table(head, tuple(rows)) if rows else None


def cost(evaluation: Evaluation) -> Table:
    """Return how much was written, and how much of it was no program or took too long."""
    rows = []
    for one in evaluation.found:
        tokens = [row["num_tokens"] for row in one.programs if "num_tokens" in row]
        empty = sum(not str(row["program"]).strip() for row in one.programs)
        every = one.every()
        late = sum(
            judged.failure is not None and judged.failure.outcome == "time_limit_exceeded"
            for judged in every
        )
        rows.append(
            (
                f"{one.benchmark}: {name_of(one)}",
                str(len(every)),
                _share(empty, len(every)) if one.programs else "",
                _share(late, len(every)),
                f"{sum(tokens):,}" if tokens else "",
                f"{sum(tokens) / len(tokens):.0f}" if tokens else "",
            )
        )
    return Table(
        ("", "programs", "without a program", "out of time", "tokens", "tokens a program"),
        tuple(rows),
    )


def _share(some: int, of: int) -> str:
    return f"{some} ({some / of:.1%})"


def name_of(found: Found) -> str:
    """Name a row of one benchmark."""
    return f"{found.model}, {found.setting.name}"


def points(estimate: statistics.Estimate) -> str:
    """Say a difference of rates in points."""
    mean, low, high = (100 * value for value in estimate)
    return f"{mean:+.1f} [{low:+.1f}, {high:+.1f}]"


def _first_rate(found: Sequence[Found]) -> str:
    if not found:
        return ""
    first = found[0]
    rest = "" if first.setting.temperature == 0 else f" ({first.setting.name})"
    return f"{first.pass_at(1)}{rest}"
