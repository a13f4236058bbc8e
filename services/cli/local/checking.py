"""`rrtf check`: whether the tests of problems can judge anybody, with no service running."""

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from executor import check
from infra import errors
from infra.contracts.checks import Fault, Finding
from infra.contracts.problems import Problem
from infra.printable import counted
from infra.records import importers
from infra.records.record_files import BadLine


class CheckRun:
    """Checks the problems of some files; keeps count of what it finds."""

    def __init__(self, files: Sequence[Path]) -> None:
        """Read the files.

        Raises:
            errors.InvalidInput: one cannot be read, or there is nothing in any of them.
        """
        self._entries = [
            self._entry(file, item) for file in files for item in importers.read_problems(file)
        ]
        if not self._entries:
            raise errors.InvalidInput(f"no problem in {', '.join(map(str, files))}")
        self.checked = 0
        self.unsound = 0
        self._mutants = 0
        self._killed = 0

    @staticmethod
    def _entry(file: Path, item: Problem | BadLine) -> Problem | Finding:
        if isinstance(item, Problem):
            return item
        where = f"{file}, line {item.number}"
        fault = Fault.NO_TEST if item.reason.endswith(importers.NO_TESTS) else Fault.RECORD
        return Finding(slug=where, fault=fault, detail=item.reason)

    def findings(self, mutants: int, slots: int | None, strict: bool | None) -> Iterator[Finding]:
        """Yield what is found of each problem, in the order of the files.

        Raises:
            errors.SandboxError: the sandbox cannot be opened.
        """
        problems = [entry for entry in self._entries if isinstance(entry, Problem)]
        with contextlib.closing(
            check(problems, mutants=mutants, slots=slots, strict=strict)
        ) as found:
            for entry in self._entries:
                finding = entry if isinstance(entry, Finding) else next(found)
                self._count(finding)
                yield finding

    def _count(self, finding: Finding) -> None:
        self.checked += 1
        self.unsound += not finding.is_sound
        if finding.strength is not None:
            self._mutants += finding.strength.mutants
            self._killed += finding.strength.killed

    def summary(self) -> str:
        """What was found of all of them, in one line."""
        sound = self.checked - self.unsound
        line = f"{counted(self.checked, 'problem')}: {sound} sound, {self.unsound} not"
        if self._mutants:
            share = self._killed / self._mutants
            line += f"; {self._killed} of {self._mutants} mutants killed ({share:.0%})"
        return line
