"""How strong a suite is: mutants of its reference program are judged, and should not pass."""

from collections.abc import Callable
from typing import Any

from executor.judging.asserting import SuiteBroken
from executor.judging.judge import Judge
from executor.judging.run import Asserts
from executor.sandbox.ended import Ended
from executor.sandbox.jail import Sandbox
from infra import errors
from infra.contracts.base import IntegrityRule, Label, Outcome
from infra.contracts.checks import Strength, Survivor
from infra.contracts.execution import Suite, Verdict
from infra.contracts.problems import Limits, StdioTest

_TIMES = 10.0
"""What a mutant may take of CPU time, as a multiple of the reference program's; then it loops."""
_LEAST_SECONDS = 0.5
_ANSWER_BYTES = 64 * 2**20
"""Of all mutants of one program; they are told by our own code."""


def measure(
    sandbox: Sandbox,
    suite: Suite,
    asserts: Asserts,
    reference: Verdict,
    version: str,
    most: int,
    is_over: Callable[[], bool],
) -> Strength:
    """Judge at most so many mutants of the reference program of a suite, which passes it.

    Args:
        sandbox: Where.
        suite: In Python, with its reference program.
        asserts: What is known of its assert tests.
        reference: What the reference program got.
        version: Of the sandbox.
        most: Mutants.
        is_over: Tells when there is no time for another one.

    Raises:
        errors.SandboxError: the sandbox failed.
    """
    assert suite.reference_program is not None
    program = _plain(suite.reference_program)
    runs_main = any(isinstance(test, StdioTest) for test in suite.tests)
    judge = Judge(sandbox, _of_mutants(suite, asserts, reference), version, asserts)
    killed, unjudged, survivors = 0, 0, []
    for mutant in _mutants(sandbox, program, runs_main, most, suite.limits):
        if is_over():
            break
        try:
            verdict = judge.judge(_changed(program, mutant))
        except SuiteBroken:
            unjudged += 1
            continue
        if verdict.label is Label.ALL_PASS:
            survivors.append(_survivor(mutant))
        else:
            killed += 1
    return Strength(
        mutants=killed + len(survivors),
        killed=killed,
        unjudged=unjudged,
        survivors=tuple(survivors),
    )


def _plain(program: str) -> str:
    """Return the program with line endings and a beginning that count the same everywhere."""
    return program.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _of_mutants(suite: Suite, asserts: Asserts, reference: Verdict) -> Suite:
    """Return the suite as mutants are judged by it: where it runs is decided, its time is short."""
    limits = suite.limits
    slowest = max(test.cpu_seconds for test in reference.tests)
    one = min(limits.cpu_seconds, max(_LEAST_SECONDS, _TIMES * slowest))
    whole = min(limits.total_cpu_seconds, max(2 * one, _TIMES * reference.usage.cpu_seconds))
    short = {"cpu_seconds": one, "total_cpu_seconds": whole, "reference_factor": None}
    return suite.model_copy(
        update={
            "limits": limits.model_copy(update=short),
            "integrity": IntegrityRule(asserts.integrity.value),
            "reference_program": None,
        }
    )


def _mutants(
    sandbox: Sandbox, program: str, runs_main: bool, most: int, limits: Limits
) -> list[dict[str, Any]]:
    """Have the mutants of a program told in a jail, where it is parsed."""
    start = {"role": "mutants", "program": program, "most": most, "runs_main": runs_main}
    limits = limits.model_copy(update={"value_bytes": _ANSWER_BYTES})
    with sandbox.jail(start, limits) as jail:
        try:
            answer = jail.receive(jail.budget(limits.total_cpu_seconds, limits.total_idle_seconds))
        except Ended as ended:
            if ended.outcome is Outcome.RUNTIME_ERROR:
                raise errors.SandboxError(f"no mutants: {ended.detail}") from ended
            return []  # Too large to be changed within the limits that it passes in.
    if "broken" in answer:
        return []  # As its encoding is declared, and not as text, it compiles.
    found: list[dict[str, Any]] = answer["mutants"]
    return found


def _changed(program: str, mutant: dict[str, Any]) -> str:
    data = program.encode()
    start, end, text = int(mutant["start"]), int(mutant["end"]), str(mutant["text"])
    return (data[:start] + text.encode() + data[end:]).decode(errors="replace")


def _survivor(mutant: dict[str, Any]) -> Survivor:
    return Survivor(line=mutant["line"], before=mutant["before"], after=mutant["after"])
