"""`rrtf label`: labels a file of candidates on this machine, with no service running."""

import contextlib
import fcntl
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from executor import LabelledCandidate, Overrides, label
from infra import errors
from infra.contracts.problems import Problem
from infra.printable import counted
from infra.records import importers, samples
from infra.records.record_files import BadLine
from infra.records.samples import Names
from services import answers
from services.cli.console import PlainConsole
from services.cli.terminal import left_out_note, say

_RESULT_FIELDS = ("task_id", "program", "completion")


class LabelRun:
    """Labels one file; keeps count of labels and of the lines that could not be used."""

    def __init__(self) -> None:
        self.labels: Counter[str] = Counter()
        self.bad: list[str] = []
        """Complaints, each with its file and line."""
        self.tests_left_out = 0
        self.seconds = 0.0

    def run(
        self,
        problems: Path,
        candidates: Path,
        out: Path,
        slots: int | None,
        strict: bool | None,
        overrides: Overrides,
    ) -> None:
        """Write one line for each candidate, in input order.

        The file appears under its name when it is complete. An interrupted run says how far it
        came.

        Raises:
            errors.Conflict: another run writes the same file.
            errors.InvalidInput: a file cannot be read or written, or no problem is usable.
            errors.SandboxError: the sandbox cannot be opened.
        """
        known = list(self._problems(problems))
        if not known:
            raise errors.InvalidInput(f"{problems} contains no usable problem")
        partial = out.with_name(out.name + ".partial")
        numbers: list[int] = []
        names = Names({problem.slug for problem in known}.__contains__, [p.slug for p in known])
        total = sum(1 for _ in samples.read(candidates, names))
        records = self._candidates(candidates, names, {p.slug: p for p in known}, numbers)
        try:
            with (
                _alone_in(partial) as file,
                _saying_what_is_kept(file, numbers, candidates, total),
                _bar() as bar,
                contextlib.closing(
                    label(known, records, slots=slots, strict=strict, overrides=overrides)
                ) as labelled,
            ):
                shown = bar.add_task("labelling", total=total)
                began = time.monotonic()
                for position, item in enumerate(labelled):
                    self._write(file, item, numbers[position], candidates)
                    bar.update(shown, completed=position + 1)
                self.seconds = time.monotonic() - began
            partial.replace(out)
        except OSError as error:
            raise errors.InvalidInput(f"cannot write {out}: {error}") from error

    def _problems(self, path: Path) -> Iterator[Problem]:
        for item in importers.read_problems(path):
            if isinstance(item, BadLine):
                self.bad.append(f"{path}, line {item.number}: {item.reason}")
            else:
                self.tests_left_out += importers.tests_left_out(item)
                yield item

    def _candidates(
        self, path: Path, names: Names, problems: Mapping[str, Problem], numbers: list[int]
    ) -> Iterator[Mapping[str, Any]]:
        for number, record in samples.read(path, names):
            if isinstance(record, BadLine):
                self.bad.append(f"{path}, line {number}: {record.reason}")
            else:
                numbers.append(number)
                yield answers.opened(record, problems)

    def _write(self, file: TextIO, item: LabelledCandidate, number: int, path: Path) -> None:
        if item.verdict is None:
            self.bad.append(f"{path}, line {number}: {item.error}")
            self.labels["not labelled"] += 1
        else:
            self.labels[item.verdict.label.value] += 1
        file.write(json.dumps(row(item)) + "\n")

    def counts(self) -> dict[str, Any]:
        """Labels, complaints and speed as data."""
        rate = self.labels.total() / self.seconds if self.seconds else 0.0
        return {
            "labels": dict(self.labels),
            "bad": self.bad,
            "tests_left_out": self.tests_left_out,
            "candidates_per_second": rate,
        }

    def summary(self) -> str:
        """Labels and speed in one line."""
        counts = ", ".join(f"{count} {name}" for name, count in self.labels.most_common())
        total = self.labels.total()
        rate = total / self.seconds if self.seconds else 0.0
        line = f"{counted(total, 'candidate')}: {counts or 'none'}; {rate:.1f} candidates/s"
        return line + left_out_note(self.tests_left_out)


@contextlib.contextmanager
def _alone_in(path: Path) -> Iterator[TextIO]:
    """Write a file line by line, so that a run which is killed keeps what it found.

    Raises:
        errors.Conflict: another run writes it.
    """
    with path.open("a", encoding="utf-8", buffering=1) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise errors.Conflict(
                f"another run writes {path}; wait for it, or name another file with --out"
            ) from None
        file.truncate(0)
        yield file


@contextlib.contextmanager
def _saying_what_is_kept(
    file: TextIO, numbers: Sequence[int], candidates: Path, total: int
) -> Iterator[None]:
    """Say what an interrupted run leaves, and how to go on from there."""
    try:
        yield
    except KeyboardInterrupt:
        with open(file.name, "rb") as written:
            kept = sum(1 for _ in written)
        last = f", up to line {numbers[kept - 1]} of {candidates}" if kept else ""
        say(f"rrtf: {file.name} keeps {kept} of {total} candidates labelled{last}", err=True)
        say(
            "rrtf: the same command begins anew and writes over that file; to go on, keep it and"
            " label a file of the lines that follow",
            err=True,
        )
        raise


def row(item: LabelledCandidate) -> dict[str, Any]:
    """Return one line of output: the candidate's own further fields, then what was found."""
    carried = {key: value for key, value in item.record.items() if key not in _RESULT_FIELDS}
    head = {**carried, "task_id": item.record.get("task_id"), "index": item.position}
    verdict = item.verdict
    if verdict is None:
        return {**head, "label": None, "error": item.error}
    return {
        **head,
        "label": verdict.label.value,
        "pass_fraction": verdict.pass_fraction,
        "passed": verdict.passed,
        "total": verdict.total,
        "tests": [test.model_dump(mode="json") for test in verdict.tests],
        "unstable": verdict.unstable,
        "integrity": verdict.integrity.value,
        "guards": verdict.guards.model_dump(mode="json") if verdict.guards else None,
        "cpu_seconds": verdict.usage.cpu_seconds,
        "wall_seconds": verdict.usage.wall_seconds,
        "memory_bytes": verdict.usage.memory_bytes,
        "error": verdict.error,
    }


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=PlainConsole(stderr=True),
        disable=not sys.stderr.isatty(),
    )
