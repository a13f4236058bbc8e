"""Labels candidates without any service: `label(problems, candidates)`."""

from collections.abc import Generator, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from executor.images.packages import Images
from executor.settings import ExecutorSettings
from executor.worker.line import Labelled, Work
from executor.worker.pool import Pool
from infra import errors
from infra.contracts.base import STANDARD_IMAGE
from infra.contracts.execution import Suite, Verdict
from infra.contracts.problems import Limits, Problem
from infra.records import importers


class LabelledCandidate(NamedTuple):
    """A candidate's record with its verdict, or with the reason why it has none."""

    record: Mapping[str, Any]
    position: int
    """In the input, from 0."""
    verdict: Verdict | None
    error: str = ""
    seconds: float = 0.0
    """Wall time it held its slot."""


class Overrides(NamedTuple):
    """Limits that replace those of every problem; None leaves the problem's own."""

    cpu_seconds: float | None = None
    """CPU time of one test."""
    memory_bytes: int | None = None

    def apply(self, limits: Limits) -> Limits:
        """Return the limits with these in place.

        Raises:
            errors.InvalidInput: the result is not allowed.
        """
        changed: dict[str, Any] = limits.model_dump()
        if self.cpu_seconds is not None:
            changed["cpu_seconds"] = self.cpu_seconds
            changed["total_cpu_seconds"] = max(self.cpu_seconds, limits.total_cpu_seconds)
        if self.memory_bytes is not None:
            changed["memory_bytes"] = self.memory_bytes
        try:
            return Limits.model_validate(changed)
        except ValueError as error:
            raise errors.InvalidInput(f"these limits are not allowed: {error}") from error


def label(
    problems: Iterable[Problem | Mapping[str, Any]],
    candidates: Iterable[Mapping[str, Any]],
    *,
    slots: int | None = None,
    strict: bool | None = None,
    overrides: Overrides | None = None,
) -> Generator[LabelledCandidate, None, None]:
    """Label candidates in the order given, with a pool of this machine's own.

    Who does not want the rest closes the generator; what is under way ends at once.

    Args:
        problems: Records of HumanEval, of MBPP, or our own problems.
        candidates: Records with `task_id` and `program` (or `completion`, a HumanEval sample).
        slots: Candidates at once; the setting `RRTF_EXECUTOR_SLOTS` if absent.
        strict: Start a fresh nsjail for every candidate; the setting if absent.
        overrides: Limits instead of the problems' own.

    Raises:
        errors.InvalidInput: a problem is none.
        errors.ImageMissing: an image of theirs has not been built here.
        errors.SandboxError: the sandbox cannot be opened.
    """
    known = {p.slug: p for p in map(to_problem, problems)}
    settings = ExecutorSettings.chosen(slots, strict)
    suites = {
        slug: Suite.of(p, (overrides or Overrides()).apply(p.limits)) for slug, p in known.items()
    }
    images = Images(settings.home, settings.images)
    for name in {suite.image for suite in suites.values()} - {STANDARD_IMAGE}:
        images.find(name)
    inputs: list[tuple[Mapping[str, Any], str]] = []

    def work() -> Iterator[Work]:
        for record in candidates:
            slug, source, refusal = _work_of(record, known)
            inputs.append((record, refusal))
            if not refusal:
                yield Work(slug, source)

    with Pool(settings, suites) as pool:
        yield from _in_order(pool.label(work()), inputs)


def _in_order(
    labelled: Iterator[Labelled], inputs: list[tuple[Mapping[str, Any], str]]
) -> Iterator[LabelledCandidate]:
    """Put those that were refused back between those that were labelled."""
    index = 0
    while True:
        done = next(labelled, None)
        # The work before this answer was read before it, refused or not.
        while inputs and inputs[0][1]:
            record, refusal = inputs.pop(0)
            yield LabelledCandidate(record, index, None, refusal)
            index += 1
        if done is None:
            return
        record, _ = inputs.pop(0)
        yield LabelledCandidate(record, index, *done)
        index += 1


def to_problem(record: Problem | Mapping[str, Any]) -> Problem:
    """Return the problem of a record, or the problem itself.

    Raises:
        errors.InvalidInput: it is none.
    """
    return record if isinstance(record, Problem) else importers.to_problem(dict(record))


def _work_of(record: Mapping[str, Any], known: Mapping[str, Problem]) -> tuple[str, str, str]:
    """Return the suite, the program, and why there is none."""
    slug = importers.slug_of(record.get("task_id"))
    if slug not in known:
        return "", "", f"no problem that can be used is named {slug!r}"
    try:
        return slug, importers.program_of(dict(record), known[slug]), ""
    except errors.InvalidInput as error:
        return "", "", error.detail
