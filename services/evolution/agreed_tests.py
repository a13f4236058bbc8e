"""Gives tasks tests that teachers' programs agree on, and makes problems of them."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from pydantic import Field

from executor import label
from infra.contracts.base import Author, Contract, Language, Outcome
from infra.contracts.problems import AssertTest, Limits, Problem
from infra.contracts.prompting import PromptForm, PromptStyle
from infra.prompting.wording import Described, Message, messages_of
from sampler.backends import Completion
from sampler.evolution.elimination import Reason
from sampler.evolution.operators import signature_of
from sampler.evolution.rounds import Eliminated, Task
from sampler.evolution.steps import ask_for_steps, says_steps
from sampler.evolution.teacher import Prompt, Teacher
from sampler.evolution.testing import Agreement, agree, ask_for_tests, read_tests
from sampler.extraction.program import extract
from services.decontamination import instructions
from services.decontamination.screen import Screen

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
    steps: bool = False
    """Whether programs are to say each of their steps in a comment."""


class Written(Contract):
    """A teacher's program for a problem, as `rrtf submit` and `rrtf train --teachers` read it."""

    task_id: str
    author: Author = Author.TEACHER
    model: str
    program: str
    finish_reason: str | None
    seed: int | None
    steps: bool
    """Whether it says its steps in comments, asked or not."""


class _Draft(NamedTuple):
    """A task with all that was written for it."""

    task: Task
    name: str
    programs: list[str]
    answers: list[Completion]
    """What the programs were taken out of."""
    tests: list[str]


class TestWriter:
    """Writes tests for tasks, and makes problems of those where programs agree."""

    def __init__(self, teacher: Teacher, screen: Screen, choices: Choices) -> None:
        self._teacher = teacher
        self._screen = screen
        self._choices = choices
        self.problems: list[Problem] = []
        self.candidates: list[Written] = []
        self.eliminated: list[Eliminated] = []
        self.tests_asked = 0
        self.execution_seconds = 0.0

    def write(self, tasks: Sequence[Task]) -> None:
        """Add the problems of some tasks, and what is left out.

        Raises:
            errors.SuiteError: teachers give no more, or the sandbox fails.
        """
        drafts = self._drafts(tasks)
        agreed: list[tuple[_Draft, Problem]] = []
        for draft, (passed, seconds) in zip(drafts, _execute(drafts), strict=True):
            self.execution_seconds += seconds
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
                (_ask_for_program(task, name, steps=choices.steps), choices.programs),
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


def _ask_for_program(task: Task, name: str, *, steps: bool) -> tuple[Message, ...]:
    messages = messages_of(_CHAT, Described(task.text, Language.PYTHON, name))
    return ask_for_steps(messages) if steps else messages


def _execute(drafts: Sequence[_Draft]) -> Iterator[tuple[list[frozenset[int]], float]]:
    """Run every program of a draft, and one that does nothing, against its tests.

    Yields the tests that each passes, and the seconds that all of them took.
    """
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
        passed = [
            frozenset(
                number
                for number, test in enumerate(row.verdict.tests if row.verdict else ())
                if test.outcome is Outcome.PASSED
            )
            for row in rows
        ]
        yield passed, sum(row.seconds for row in rows)


def _agree(draft: _Draft, passed: Sequence[frozenset[int]]) -> Agreement | None:
    if not passed:
        return None
    *by_program, hollow = passed
    return agree(draft.programs, [tests - hollow for tests in by_program])


def _problem(draft: _Draft, agreement: Agreement) -> Problem:
    task = draft.task
    says = [says_steps(program, draft.name) for program in draft.programs]
    # A program that says its steps, if there is one: others learn from it.
    reference = max(agreement.programs, key=lambda number: says[number])
    return Problem(
        slug=_slug(task),
        prompt=task.text + "\n",
        entry_point=draft.name,
        tests=tuple(AssertTest(source=draft.tests[number]) for number in agreement.tests),
        reference_program=draft.programs[reference],
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
            "programs_with_steps": sum(says),
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
                steps=says_steps(program, draft.name),
            )
            found.setdefault(program, written)
    return list(found.values())


def _slug(task: Task) -> str:
    return f"evolved/{task.id}"
