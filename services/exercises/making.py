"""From exercises to problems whose tests tell the wrong programs from the right one."""

import hashlib
import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

from infra.contracts.base import Author, Contract
from infra.contracts.problems import CallTest, Limits, Problem, ValueComparator
from services.exercises.exercise import Exercise, Split, draw_from
from services.exercises.inputs import arguments
from services.exercises.writing import CROWD, TEACHERS, right_program, wrong_programs

_TRIED_ARGUMENTS = 60
_TESTS = 8
_DISTINCT_ANSWERS = 4
"""Fewest different answers among the tests; fewer, and a constant passes too much."""


class Answer(NamedTuple):
    """What a program returned, or the name of what it raised."""

    value: object
    error: str = ""


class TeacherProgram(Contract):
    """A teacher's program for a problem, as `rrtf submit` takes it."""

    task_id: str
    author: Author = Author.TEACHER
    model: str
    program: str


def problems(split: Split, seed: int, count: int) -> Iterator[tuple[Exercise, Problem]]:
    """Make different problems of one split; the same seed gives the same ones.

    An exercise of which a step could be left out unnoticed asks for nothing, and is passed over.
    """
    rng = random.Random(f"{split} {seed}")
    seen: set[str] = set()
    while len(seen) < count:
        exercise = draw_from(split, rng)
        if exercise.key in seen:
            continue
        problem = to_problem(exercise)
        if problem is not None:
            seen.add(exercise.key)
            yield exercise, problem


def corpus(seed: int, count: int) -> Iterator[tuple[str, str]]:
    """Write prompts with programs as a careless crowd writes them; about two in three are wrong."""
    rng = random.Random(f"{Split.CORPUS} {seed}")
    for _ in range(count):
        exercise = draw_from(Split.CORPUS, rng)
        yield exercise.prompt, CROWD.write(exercise, rng)


def teacher_programs(
    exercise: Exercise, slug: str, seed: int, *, steps: bool = False
) -> list[TeacherProgram]:
    """Return one program of each teacher, with a comment above each step if so wanted."""
    rng = random.Random(f"teachers {seed} {exercise.key}")
    return [
        TeacherProgram(
            task_id=slug, model=teacher.name, program=teacher.write(exercise, rng, steps=steps)
        )
        for teacher in TEACHERS
    ]


def slug_of(exercise: Exercise) -> str:
    """Name the problem of an exercise, the same in every run."""
    digest = hashlib.sha256(exercise.key.encode()).hexdigest()[:12]
    return f"exercises/{exercise.split}/{digest}"


def to_problem(exercise: Exercise) -> Problem | None:
    """Choose tests for an exercise, or return None if no tests can judge it.

    Each wrong program that differs from the right one on any of the arguments tried differs from
    it on a test.
    """
    rng = random.Random(exercise.key)
    tried = arguments(exercise, rng, _TRIED_ARGUMENTS)
    right = right_program(exercise)
    expected = answers(right, exercise.name, tried)
    if any(answer.error for answer in expected):
        return None
    failing = [
        _differing(answers(wrong, exercise.name, tried), expected)
        for wrong in wrong_programs(exercise)
    ]
    for position, step in enumerate(exercise.steps):
        shorter = Exercise(exercise.steps[:position] + exercise.steps[position + 1 :])
        if step.operation.takes is step.operation.gives and not _differing(
            answers(right_program(shorter), exercise.name, tried), expected
        ):
            return None
    chosen = _cover(failing, [repr(answer.value) for answer in expected])
    if len({repr(expected[number].value) for number in chosen}) < _DISTINCT_ANSWERS:
        return None
    return Problem(
        slug=slug_of(exercise),
        prompt=exercise.prompt,
        entry_point=exercise.name,
        tests=tuple(
            CallTest.model_validate(
                {
                    "kind": "call",
                    "args": [tried[number]],
                    "expected": expected[number].value,
                    "comparator": ValueComparator.EQUAL,
                }
            )
            for number in chosen
        ),
        limits=Limits(cpu_seconds=1.0),
        reference_program=right,
        metadata={"source": "exercises", "steps": exercise.key},
    )


def _differing(got: list[Answer], expected: list[Answer]) -> set[int]:
    pairs = enumerate(zip(got, expected, strict=True))
    return {n for n, (a, b) in pairs if a.error != b.error or a.value != b.value}


def _cover(failing: list[set[int]], answers_seen: list[str]) -> list[int]:
    """Choose arguments until every wrong program fails at one, then the most different answers."""
    chosen = [0]  # The empty argument is an edge of every exercise.
    left = [numbers for numbers in failing if numbers and 0 not in numbers]
    while left:
        counts = {n: sum(n in numbers for numbers in left) for numbers in left for n in numbers}
        best = max(counts, key=lambda n: (counts[n], -n))
        chosen.append(best)
        left = [numbers for numbers in left if best not in numbers]
    for number, answer in enumerate(answers_seen):
        if len(chosen) >= _TESTS:
            break
        if number not in chosen and answer not in [answers_seen[n] for n in chosen]:
            chosen.append(number)
    return sorted(chosen)


def answers(program: str, name: str, tried: list[object]) -> list[Answer]:
    """Run one of our own programs, in this process, on some arguments."""
    scope: dict[str, Callable[[object], object]] = {}
    exec(compile(program, "exercise", "exec"), scope)  # noqa: S102 - written by this package
    found = []
    for argument in tried:
        # An operation may change its argument in place.
        copy = list(argument) if isinstance(argument, list) else argument
        try:
            value = scope[name](copy)
            found.append(Answer(value if _is_plain(value) else repr(type(value))))
        except Exception as error:  # Whatever a wrong program raises is its answer.
            found.append(Answer(None, type(error).__name__))
    return found


def _is_plain(value: object) -> bool:
    if isinstance(value, list):
        return all(_is_plain(item) for item in value)
    return value is None or isinstance(value, bool | int | float | str)
