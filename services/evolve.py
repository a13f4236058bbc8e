"""Evolves seeds into problems with tests; `rrtf evolve` runs it.

Teachers write tasks, programs and tests; the executor runs every program against every test, and
the tests that programs agree on are kept. All answers lie in the ledger: a run that was stopped, by
a budget or otherwise, goes on where it was when it is started again with the same arguments.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import Field

from executor import label
from infra import errors
from infra.contracts.base import Author, Contract, Language, Outcome
from infra.contracts.problems import AssertTest, Limits, Problem
from infra.contracts.prompting import PromptForm, PromptStyle
from infra.prompting.wording import Described, messages_of
from sampler.backends import Completion
from sampler.evolution.decontamination import DatasetReport
from sampler.evolution.elimination import Reason
from sampler.evolution.operators import signature_of
from sampler.evolution.rounds import Eliminated, Evolution, RoundReport, Task
from sampler.evolution.teacher import Prompt, Teacher
from sampler.evolution.testing import Agreement, agree, ask_for_tests, read_tests
from sampler.extraction import extract
from services import instructions
from services.decontamination import Screen

_CHUNK = 64
"""Tasks that are given tests at once."""
_MAX_TOKENS = 2048
_CHAT = PromptForm(style=PromptStyle.INSTRUCT)
_HOLLOW = "def {name}(*args, **kwargs):\n    return None\n"
"""A program that does nothing; a test it passes tests nothing."""


class Choices(Contract):
    """How a run is to go."""

    rounds: int = Field(3, ge=0, le=20)
    most_words: int = Field(250, ge=10, le=5000)
    """Longest task."""
    programs: int = Field(6, ge=2, le=64)
    """Programs that a teacher writes for one task, to agree on its tests."""
    test_answers: int = Field(3, ge=1, le=32)
    """Times a teacher is asked for tests of one task."""
    tests_per_answer: int = Field(8, ge=1, le=50)
    fewest_tests: int = Field(3, ge=1)
    """Tests that must be agreed on, or the task is left out."""
    temperature: float = Field(0.8, ge=0, le=2)
    """Of programs and tests; tasks are written at 1."""
    seed: int = Field(0, ge=-(2**62), lt=2**62)


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


class Written(Contract):
    """A teacher's program for a problem, as `rrtf submit` and `rrtf train --teachers` read it."""

    task_id: str
    author: Author = Author.TEACHER
    model: str
    program: str
    finish_reason: str | None
    seed: int | None


class Result(NamedTuple):
    """Everything that a run made."""

    tasks: list[Task]
    problems: list[Problem]
    candidates: list[Written]
    """Every different program that the teachers wrote for the problems."""
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
    writer = _TestWriter(teacher, screen, choices)
    for start in range(0, len(evolved), _CHUNK):
        writer.write(evolved[start : start + _CHUNK])
        tell(f"tests: {len(writer.problems)} problems of {min(start + _CHUNK, len(evolved))} tasks")
    eliminated = evolution.eliminated + writer.eliminated
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
    )
    return Result(evolution.kept, writer.problems, writer.candidates, eliminated, report)


def _line(report: RoundReport) -> str:
    why = ", ".join(f"{count} {reason}" for reason, count in report.eliminated.items())
    return f"round {report.round_number}: {report.kept} of {report.asked} kept" + (
        f" ({why})" if why else ""
    )


class _Draft(NamedTuple):
    """A task with all that was written for it."""

    task: Task
    name: str
    programs: list[str]
    answers: list[Completion]
    """What the programs were taken out of."""
    tests: list[str]


class _TestWriter:
    """Writes tests for tasks, and makes problems of those where programs agree."""

    def __init__(self, teacher: Teacher, screen: Screen, choices: Choices) -> None:
        self._teacher = teacher
        self._screen = screen
        self._choices = choices
        self.problems: list[Problem] = []
        self.candidates: list[Written] = []
        self.eliminated: list[Eliminated] = []
        self.tests_asked = 0

    def write(self, tasks: Sequence[Task]) -> None:
        drafts = self._drafts(tasks)
        agreed: list[tuple[_Draft, Problem]] = []
        for draft, passed in zip(drafts, _execute(drafts), strict=True):
            self.tests_asked += len(draft.tests)
            agreement = _agree(draft, passed)
            if agreement is None or len(agreement.tests) < self._choices.fewest_tests:
                self.eliminated.append(Eliminated(task=draft.task, reason=Reason.NO_AGREEMENT))
            else:
                agreed.append((draft, _problem(draft, agreement)))
        records = [instructions.of_problem(0, problem) for _, problem in agreed]
        for (draft, problem), hits in zip(agreed, self._screen.find(records), strict=True):
            if hits:
                left_out = Eliminated(task=draft.task, reason=Reason.CONTAMINATED, hit=hits[0])
                self.eliminated.append(left_out)
            else:
                self.problems.append(problem)
                self.candidates += _written(draft)

    def _drafts(self, tasks: Sequence[Task]) -> list[_Draft]:
        choices = self._choices
        names = [signature_of(task.text) or "" for task in tasks]
        asked = [
            Prompt(messages, number, choices.temperature, _MAX_TOKENS, choices.seed)
            for task, name in zip(tasks, names, strict=True)
            for messages, number in (
                (messages_of(_CHAT, Described(task.text, Language.PYTHON, name)), choices.programs),
                (ask_for_tests(task.text, name, choices.tests_per_answer), choices.test_answers),
            )
        ]
        answers = self._teacher.ask(asked)
        drafts = []
        for task, name, programs, tests in zip(
            tasks, names, answers[::2], answers[1::2], strict=True
        ):
            if programs is None or tests is None:
                self.eliminated.append(Eliminated(task=task, reason=Reason.REFUSED_BY_SERVER))
                continue
            most = choices.tests_per_answer
            found = [test for one in tests for test in read_tests(one.text, name, most)]
            extracted = [
                extract(task.text, one.text, name, cut_off=one.finish_reason == "length").program
                for one in programs
            ]
            drafts.append(_Draft(task, name, extracted, programs, list(dict.fromkeys(found))))
        return drafts


def _execute(drafts: Sequence[_Draft]) -> Iterator[list[frozenset[int]]]:
    """Run every program of a draft, and one that does nothing, against its tests."""
    testable = [draft for draft in drafts if draft.tests]
    problems = [
        Problem(
            slug=_slug(draft.task),
            prompt=draft.task.text,
            entry_point=draft.name,
            tests=tuple(AssertTest(source=test) for test in draft.tests),
            limits=Limits(total_cpu_seconds=20.0),
        )
        for draft in testable
    ]
    records = [
        {"task_id": _slug(draft.task), "program": program}
        for draft in testable
        for program in (*draft.programs, _HOLLOW.format(name=draft.name))
    ]
    labelled = label(problems, records) if records else iter(())
    for draft in drafts:
        rows = [next(labelled) for _ in range(len(draft.programs) + 1)] if draft.tests else []
        yield [
            frozenset(
                number
                for number, test in enumerate(row.verdict.tests if row.verdict else ())
                if test.outcome is Outcome.PASSED
            )
            for row in rows
        ]


def _agree(draft: _Draft, passed: Sequence[frozenset[int]]) -> Agreement | None:
    if not passed:
        return None
    *by_program, hollow = passed
    return agree(draft.programs, [tests - hollow for tests in by_program])


def _problem(draft: _Draft, agreement: Agreement) -> Problem:
    task = draft.task
    return Problem(
        slug=_slug(task),
        prompt=task.text + "\n",
        entry_point=draft.name,
        tests=tuple(AssertTest(source=draft.tests[number]) for number in agreement.tests),
        reference_program=draft.programs[agreement.programs[0]],
        metadata={
            "source": "evolved",
            "tests": "generated",
            "teacher": task.model,
            "seed": task.seed,
            "parent": task.parent,
            "operator": task.operator,
            "round": task.round_number,
            "agreement": {
                "programs": len(agreement.programs),
                "different_programs": agreement.num_different,
                "of_programs": len(draft.programs),
                "tests": len(agreement.tests),
                "of_tests": len(draft.tests),
            },
        },
    )


def _written(draft: _Draft) -> list[Written]:
    """Return the different programs of a draft, the first of each kind."""
    found: dict[str, Written] = {}
    for program, answer in zip(draft.programs, draft.answers, strict=True):
        if program.strip():
            written = Written(
                task_id=_slug(draft.task),
                model=answer.model,
                program=program,
                finish_reason=answer.finish_reason,
                seed=answer.seed,
            )
            found.setdefault(program, written)
    return list(found.values())


def _slug(task: Task) -> str:
    return f"evolved/{task.id}"


def write(result: Result, folder: Path) -> None:
    """Write tasks, problems, teachers' programs, what was left out, and the report into a folder.

    Raises:
        errors.InvalidInput: it cannot be written.
    """
    files: tuple[tuple[str, Iterable[Contract]], ...] = (
        ("tasks.jsonl", result.tasks),
        ("problems.jsonl", result.problems),
        ("candidates.jsonl", result.candidates),
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
