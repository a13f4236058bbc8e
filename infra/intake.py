"""The one door: how problems, groups and candidates come in, whoever brings them."""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from infra import checking, errors, repeats, storable, stored_problems
from infra.contracts.base import (
    CandidateState,
    GroupState,
    Language,
    Priority,
    SampleState,
    new_id,
)
from infra.contracts.candidates import NewCandidate, NewGroup, RankGroup
from infra.contracts.execution import cache_key
from infra.db import bulk
from infra.db.tables import (
    CandidateRow,
    GroupRow,
    PolicyRow,
    ProblemRow,
    SampleRequestRow,
)
from infra.db.unit_of_work import Work
from infra.db.wakeup import wake_dispatcher
from infra.queues.messaging import Task


def policy_id(session: Session, name: str) -> UUID:
    """Return the id of a policy, making it if there is none of that name."""
    added: UUID | None = session.scalar(
        insert(PolicyRow)
        .values(id=new_id(), name=name)
        .on_conflict_do_nothing()
        .returning(PolicyRow.id)
    )
    if added is not None:
        return added
    return session.scalars(select(PolicyRow.id).where(PolicyRow.name == name)).one()


def open_group(work: Work, problem_id: UUID, new: NewGroup, api_key_id: int = 0) -> UUID:
    """Store a group with its candidates and requests for samples, for the dispatcher to send.

    Returns its id, or that of the group that is there where it is to be there once.

    Raises:
        errors.NotFound: there is no such problem.
        errors.ProblemUnsound: its tests were found unsound.
        errors.InvalidInput: it holds what Postgres cannot store.
    """
    return open_groups(work, [(problem_id, new)], api_key_id)[0].id


class Opened(NamedTuple):
    """A group that was asked for."""

    id: UUID
    created: bool
    """False where it was there, and is to be there once."""


def open_groups(
    work: Work, wanted: Sequence[tuple[UUID, NewGroup]], api_key_id: int = 0
) -> list[Opened]:
    """Store groups, all of them or none; return them in order.

    Raises:
        errors.NotFound: one of the problems does not exist.
        errors.ProblemUnsound: the tests of one were found unsound.
        errors.InvalidInput: one holds what Postgres cannot store.
    """
    for _, new in wanted:
        storable.as_json("metadata", new.metadata)
        for plan in new.samples:
            storable.refuse_nul("samples", plan.backend, plan.model, *plan.stop)
    problems = _problems(work.session, {problem_id for problem_id, _ in wanted})
    for reason in checking.unsound(work.session, problems).values():
        raise errors.ProblemUnsound(reason)
    # In one order: two requests with the same new names wait for each other's.
    names = sorted({new.policy for _, new in wanted})
    policies = {name: policy_id(work.session, name) for name in names}
    keys = [repeats.key_of(problem_id, new) for problem_id, new in wanted]
    known = repeats.known_groups(work, {key for key in keys if key is not None})
    groups: list[_Group] = []
    opened: list[Opened] = []
    fresh: list[tuple[UUID, NewGroup]] = []
    for (problem_id, new), key in zip(wanted, keys, strict=True):
        if key in known:
            opened.append(Opened(known[key], created=False))
            continue
        group = _Group(new_id(), api_key_id, new.priority is Priority.INTERACTIVE, new.cache, key)
        if key is not None:
            known[key] = group.id
        groups.append(group)
        opened.append(Opened(group.id, created=True))
        fresh.append((problem_id, new))
    rows = [
        {
            "id": group.id,
            "problem_id": problem_id,
            "policy_id": policies[new.policy],
            "state": GroupState.OPEN.value,
            "metadata": new.metadata,
            "api_key_id": group.api_key_id,
            "interactive": group.interactive,
            "cache": group.cache,
            "pairs": new.pairs and new.pairs.value,
            "once_sha256": group.once_sha256,
        }
        for group, (problem_id, new) in zip(groups, fresh, strict=True)
    ]
    bulk.copy(work.session, GroupRow, rows)
    work.session.add_all(
        SampleRequestRow(
            group_id=group.id,
            api_key_id=group.api_key_id,
            interactive=group.interactive,
            position=position,
            plan=plan.model_dump(mode="json"),
            state=SampleState.SUBMITTED,
        )
        for group, (_, new) in zip(groups, fresh, strict=True)
        for position, plan in enumerate(new.samples)
    )
    work.session.flush()
    rows = []
    for group, (problem_id, new) in zip(groups, fresh, strict=True):
        rows += _candidate_rows(group, problems[problem_id], new.candidates, {}, 0, None)
    bulk.copy(work.session, CandidateRow, rows)
    wake_dispatcher(work.session)
    return opened


def admit(
    work: Work,
    group_id: UUID,
    candidates: Sequence[NewCandidate],
    sample_request_id: UUID | None = None,
) -> list[UUID]:
    """Store candidates of a group that exists, for the dispatcher to send.

    An identical program of the same group is executed once: later ones wait for its label.

    Raises:
        errors.NotFound: there is no such group.
        errors.Conflict: the group is ranked; what comes now would never be.
        errors.InvalidInput: a candidate holds what Postgres cannot store.
    """
    # The lock orders admissions of one group, so that positions and duplicates are certain.
    group = work.session.get(GroupRow, group_id, with_for_update=True, populate_existing=True)
    if group is None:
        raise errors.NotFound(f"there is no group {group_id}")
    if group.state is not GroupState.OPEN:
        raise errors.Conflict(f"the group {group_id} is ranked and takes no more candidates")
    problem = _problems(work.session, {group.problem_id})[group.problem_id]
    last = work.session.scalar(
        select(func.max(CandidateRow.position)).where(CandidateRow.group_id == group_id)
    )
    start = 0 if last is None else last + 1
    known = _known_programs(work.session, group_id)
    placed = _Group(group.id, group.api_key_id, group.interactive, group.cache)
    rows = _candidate_rows(placed, problem, candidates, known, start, sample_request_id)
    bulk.copy(work.session, CandidateRow, rows)
    wake_dispatcher(work.session)
    ids = [row["id"] for row in rows]
    if last is not None:
        _label_duplicates_of_labelled(work, group_id, ids)
    return ids


def _known_programs(session: Session, group_id: UUID) -> dict[str, UUID]:
    rows = session.execute(
        select(CandidateRow.program_sha256, CandidateRow.id).where(
            CandidateRow.group_id == group_id, CandidateRow.duplicate_of.is_(None)
        )
    )
    return {row.program_sha256: row.id for row in rows}


class _Problem(NamedTuple):
    """What of a problem its candidates are stored with."""

    suite_sha256: str
    language: Language
    project_id: int


def _problems(session: Session, ids: Collection[UUID]) -> dict[UUID, _Problem]:
    rows = session.execute(
        select(
            ProblemRow.id, ProblemRow.suite_sha256, ProblemRow.language, ProblemRow.project_id
        ).where(ProblemRow.id.in_(ids))
    ).all()
    found = {row.id: row for row in rows}
    for problem_id in ids:
        if problem_id not in found:
            raise errors.NotFound(f"there is no problem {problem_id}")
    return {
        row.id: _Problem(
            row.suite_sha256 or _add_digest(session, row.id), row.language, row.project_id
        )
        for row in rows
    }


def _add_digest(session: Session, problem_id: UUID) -> str:
    digest = stored_problems.load_suite(session, problem_id).digest()
    session.execute(
        update(ProblemRow).where(ProblemRow.id == problem_id).values(suite_sha256=digest)
    )
    return digest


class _Group(NamedTuple):
    """What of a group its candidates are stored with."""

    id: UUID
    api_key_id: int
    interactive: bool
    cache: bool
    once_sha256: str | None = None


def _candidate_rows(
    group: _Group,
    problem: _Problem,
    candidates: Iterable[NewCandidate],
    first: dict[str, UUID],
    start: int,
    sample_request_id: UUID | None,
) -> list[dict[str, Any]]:
    """Make rows for `candidates`; `first` names the program of every candidate there is."""
    rows = []
    for position, new in enumerate(candidates, start):
        if new.metadata:
            storable.as_json("metadata", new.metadata)
        if new.sampled is not None:
            storable.as_json("sampled", new.sampled.model_dump())
        storable.refuse_nul("candidate", new.model, new.finish_reason or "")
        program = new.program.encode("utf-8", "surrogatepass")
        digest = hashlib.sha256(program).hexdigest()
        candidate_id = new_id()
        original = first.setdefault(digest, candidate_id)
        key = cache_key(problem.suite_sha256, problem.language, new.program, problem.project_id)
        completion = new.completion
        rows.append(
            {
                "id": candidate_id,
                "group_id": group.id,
                "position": position,
                "sample_request_id": sample_request_id,
                "author": new.author.value,
                "model": new.model,
                "program": program,
                "program_sha256": digest,
                "completion": (
                    None if completion is None else completion.encode("utf-8", "surrogatepass")
                ),
                "sampled": None if new.sampled is None else new.sampled.model_dump(mode="json"),
                "finish_reason": new.finish_reason,
                "policy_version": new.policy_version,
                "seed": new.seed,
                "metadata": new.metadata,
                "duplicate_of": original if original != candidate_id else None,
                "state": CandidateState.SUBMITTED.value,
                "attempts": 0,
                "api_key_id": group.api_key_id,
                "interactive": group.interactive,
                "cache_key": key if group.cache else None,
            }
        )
    return rows


def _label_duplicates_of_labelled(work: Work, group_id: UUID, ids: Sequence[UUID]) -> None:
    """Give a duplicate its label at once, when the program was labelled before it came."""
    original = aliased(CandidateRow)
    labelled = work.session.execute(
        update(CandidateRow)
        .where(
            CandidateRow.id.in_(ids),
            CandidateRow.duplicate_of == original.id,
            original.state != CandidateState.SUBMITTED,
        )
        .values(
            state=original.state,
            label=original.label,
            pass_fraction=original.pass_fraction,
            execution_id=original.execution_id,
            labelled_at=original.labelled_at,
            reason=original.reason,
        )
        .returning(CandidateRow.id)
        .execution_options(synchronize_session=False)
    ).all()
    if len(labelled) == len(ids):
        # No result will come that could complete the group.
        work.send_after_commit(Task.RANK_GROUP, RankGroup(group_id=group_id))
