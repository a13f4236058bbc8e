"""Keeps problems of benchmarks out of training data: by their words, their behaviour, their sense.

`rrtf decontaminate` looks through a file, `rrtf import --against` and `rrtf evolve --against`
through what they are about to keep.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from infra import errors
from infra.contracts.base import Contract, Language
from infra.contracts.problems import Problem
from infra.records.record_files import BadLine
from sampler.evolution.decontamination import Benchmarks, DatasetReport, Hit, Known
from services.decontamination import embeddings, instructions
from services.decontamination.behaviour import Behaviours, Subject
from services.decontamination.instructions import Record
from services.known import Named


class Finding(Contract):
    """A record that holds problems of benchmarks."""

    line: int
    name: str
    hits: tuple[Hit, ...]


class Screen:
    """Benchmarks, and every way to find their problems."""

    def __init__(self, model: Path | None = None) -> None:
        """Make an empty one.

        Args:
            model: Folder of a model of embeddings; without one none are compared.
        """
        self.texts = Benchmarks()
        self._behaviours = Behaviours()
        self._testable: dict[str, int] = {}
        self._model = model
        self._told: list[tuple[str, Known]] = []

    @staticmethod
    def of(benchmarks: Sequence[Named], model: Path | None = None) -> "Screen":
        """Read benchmarks.

        Raises:
            errors.InvalidInput: a file cannot be read, or a line of it says nothing.
        """
        screen = Screen(model)
        for one in benchmarks:
            records = []
            for record in instructions.read(one.path):
                if isinstance(record, BadLine):
                    raise errors.InvalidInput(f"{one.path}, line {record.number}: {record.reason}")
                records.append(record)
            screen.add(one.name, records)
        return screen

    def add(self, dataset: str, records: Iterable[Record]) -> None:
        """Add a benchmark under a name; what is no problem with tests is found by its words."""
        problems: list[Problem] = []
        for record in records:
            known = _known(record)
            self.texts.add(dataset, [known])
            self._told.append((dataset, known))
            if record.problem is not None and record.problem.language is Language.PYTHON:
                problems.append(record.problem)
        count = self._behaviours.add(dataset, problems)
        self._testable[dataset] = self._testable.get(dataset, 0) + count

    def find(self, records: Sequence[Record]) -> list[tuple[Hit, ...]]:
        """Return for each record the problems that it holds; it is tried until a way finds any.

        Raises:
            errors.ImageMissing: packages of a record or a benchmark have not been built here.
            errors.SandboxError: the sandbox cannot be opened.
            errors.Unavailable: the model of embeddings failed.
        """
        hits: list[tuple[Hit, ...]] = [
            (hit,) if (hit := self.texts.find(record.text)) else () for record in records
        ]
        left = [number for number, found in enumerate(hits) if not found]
        subjects = [_subject(records[number]) for number in left]
        for number, found in zip(left, self._behaviours.find(subjects), strict=True):
            hits[number] = tuple(found)
        left = [number for number in left if not hits[number]]
        if self._model is not None and left and self._told:
            texts = [records[number].task for number in left]
            nearest = embeddings.find(self._model, self._told, texts)
            for number, hit in zip(left, nearest, strict=True):
                hits[number] = (hit,) if hit else ()
        return hits

    def report(self, hits: Iterable[Hit]) -> tuple[DatasetReport, ...]:
        """Sum up what was found."""
        return self.texts.report(list(hits), self._testable)


def _known(record: Record) -> Known:
    return Known(record.name, record.task, next(iter(record.programs), ""))


def _subject(record: Record) -> Subject:
    problem = record.problem
    if problem is None:
        return Subject(record.programs)
    if problem.language is not Language.PYTHON:
        return Subject(())
    return Subject.of(problem, record.programs)
