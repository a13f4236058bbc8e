"""`rrtf check`: whether the tests of problems can judge anybody, with no service running."""

import contextlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from executor import Fault, Finding, Survivor, check
from infra import errors, importers
from infra.contracts.execution import Guards
from infra.contracts.problems import Problem
from infra.importers import BadLine

_NO_TESTS: Final = re.compile(r"(tests|test_list): Tuple should have at least 1 item")
"""How the contracts refuse a problem without any."""
_SHOWN: Final = 300
"""Most characters of what is wrong that a line has."""


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
        is_empty = _NO_TESTS.match(item.reason) is not None
        fault = Fault.NO_TEST if is_empty else Fault.RECORD
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
        line = f"{self.checked} problems: {self.checked - self.unsound} sound, {self.unsound} not"
        if self._mutants:
            share = self._killed / self._mutants
            line += f"; {self._killed} of {self._mutants} mutants killed ({share:.0%})"
        return line


def row(finding: Finding) -> dict[str, Any]:
    """Return a finding as data: with whose fault it is, and the share of mutants killed."""
    data = finding.model_dump(mode="json")
    data["sound"] = finding.is_sound
    data["blames"] = finding.fault.blames if finding.fault else None
    if finding.strength is not None:
        data["strength"]["share"] = finding.strength.share
    return data


def lines(finding: Finding) -> Iterator[str]:
    """Write a finding on one line, and a line for each mutant that passes."""
    if finding.fault is not None:
        whose = "the machine's" if finding.fault.blames == "machine" else "the problem's"
        detail = " ".join(finding.detail.split())[:_SHOWN]
        yield f"{finding.slug}  {finding.fault}, {whose} fault: {detail}"
        return
    count = "1 test" if finding.tests == 1 else f"{finding.tests} tests"
    parts = [f"{finding.integrity} ({finding.reason})", count]
    if finding.guards is not None:
        parts.append(_guarded(finding.guards))
    if finding.has_reference:
        parts.append(f"{finding.cpu_seconds:.3f} s CPU, {finding.wall_seconds:.3f} s wall")
    else:
        parts.append("no reference program: decided by reading alone")
    strength = finding.strength
    if strength is not None:
        parts.append(f"{strength.killed} of {strength.mutants} mutants killed")
    yield f"{finding.slug}  {', '.join(parts)}"
    for survivor in strength.survivors if strength else ():
        yield f"    passes too: {_diff(survivor)}"


def _guarded(guards: Guards) -> str:
    if guards.none_because is not None:
        return f"unguarded: {guards.none_because}"
    found = f"{guards.guarded} of {guards.sites} checks guarded"
    return found if guards.protected else f"{found}, unprotected"


def _diff(survivor: Survivor) -> str:
    return f"line {survivor.line}: `{survivor.before}` -> `{survivor.after}`"
