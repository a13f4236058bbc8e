"""`rrtf decontaminate`: which records of a file hold problems of benchmarks."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra import errors
from infra.contracts.problems import Problem
from infra.records.record_files import BadLine
from sampler.evolution.decontamination import DatasetReport, Hit
from services.decontamination import instructions
from services.decontamination.instructions import Record
from services.decontamination.screen import Finding, Screen
from services.known import several


@dataclass(frozen=True)
class Looked:
    """What was found in a file."""

    records: int
    findings: tuple[Finding, ...]
    report: tuple[DatasetReport, ...]
    bad: tuple[BadLine, ...]

    def summary(self) -> str:
        """What was found, in one line."""
        tried = ", ".join(
            f"{one.met} of {one.problems} problems of {one.dataset} met"
            f" (programs tried on {one.testable})"
            for one in self.report
        )
        return f"{len(self.findings)} of {self.records} records hold a benchmark's: {tried}"


def look(
    file: Path,
    against: Sequence[str],
    out: Path | None = None,
    report: Path | None = None,
    model: Path | None = None,
) -> Looked:
    """Look through a file of training data.

    Args:
        file: Problems, instructions with answers, conversations or ranked groups.
        against: Benchmarks, as `known.several` takes them.
        out: Where to write the records that hold none, as they are.
        report: Where to write what was found, one line for each record that holds some.
        model: Folder of a model of embeddings.

    Raises:
        errors.SuiteError: a file, the sandbox or the model is not as it must be.
    """
    screen = Screen.of(several(against), model)
    records: list[Record] = []
    bad: list[BadLine] = []
    for item in instructions.read(file):
        if isinstance(item, BadLine):
            bad.append(item)
        else:
            records.append(item)
    found = screen.find(records)
    findings = tuple(
        Finding(line=record.number, name=record.name, hits=hits)
        for record, hits in zip(records, found, strict=True)
        if hits
    )
    if out is not None:
        clean = (record for record, hits in zip(records, found, strict=True) if not hits)
        _write(out, (json.dumps(_row(record)) for record in clean))
    if report is not None:
        _write(report, (one.model_dump_json() for one in findings))
    summed = screen.report(hit for hits in found for hit in hits)
    return Looked(len(records), findings, summed, tuple(bad))


def clean(
    problems: Iterable[Problem], against: Sequence[str], refused: list[str]
) -> Iterator[Problem]:
    """Yield the problems that are of no benchmark; say of the others what they hold.

    Raises:
        errors.SuiteError: a benchmark or the sandbox is not as it must be.
    """
    screen = Screen.of(several(against))
    known = list(problems)
    records = [instructions.of_problem(0, problem) for problem in known]
    for problem, hits in zip(known, screen.find(records), strict=True):
        if hits:
            refused += [f"{problem.slug}: {told(hit)}" for hit in hits]
        else:
            yield problem


def told(hit: Hit) -> str:
    """Say what was found, and how."""
    return f"{hit.dataset} {hit.problem}, {hit.method}: {hit.evidence}"


def _row(record: Record) -> object:
    if record.row is not None:
        return record.row
    assert record.problem is not None, "what is no row of a file is a problem of a folder"
    return record.problem.model_dump(mode="json")


def _write(path: Path, lines: Iterable[str]) -> None:
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
        partial.replace(path)
    except OSError as error:
        raise errors.InvalidInput(f"cannot write {path}: {error}") from error
