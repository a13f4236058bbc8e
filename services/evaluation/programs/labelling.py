"""Labels programs in the executor's pool, and keeps what was found as it comes."""

import contextlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from infra import errors
from infra.contracts.base import Label, Outcome
from infra.contracts.execution import Verdict
from infra.contracts.problems import Problem
from infra.records.kept import Kept, fingerprint
from services.evaluation.programs.sampling import Told

_ADDRESS: Final = re.compile(r"\b0x[0-9a-f]{6,}")
_MAX_DETAIL: Final = 300
_TRIES: Final = 2


def judge(
    problems: Sequence[Problem],
    records: Sequence[Mapping[str, Any]],
    out: Path,
    slots: int | None = None,
    told: Told = lambda done: None,
) -> None:
    """Label programs, equal ones once, and write one line for each in their order.

    What an interrupted run has found is kept.

    Args:
        problems: Of the records.
        records: With `task_id` and `program`.
        out: Where the lines shall be.
        slots: Candidates executed at once.
        told: Is told how many programs are labelled, as far as those that differ tell.

    Raises:
        errors.SandboxError: a program has no verdict even at the second try.
    """
    first: dict[tuple[str, str], int] = {}
    same = [
        first.setdefault((record["task_id"], record["program"]), number)
        for number, record in enumerate(records)
    ]
    asked = [*(problem.model_dump(mode="json") for problem in problems), *first]
    why: dict[int, str] = {}
    with Kept(out, fingerprint(asked)) as kept:
        for _ in range(_TRIES):
            # A failure of the sandbox is no failure of the program: it is asked again.
            left = [number for number in first.values() if number not in kept]
            for done in _labelled(problems, records, left, kept, slots, why):
                told((len(first) - len(left) + done) * len(records) // len(first))
        missing = [number for number in first.values() if number not in kept]
        if missing:
            slugs = dict.fromkeys(records[number]["task_id"] for number in missing)
            raise errors.SandboxError(
                f"programs for {', '.join(slugs)} have no label, so nothing is known; of the first:"
                f" {why[missing[0]]}. A plan can leave problems out (`without`)"
            )
        for number, other in enumerate(same):
            kept.add(number, kept[other])
        kept.finish(len(records))


def _labelled(
    problems: Sequence[Problem],
    records: Sequence[Mapping[str, Any]],
    left: Sequence[int],
    kept: Kept,
    slots: int | None,
    why: dict[int, str],
) -> Iterator[int]:
    """Label what is left and keep it; yield how many programs are done.

    Of one without a verdict the reason goes into `why`.
    """
    if not left:
        return
    from executor import label  # The image of services, where most commands run, has none.

    wanted = [{key: records[n][key] for key in ("task_id", "program")} for n in left]
    with contextlib.closing(label(problems, wanted, slots=slots)) as labelled:
        for done, (number, item) in enumerate(zip(left, labelled, strict=True), 1):
            if item.verdict is not None:
                kept.add(number, row(records[number]["task_id"], item.verdict))
            else:
                why[number] = item.error
            yield done


def row(slug: str, verdict: Verdict) -> dict[str, Any]:
    """Return what is kept of a verdict: nothing of it is of the moment when it was found."""
    failed = [n for n, test in enumerate(verdict.tests) if test.outcome is not Outcome.PASSED]
    found: dict[str, Any] = {
        "task_id": slug,
        "label": verdict.label.value,
        "passed": verdict.passed,
        "total": verdict.total,
        "integrity": verdict.integrity.value,
        "sandbox": verdict.sandbox,
    }
    if verdict.label is not Label.ALL_PASS:
        found |= {"failed": failed, "failure": _failure(verdict, failed)}
    return found


def _failure(verdict: Verdict, failed: Sequence[int]) -> dict[str, Any]:
    """Return the first failure: in which test, how, and why."""
    if verdict.label is Label.COMPILE_ERROR or not failed:
        return {"outcome": verdict.label.value, "test": "", "detail": _told(verdict.error)}
    test = verdict.tests[failed[0]]
    return {
        "outcome": test.outcome.value,
        "test": test.name or str(failed[0]),
        "detail": _told(test.detail or verdict.error),
    }


def _told(detail: str) -> str:
    """Shorten a reason, and take out where objects lay, which differs from run to run."""
    return _ADDRESS.sub("0x...", detail)[:_MAX_DETAIL]
