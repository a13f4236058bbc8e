"""Exercises: short chains of operations, drawn by a seed and split by what they ask."""

import hashlib
import json
import random
from dataclasses import dataclass
from enum import StrEnum

from services.exercises import on_numbers, on_words
from services.exercises.operations import Kind, Operation, Parameters, values


class Split(StrEnum):
    """What an exercise is for; each belongs to one split, by a hash of its operations."""

    CORPUS = "corpus"
    """Text that the student is first trained on."""
    TRAINING = "training"
    """Problems that are sampled, executed and ranked."""
    HELD_OUT = "held_out"
    """Problems that only evaluation sees."""


@dataclass(frozen=True)
class Step:
    """One operation with its parameters and the wording chosen for it."""

    operation: Operation
    parameters: Parameters
    phrase: str

    def fill(self, template: str) -> str:
        """Fill a template of this step's operation."""
        return values(template, self.parameters, self.operation.takes)


@dataclass(frozen=True)
class Exercise:
    """A function to write: what it takes, and what it does step by step."""

    steps: tuple[Step, ...]

    @property
    def takes(self) -> Kind:
        """Kind of the only argument."""
        return self.steps[0].operation.takes

    @property
    def name(self) -> str:
        """Name of the function, after what it returns."""
        return self.steps[-1].operation.title

    @property
    def key(self) -> str:
        """What is asked, whatever the wording: two exercises of equal key are the same one."""
        return json.dumps([[step.operation.name, *step.parameters] for step in self.steps])

    @property
    def split(self) -> Split:
        """The split it belongs to: a tenth is held out, a fifth is for training."""
        share = hashlib.sha256(self.key.encode()).digest()[0] / 256
        if share < 0.1:
            return Split.HELD_OUT
        return Split.TRAINING if share < 0.3 else Split.CORPUS

    @property
    def prompt(self) -> str:
        """Signature and docstring."""
        orders = [step.fill(step.phrase) for step in self.steps]
        comma = "," if len(orders) > 2 else ""
        sentence = ", ".join(orders[:-1]) + f"{comma} and {orders[-1]}."
        head = f"def {self.name}({self.takes}: {self.takes.annotation})"
        returns = self.steps[-1].operation.returns
        return f'{head} -> {returns}:\n    """{sentence[0].upper()}{sentence[1:]}"""\n'


_FIRSTS: dict[Kind, tuple[Operation, ...]] = {Kind.TEXT: on_words.FIRSTS}
_MIDDLES: dict[Kind, tuple[tuple[Operation, ...], ...]] = {
    Kind.NUMBERS: (
        on_numbers.FILTERS,
        on_numbers.FILTERS,
        on_numbers.MAPS,
        on_numbers.MAPS,
        on_numbers.CHANGES,
        on_words.arrangements(Kind.NUMBERS),
    ),
    Kind.WORDS: (
        on_words.FILTERS,
        on_words.FILTERS,
        on_words.MAPS,
        on_words.MAPS,
        on_words.arrangements(Kind.WORDS),
    ),
}
_LASTS = {Kind.NUMBERS: on_numbers.LASTS, Kind.WORDS: on_words.LASTS}
_STARTS = ((Kind.NUMBERS, 0.5), (Kind.WORDS, 0.3), (Kind.TEXT, 0.2))
_LENGTHS = ((1, 0.35), (2, 0.45), (3, 0.2))
"""How many operations stand between the first and the last."""


def draw(rng: random.Random) -> Exercise:
    """Draw an exercise of any split."""
    kind = rng.choices([k for k, _ in _STARTS], [share for _, share in _STARTS])[0]
    chosen: list[Operation] = []
    if kind in _FIRSTS:
        chosen.append(rng.choice(_FIRSTS[kind]))
        kind = chosen[-1].gives
    for _ in range(rng.choices([n for n, _ in _LENGTHS], [share for _, share in _LENGTHS])[0]):
        family = rng.choice(_MIDDLES[kind])
        operation = rng.choice([item for item in family if item not in chosen] or family)
        chosen.append(operation)
        kind = operation.gives
    chosen.append(rng.choice(_LASTS[kind]))
    return Exercise(tuple(_step(operation, rng) for operation in chosen))


def _step(operation: Operation, rng: random.Random) -> Step:
    return Step(operation, rng.choice(operation.parameters), rng.choice(operation.phrases))


def draw_from(split: Split, rng: random.Random) -> Exercise:
    """Draw an exercise of one split."""
    while True:
        exercise = draw(rng)
        if exercise.split is split:
            return exercise


def operations() -> list[Operation]:
    """Return every operation there is."""
    found = list(on_words.FIRSTS)
    for families in _MIDDLES.values():
        found += [operation for family in families for operation in family]
    found += [operation for family in _LASTS.values() for operation in family]
    return list({operation.name: operation for operation in found}.values())
