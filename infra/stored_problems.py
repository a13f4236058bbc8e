"""Problems in Postgres: how they get there, and how they are read again."""

import contextlib
import hashlib
import math
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from infra import checking, errors, storable
from infra.contracts.base import (
    new_id,
)
from infra.contracts.execution import Suite
from infra.contracts.problems import MAX_WALL_SECONDS, STRENGTH, Limits, Problem, TestCase
from infra.db.tables import (
    ProblemRow,
    TestCaseRow,
)
from infra.db.unit_of_work import Work
from infra.db.wakeup import wake_dispatcher

_TESTS: TypeAdapter[tuple[TestCase, ...]] = TypeAdapter(tuple[TestCase, ...])


def add_problem(work: Work, problem: Problem, mutants: int = 0) -> tuple[UUID, bool]:
    """Store a problem, for an executor to check; the same problem again is the same row.

    Args:
        work: Where.
        problem: What is stored.
        mutants: Most changed reference programs that the check judges. More of a known problem
            than before have it checked again.

    Returns:
        The id, and whether the problem is new.

    Raises:
        errors.Conflict: the slug belongs to a different problem.
        errors.InvalidInput: it holds what Postgres cannot store.
    """
    storable.refuse_nul("prompt", problem.prompt)
    storable.refuse_nul("prelude", problem.prelude)
    whole = problem.model_dump(mode="json")
    # How strong its tests are is measured, and no part of what it is.
    strength = whole["metadata"].pop(STRENGTH, None)
    storable.as_json("metadata", strength)
    content = storable.as_json("problem", whole)
    digest = hashlib.sha256(content.encode()).hexdigest()
    row = {
        "id": new_id(),
        "slug": problem.slug,
        "prompt": problem.prompt,
        "entry_point": problem.entry_point,
        "language": problem.language,
        "image": problem.image,
        "limits": problem.limits.model_dump(mode="json"),
        "integrity": problem.integrity,
        "prelude": problem.prelude,
        "reference_program": problem.reference_program,
        "details": dict(problem.metadata),
        "content_hash": digest,
        "suite_sha256": Suite.of(problem).digest(),
        "strength": _share(strength),
        "check_mutants": mutants,
    }
    # Two requests with the same new slug meet here; the second waits, and then finds the first.
    added: UUID | None = work.session.scalar(
        insert(ProblemRow).values(row).on_conflict_do_nothing().returning(ProblemRow.id)
    )
    if added is None:
        found = work.session.scalars(
            select(ProblemRow).where(ProblemRow.slug == problem.slug)
        ).one()
        # A version that wrote problems otherwise has hashed them otherwise.
        if found.content_hash != digest and problem_of(found) != problem:
            raise errors.Conflict(
                f"the problem {problem.slug} exists with other content; choose another slug"
            )
        if strength is not None:
            known = work.session.get_one(ProblemRow, found.id)
            known.details = {**known.details, STRENGTH: strength}
            known.strength = known.strength if (share := _share(strength)) is None else share
        if mutants > found.check_mutants:
            checking.ask_again(work, found.id, mutants)
        return found.id, False
    work.session.add_all(
        TestCaseRow(
            problem_id=added, position=position, kind=test.kind, body=test.model_dump(mode="json")
        )
        for position, test in enumerate(problem.tests)
    )
    work.session.flush()
    wake_dispatcher(work.session)
    return added, True


def _share(strength: object) -> float | None:
    """Return the share that was measured; a user's own word of that name is none."""
    if isinstance(strength, bool) or not isinstance(strength, int | float):
        return None
    return float(strength) if 0 <= strength <= 1 else None


def find_problems(session: Session, names: Collection[str]) -> dict[str, UUID]:
    """Find problems by slug or id; names of none are left out."""
    found = {
        row.slug: row.id
        for row in session.execute(
            select(ProblemRow.slug, ProblemRow.id).where(ProblemRow.slug.in_(names))
        )
    }
    ids: dict[str, UUID] = {}  # An id can be written in several ways.
    for name in names:
        with contextlib.suppress(ValueError):
            ids[name] = UUID(name)
    existing = set(session.scalars(select(ProblemRow.id).where(ProblemRow.id.in_(ids.values()))))
    return {name: ids[name] for name in ids if ids[name] in existing} | found


def load_suite(session: Session, problem_id: UUID) -> Suite:
    """Read all that judging a candidate of a problem takes.

    Raises:
        errors.NotFound: there is no such problem.
        errors.ProblemUnsound: another version stored it, and it is none to this one.
    """
    row = session.get(ProblemRow, problem_id)
    if row is None:
        raise errors.NotFound(f"there is no problem {problem_id}")
    suite = Suite.of(problem_of(row))
    if row.decided is None or row.checked_sha256 != suite.digest():
        return suite  # Each executor decides for itself.
    return suite.model_copy(update={"decided": row.decided})


def problem_of(row: ProblemRow) -> Problem:
    """Return a stored problem as it was submitted.

    Raises:
        errors.ProblemUnsound: another version stored it, and it is none to this one.
    """
    try:
        return Problem(
            slug=row.slug,
            prompt=row.prompt,
            tests=_TESTS.validate_python([test.body for test in row.tests]),
            entry_point=row.entry_point,
            language=row.language,
            image=row.image,
            limits=Limits.model_validate(_of_today(row.limits)),
            integrity=row.integrity,
            prelude=row.prelude,
            reference_program=row.reference_program,
            metadata=row.details,
        )
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise errors.ProblemUnsound(
            f"{row.slug} was stored by another version, and is no problem to this one:"
            f" {first['msg']}"
        ) from error


def _of_today(limits: Mapping[str, Any]) -> Mapping[str, Any]:
    """Read limits of wall time as migration 0013 does: an older API beside us still stores them."""
    if "wall_factor" not in limits:
        return limits
    kept = {
        name: value
        for name, value in limits.items()
        if name != "wall_factor" and (name, value) != ("reference_factor", None)
    }
    total = min(kept["total_cpu_seconds"], MAX_WALL_SECONDS / 2)
    if total > MAX_WALL_SECONDS / 4:
        most = math.floor(100 * (MAX_WALL_SECONDS / total - 1)) / 100
        kept |= {"total_cpu_seconds": total, "idle_factor": most}
    return kept
