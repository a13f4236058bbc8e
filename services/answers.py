"""Candidates that are still in a model's answer: the program is taken out of the text."""

from collections.abc import Mapping
from typing import Any, Protocol

from infra.composing import Asked
from infra.contracts.base import Language
from infra.contracts.candidates import NewCandidate
from infra.contracts.problems import Problem
from infra.records import importers
from infra.records.importers import CandidateRecord
from infra.records.samples import Written


class Posed(Asked, Protocol):
    """A problem, as far as taking a program out of an answer to it needs it."""

    @property
    def entry_point(self) -> str | None:
        """The function that is asked for, if one is."""

    @property
    def language(self) -> Language:
        """What it is to be written in."""


def complete(record: CandidateRecord, problem: Posed) -> NewCandidate:
    """Return a candidate with its whole program, however it was written.

    Raises:
        errors.InvalidInput: with the prompt it is longer than a program may be.
    """
    if record.written is not Written.ANSWER:
        return importers.complete(record, problem)
    program = _program(problem, record.candidate.program)
    return record.candidate.model_copy(update={"program": program})


def opened(record: Mapping[str, Any], problems: Mapping[str, Problem]) -> Mapping[str, Any]:
    """Return a candidate's record with the program in the place of the answer that it is in.

    One whose problem is not known stays as it is.
    """
    answer = record.get(Written.ANSWER)
    problem = problems.get(importers.slug_of(record.get("task_id")))
    if not isinstance(answer, str) or problem is None:
        return record
    rest = {key: value for key, value in record.items() if key != Written.ANSWER}
    return {**rest, Written.PROGRAM.value: _program(problem, answer)}


def _program(problem: Posed, answer: str) -> str:
    # Not every place where files are read has the sampler's packages, and few files hold answers.
    from sampler.extraction.program import extract

    return extract(problem.prompt, answer, problem.entry_point, problem.language).program
