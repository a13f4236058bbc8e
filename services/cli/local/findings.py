"""What a check has found of a problem, for a reader and as data."""

from collections.abc import Iterator
from typing import Any, Final

from infra.contracts.checks import Finding, Survivor
from infra.contracts.execution import Guards
from infra.printable import counted

_SHOWN: Final = 300
"""Most characters of what is wrong that a line has."""


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
    parts = [f"{finding.integrity} ({finding.reason})", counted(finding.tests or 0, "test")]
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
