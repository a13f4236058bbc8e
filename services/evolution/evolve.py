"""Evolves seeds into problems with tests; `rrtf evolve` runs it.

Teachers write tasks, programs and tests; the executor runs every program against every test, and
the tests that programs agree on are kept. All answers lie in the ledger: a run that was stopped, by
a budget or otherwise, goes on where it was when it is started again with the same arguments.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from infra import errors
from infra.contracts.base import Contract
from infra.contracts.problems import Problem
from sampler.evolution.decontamination import DatasetReport
from sampler.evolution.elimination import Reason
from sampler.evolution.rounds import Eliminated, Evolution, RoundReport, Task
from sampler.evolution.teacher import Teacher
from sampler.servers.spending.totals import Spent
from services.decontamination.screen import Screen
from services.evolution.agreed_tests import Choices, TestWriter, Written

_CHUNK = 256
"""Tasks that are given tests at once."""


class Report(Contract):
    """What came of a run."""

    seeds: int
    tasks: int
    """Tasks kept, seeds and all rounds together."""
    problems: int
    """Of them, those with tests that programs agree on."""
    rounds: tuple[RoundReport, ...]
    eliminated: dict[Reason, int]
    contamination: tuple[DatasetReport, ...]
    tests_asked: int
    """Different tests that were written."""
    tests_kept: int
    programs: int = 0
    """Different ones of the teachers, for the problems."""
    programs_with_steps: int = 0
    """Of them, those that say their steps in comments."""
    spent: tuple[Spent, ...] = ()
    """What the teachers' answers have cost, also those that an earlier run has paid for."""
    execution_seconds: float = 0.0
    """That slots of this machine were held, to agree on tests; answers that are executed again when
    a run goes on are counted once more."""


class Result(NamedTuple):
    """Everything that a run made."""

    tasks: list[Task]
    problems: list[Problem]
    candidates: list[Written]
    """Every different program that the teachers wrote for the problems; where they were asked for
    steps, those that say them."""
    without_steps: list[Written]
    """The others, where they were asked for steps."""
    eliminated: list[Eliminated]
    report: Report


def run(
    teacher: Teacher,
    seeds: Sequence[str],
    screen: Screen,
    choices: Choices,
    tell: Callable[[str], None] = lambda _: None,
) -> Result:
    """Evolve, then write tests and keep what is agreed on.

    Raises:
        errors.SuiteError: teachers give no more (budget, refusal, away), or the sandbox fails.
    """
    evolution = Evolution(screen.texts, choices.most_words, choices.seed)
    started = evolution.begin(seeds)
    tell(f"{len(started)} of {len(seeds)} seeds taken")
    evolution.run(teacher, started, choices.rounds, lambda one: tell(_line(one)))
    evolved = [task for task in evolution.kept if task.round_number]
    writer = TestWriter(teacher, screen, choices)
    for start in range(0, len(evolved), _CHUNK):
        writer.write(evolved[start : start + _CHUNK])
        tell(f"tests: {len(writer.problems)} problems of {min(start + _CHUNK, len(evolved))} tasks")
    eliminated = evolution.eliminated + writer.eliminated
    with_steps = [one for one in writer.candidates if one.steps]
    without = [one for one in writer.candidates if not one.steps] if choices.steps else []
    counts: dict[Reason, int] = {}
    for one in eliminated:
        counts[one.reason] = counts.get(one.reason, 0) + 1
    report = Report(
        seeds=len(seeds),
        tasks=len(evolution.kept),
        problems=len(writer.problems),
        rounds=tuple(evolution.rounds),
        eliminated=counts,
        contamination=screen.report(one.hit for one in eliminated if one.hit),
        tests_asked=writer.tests_asked,
        tests_kept=sum(len(problem.tests) for problem in writer.problems),
        programs=len(writer.candidates),
        programs_with_steps=len(with_steps),
        spent=teacher.spent(),
        execution_seconds=round(writer.execution_seconds, 3),
    )
    candidates = with_steps if choices.steps else writer.candidates
    return Result(evolution.kept, writer.problems, candidates, without, eliminated, report)


def _line(report: RoundReport) -> str:
    why = ", ".join(f"{count} {reason}" for reason, count in report.eliminated.items())
    return f"round {report.round_number}: {report.kept} of {report.asked} kept" + (
        f" ({why})" if why else ""
    )


def write(result: Result, folder: Path) -> None:
    """Write tasks, problems, teachers' programs, what was left out, and the report into a folder.

    Raises:
        errors.InvalidInput: it cannot be written.
    """
    files: tuple[tuple[str, Iterable[Contract]], ...] = (
        ("tasks.jsonl", result.tasks),
        ("problems.jsonl", result.problems),
        ("candidates.jsonl", result.candidates),
        ("without_steps.jsonl", result.without_steps),
        ("eliminated.jsonl", result.eliminated),
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, rows in files:
            lines = (json.dumps(row.model_dump(mode="json")) + "\n" for row in rows)
            _replace(folder / name, "".join(lines))
        _replace(folder / "report.json", result.report.model_dump_json(indent=2) + "\n")
    except OSError as error:
        raise errors.InvalidInput(f"cannot write {folder}: {error}") from error


def _replace(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
