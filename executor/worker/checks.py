"""Checks problems without any service: `check(problems)`."""

from collections.abc import Generator, Iterable, Mapping
from typing import Any

from executor.settings import ExecutorSettings
from executor.worker.labelling import to_problem
from executor.worker.pool import Pool
from infra.contracts.checks import Finding
from infra.contracts.execution import Suite
from infra.contracts.problems import Problem


def check(
    problems: Iterable[Problem | Mapping[str, Any]],
    *,
    mutants: int = 0,
    slots: int | None = None,
    strict: bool | None = None,
) -> Generator[Finding, None, None]:
    """Say of each problem, in order, whether its tests can judge anybody, and what they take.

    Who does not want the rest closes the generator; what is under way ends at once.

    Args:
        problems: Records of HumanEval, of MBPP, or our own problems.
        mutants: Most changed reference programs that are judged, to say how strong the tests are.
        slots: Problems at once; the setting `RRTF_EXECUTOR_SLOTS` if absent.
        strict: Start a fresh nsjail for every program; the setting if absent.

    Raises:
        errors.InvalidInput: a problem is none.
        errors.SandboxError: the sandbox cannot be opened.
    """
    known = [to_problem(problem) for problem in problems]
    settings = ExecutorSettings.chosen(slots, strict)
    # By number: two files may have problems of the same name.
    suites = {str(number): suite_of(problem) for number, problem in enumerate(known)}
    with Pool(settings, suites) as pool:
        for problem, found in zip(known, pool.check(suites, mutants), strict=True):
            yield found.model_copy(update={"slug": problem.slug})


def suite_of(problem: Problem) -> Suite:
    """Return the suite with the reference program, whether or not it decides something."""
    return Suite.of(problem).model_copy(update={"reference_program": problem.reference_program})
