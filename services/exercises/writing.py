"""Programs for exercises, as authors of different care write them."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from services.exercises.exercise import Exercise, Step
from services.exercises.operations import Kind, Way


@dataclass(frozen=True)
class Writer:
    """An author's habits."""

    name: str
    care: float
    """Share of the corpus's wrong ways that this author avoids, where it is not blind."""
    blind: Mapping[str, float] = field(default_factory=dict)
    """Chance of a wrong way, by operation, instead of the share in the corpus."""
    slips: float = 0.0
    """Chance that a program has a fault that has nothing to do with its operations."""

    def write(self, exercise: Exercise, rng: random.Random, *, steps: bool = False) -> str:
        """Write a program for an exercise, right or wrong; with a comment above each of its steps.

        Comments change nothing else: the same random numbers give the same program.
        """
        ways = [self._way(step, rng) for step in exercise.steps]
        text = program(exercise, ways)
        text = rng.choice(_SLIPS)(text, rng) if rng.random() < self.slips else text
        return _say_steps(text, exercise, ways) if steps else text

    def _way(self, step: Step, rng: random.Random) -> Way:
        right, wrong = step.operation.right, step.operation.wrong
        share = sum(way.share for way in wrong)
        chance = self.blind.get(step.operation.name, share * (1.0 - self.care))
        ways = wrong if wrong and rng.random() < chance else right
        return rng.choices(ways, [way.share for way in ways])[0]


CROWD = Writer("crowd", care=0.0, slips=0.07)
"""Whoever wrote the corpus: each mistake as often as the operation says."""
TEACHERS = (
    Writer(
        "teacher-a",
        care=0.85,
        blind={
            "between": 0.8,
            "quotient": 0.9,
            "average": 0.9,
            "capital": 0.9,
            "longest": 0.8,
            "starts_any_case": 0.8,
            "words_nth": 0.9,
            "numbers_reverse": 0.7,
        },
    ),
    Writer(
        "teacher-b",
        care=0.8,
        blind={
            "at_least": 0.8,
            "last_digit": 0.9,
            "numbers_distinct": 0.9,
            "vowels": 0.9,
            "largest": 0.8,
            "initials": 0.8,
            "numbers_nth": 0.9,
            "words_distinct": 0.8,
        },
    ),
)
"""Mostly right, each with blind spots of its own."""


def program(exercise: Exercise, ways: Sequence[Way]) -> str:
    """Write the program that does each step in the given way."""
    modules = sorted({way.module for way in ways if way.module})
    lines = [f"import {module}" for module in modules]
    lines += ["", ""] if modules else []
    lines.append(f"def {exercise.name}({exercise.takes}):")
    lines += [_line(step, way) for step, way in zip(exercise.steps, ways, strict=True)]
    return "\n".join(lines) + "\n"


def _line(step: Step, way: Way) -> str:
    gives = step.operation.gives
    target = "return " if gives is Kind.RESULT else f"{gives} = "
    return f"    {target}{step.fill(way.code)}"


def _say_steps(text: str, exercise: Exercise, ways: Sequence[Way]) -> str:
    """Write what each step is to do above its line; a line that a slip has changed has none."""
    said: dict[str, list[str]] = {}
    for step, way in zip(exercise.steps, ways, strict=True):
        order = step.fill(step.phrase)
        said.setdefault(_line(step, way), []).append(f"    # {order[0].upper()}{order[1:]}.")
    lines = []
    for line in text.splitlines():
        if said.get(line):
            lines.append(said[line].pop(0))
        lines.append(line)
    return "\n".join(lines) + "\n"


def right_program(exercise: Exercise) -> str:
    """Return the first of the right programs."""
    return program(exercise, [step.operation.right[0] for step in exercise.steps])


def wrong_programs(exercise: Exercise) -> list[str]:
    """Return every program with one step done in one wrong way, left out, or twice over."""
    best = [step.operation.right[0] for step in exercise.steps]
    found = []
    for position, step in enumerate(exercise.steps):
        for way in step.operation.wrong:
            found.append(program(exercise, [*best[:position], way, *best[position + 1 :]]))
        if step.operation.takes is step.operation.gives:
            shorter = Exercise(exercise.steps[:position] + exercise.steps[position + 1 :])
            found.append(program(shorter, best[:position] + best[position + 1 :]))
    return found


def _without_colon(text: str, rng: random.Random) -> str:
    del rng
    return text.replace("):\n", ")\n", 1)


def _without_bracket(text: str, rng: random.Random) -> str:
    closing = [position for position, letter in enumerate(text) if letter in ")]"][1:]
    if not closing:
        return _without_colon(text, rng)
    position = rng.choice(closing)
    return text[:position] + text[position + 1 :]


def _unknown_name(text: str, rng: random.Random) -> str:
    head, _, body = text.partition(":\n")
    names = [name for name in ("numbers", "words", "text") if name in body]
    if not names:
        return _without_colon(text, rng)
    parts = body.split(name := rng.choice(names))
    position = rng.randrange(1, len(parts))
    joined = name.join(parts[:position]) + "result" + name.join(parts[position:])
    return f"{head}:\n{joined}"


def _without_line(text: str, rng: random.Random) -> str:
    head, *body = text.splitlines(keepends=True)
    del body[rng.randrange(len(body))]
    return head + "".join(body)


_SLIPS: tuple[Callable[[str, random.Random], str], ...] = (
    _without_colon,
    _without_bracket,
    _unknown_name,
    _without_line,
)
