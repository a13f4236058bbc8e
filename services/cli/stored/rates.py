"""How often stored models are right, and whether one of two is better."""

from collections.abc import Iterator

from rich.table import Table

from infra.contracts.views.dashboard import ModelComparison, Models, PassAt
from infra.printable import counted

_UNNAMED = "(no model named)"
_SHOWN = 20
"""Most problems of which a difference is told."""


def rates_table(models: Models) -> Table:
    """Lay out pass@k by model and set of problems."""
    table = Table(title=f"of the newest {models.candidates} labelled candidates at most")
    ks = [one.k for one in models.models[0].pass_at] if models.models else []
    table.add_column("model", overflow="fold")
    table.add_column("problems of", overflow="fold")
    for name in ("problems", *(f"pass@{k}" for k in ks)):
        table.add_column(name, justify="right", no_wrap=True)
    for row in models.models:
        rates = map(_rate_with_interval, row.pass_at)
        table.add_row(row.model or _UNNAMED, row.problem_set, str(row.problems), *rates)
    return table


def lines_of(found: ModelComparison) -> Iterator[str]:
    """Say how two models differ."""
    rise = found.difference
    yield f"{counted(found.problems, 'problem')} that both have candidates for"
    yield f"  {found.before or _UNNAMED}  pass@1 {_rate(found.before_pass_at_1)}"
    yield f"  {found.after or _UNNAMED}  pass@1 {_rate(found.after_pass_at_1)}"
    yield (
        f"  difference {100 * rise.mean:+.1f} points, between {100 * rise.low:+.1f} and"
        f" {100 * rise.high:+.1f} (95 %)"
    )
    p = "" if found.mcnemar_p is None else f", McNemar's p {found.mcnemar_p:.3g}"
    yield f"  {counted(found.won, 'problem')} won, {found.lost} lost{p}"
    for one in found.changes[:_SHOWN]:
        (all_before, before), (all_after, after) = one.before, one.after
        yield f"  {one.slug}: {before} of {all_before} right, then {after} of {all_after}"
    if len(found.changes) > _SHOWN:
        yield f"  and {len(found.changes) - _SHOWN} more; --json has them"


def _rate_with_interval(one: PassAt) -> str:
    if one.mean is None or one.low is None or one.high is None:
        return "-"
    return f"{_rate(one.mean)} [{_rate(one.low)}, {_rate(one.high)}]"


def _rate(share: float) -> str:
    return f"{100 * share:.1f} %"
