"""`rrtf evaluate` and `rrtf compare`: what is asked in, what is shown out."""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.table import Table

from infra import errors
from infra.contracts.views.api import CheckpointView
from infra.printable import counted
from services.cli.console import PlainConsole
from services.cli.terminal import open_client, say
from services.evaluation import plan, running, tables, writing
from services.evaluation.comparing import Change, Comparison
from services.evaluation.following import Following
from services.evaluation.programs import given
from services.evaluation.programs.policies import checkpoints_of
from services.evaluation.results import Evaluation
from services.known import named

_LOOK_SECONDS: Final = 5.0
"""Between two looks for a checkpoint that is due."""
_LINE_SECONDS: Final = 30.0
"""Between two lines about progress, where there is no terminal."""


def table_of(
    file: Path | None,
    models: Mapping[str, Sequence[str]],
    problems: Sequence[str],
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """Make the table of a plan: what its file says, and what options say beside it.

    Args:
        file: A plan.
        models: What was given as `model`, `endpoint`, `policy`, `candidates` and `verdicts`.
        problems: Benchmarks.
        options: Everything else of a plan.

    Raises:
        errors.InvalidInput: the file cannot be read, or something is named twice.
    """
    table = plan.read(file) if file else {}
    table |= {key: value for key, value in options.items() if value not in (None, [])}
    rows = [
        *(("models", *_named(text, "model")) for text in models["model"]),
        *(("models", *_versioned(text, "endpoint")) for text in models["endpoint"]),
        *(("models", *_versioned(text, "policy")) for text in models["policy"]),
        *(("models", *row) for text in models["candidates"] for row in _candidates(text)),
        *(("models", *_named(text, "verdicts")) for text in models["verdicts"]),
        *(("benchmarks", *_benchmark(text)) for text in problems),
    ]
    for kind, name, row in rows:
        if name in table.setdefault(kind, {}):
            raise errors.InvalidInput(f"two {kind} are called {name!r}; say NAME={row}")
        table[kind][name] = row
    return table


def run(
    table: dict[str, Any], out: Path, slots: int | None, threads: int
) -> tuple[Evaluation, Sequence[int]]:
    """Run a plan, and write what was found; return it with the k of pass@k.

    Raises:
        errors.SuiteError: a file, a model or the sandbox is not as it must be.
    """
    if not table.get("models"):
        raise errors.InvalidInput(
            "no model is named: --model, --endpoint, --policy, --candidates, --verdicts or --plan"
        )
    wanted = plan.made(table)
    with _shown() as progress:
        checkpoints = checkpoints_of(wanted, open_client)
        running.Run(wanted, out, slots, threads, progress, checkpoints).run()
    return writing.write(out, wanted.k), wanted.k


def follow(
    policy: str,
    table: dict[str, Any],
    out: Path,
    every: int,
    until: int | None,
    slots: int | None,
    threads: int,
) -> None:
    """Evaluate the checkpoints of a policy as they come, until one of a version is done.

    Raises:
        errors.SuiteError: a file, the suite or the sandbox is not as it must be.
    """

    def evaluate(wanted: plan.Plan, checkpoints: Mapping[str, CheckpointView]) -> Evaluation:
        with _shown() as progress:
            running.Run(wanted, out, slots, threads, progress, checkpoints).run()
        return writing.write(out, wanted.k)

    with open_client() as client:
        following = Following(client, policy, table, every, evaluate)
        done = 0
        while until is None or done < until:
            found = following.step()
            if found is None:
                time.sleep(_LOOK_SECONDS)
                done = following.last()
                continue
            done = found.version
            rates = ", ".join(f"{name} {rate.mean:.1%}" for name, rate in found.rates.items())
            best = ", the best so far" if found.is_best else ""
            say(f"{policy} version {found.version}: {rates}{best}")


def printed(evaluation: Evaluation, ks: Sequence[int]) -> Iterator[Table]:
    """Return the tables that a terminal shows."""
    yield rich_table("pass@1", tables.overview(evaluation))
    for benchmark in evaluation.items:
        yield rich_table(benchmark, tables.rates(evaluation, benchmark, sorted(set(ks))))


def lines_of(found: Comparison) -> Iterator[str]:
    """Say how two models differ on a benchmark."""
    before, after = found.settings
    how = before if before == after else f"{before} and {after}"
    yield f"{found.benchmark}, {how}: {counted(found.problems, 'problem')}"
    yield f"  before      {found.before}"
    yield f"  after       {found.after}"
    yield f"  difference  {tables.points(found.difference)} points"
    p = "" if found.p is None else f", McNemar's p {found.p:.3g}"
    yield f"  {counted(found.won, 'problem')} won, {found.lost} lost{p}"
    for change in found.changes:
        yield f"  {_line(change)}"


def _line(change: Change) -> str:
    sign = "+" if change.after > change.before else "-"
    if change.labels is None:
        return f"{sign} {change.slug}: {change.before:.0%} -> {change.after:.0%} right"
    said = f"{sign} {change.slug}: {change.labels[0]} -> {change.labels[1]}"
    for word, failed in (("fail", change.newly_failed), ("pass", change.newly_passed)):
        if failed:
            shown = ", ".join(map(str, failed[:10])) + (", ..." if len(failed) > 10 else "")
            said += f"; now {word} tests {shown}"
    return said


def _named(text: str, field: str) -> tuple[str, dict[str, Any]]:
    name, what = plan.named(text)
    return name, {field: what}


def _benchmark(text: str) -> tuple[str, dict[str, Any]]:
    if Path(plan.named(text)[1]).exists():
        return _named(text, "problems")
    name, path = named(text)
    return name, {"problems": path}


def _versioned(text: str, field: str) -> tuple[str, dict[str, Any]]:
    """Part NAME=WHAT@VERSION, of which only WHAT must be given."""
    name, _, given = text.rpartition("=")
    what, at, version = given.rpartition("@")
    if not at or not version.isdecimal():
        return name or given, {field: given}
    return name or given, {field: what, "version": int(version)}


def _candidates(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return the models of a file: the one that is named, or those that it names."""
    name, path = plan.named(text)
    of = [] if text == f"{name}={path}" else given.models_in(Path(path))
    if not of:
        yield name, {"candidates": path}
    for model in of:
        yield plan.named(model)[0], {"candidates": path, "only": model}


def rich_table(title: str, table: tables.Table) -> Table:
    """Return a table as a terminal shows it."""
    made = Table(title=title)
    for column in table.head:
        made.add_column(column)
    for row in table.rows:
        made.add_row(*row)
    return made


@contextmanager
def _shown() -> Iterator[running.Progress]:
    """Show how far a run is and how long it will take: a bar, or now and then a line."""
    if not sys.stderr.isatty():
        yield _Lines()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(
        *columns, TimeRemainingColumn(), console=PlainConsole(stderr=True), transient=True
    ) as bar:
        shown = bar.add_task("reading", total=None)
        yield lambda what, done, total: bar.update(
            shown, description=what, completed=done, total=total
        )


class _Lines:
    """Says in a line how far a run is, every half a minute."""

    def __init__(self) -> None:
        self._first: tuple[float, int] | None = None
        self._said = 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        self._first = self._first or (now, done)
        if now - self._said < _LINE_SECONDS:
            return
        self._said = now
        began, before = self._first
        left = (now - began) / (done - before) * (total - done) if done > before else None
        rest = "" if left is None else f", about {left / 60:.0f} min left"
        say(f"{what}: {done} of {total} steps{rest}", err=True)
