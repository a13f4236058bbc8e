"""What took the executors' time, as tables."""

from rich.table import Table

from infra.contracts.views.slow import SlowWork, Taken

_TAKEN = ("executions", "slot s", "CPU s", "hangs", "slot s of hangs")


def slow_tables(work: SlowWork) -> list[Table]:
    """Lay out problems, models and tests, those that hung most first."""
    problems = _table("problem", *_TAKEN, "CPU s a calibrated limit saves")
    problems.title = _summary(work)
    problems.title_justify = "left"
    for problem in work.problems:
        saved = "-" if problem.saved_seconds is None else f"{problem.saved_seconds:.1f}"
        problems.add_row(problem.problem, *_cells(problem), saved)
    models = _table("model", *_TAKEN)
    for model in work.models:
        models.add_row(model.model, *_cells(model))
    tests = _table("problem", "test", "hangs", "s", "CPU s")
    for test in work.tests:
        seconds = f"{test.wall_seconds:.1f}", f"{test.cpu_seconds:.1f}"
        tests.add_row(test.problem, test.test, str(test.hangs), *seconds)
    return [problems, models, tests]


def _table(*names: str) -> Table:
    table = Table()
    for name in names:
        table.add_column(name, justify="left" if name in ("problem", "model", "test") else "right")
    return table


def _cells(taken: Taken) -> tuple[str, ...]:
    return (
        str(taken.executions), f"{taken.slot_seconds:.1f}", f"{taken.cpu_seconds:.1f}",
        str(taken.hangs), f"{taken.hang_seconds:.1f}",
    )  # fmt: skip


def _summary(work: SlowWork) -> str:
    total = work.total
    share = total.hang_seconds / total.slot_seconds if total.slot_seconds else 0.0
    newest = "" if work.is_complete else "the newest "
    return (
        f"{newest}{total.executions} executions since {work.since:%Y-%m-%d %H:%M}:"
        f" {total.slot_seconds:.0f} s of slots, {share:.0%} of it for {total.hangs} that hang"
    )
