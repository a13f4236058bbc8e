"""The one door: how problems, groups and candidates come in, whoever brings them."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from infra import errors
from infra.contracts.base import CandidateState, GroupState, SampleState, new_id
from infra.contracts.candidates import NewCandidate, NewGroup, RankGroup, SampleGroup
from infra.contracts.execution import ExecutionRequest, Program, Suite
from infra.contracts.problems import Limits, Problem, TestCase
from infra.db.tables import (
    CandidateRow,
    GroupRow,
    PolicyRow,
    ProblemRow,
    SampleRequestRow,
    TestCaseRow,
)
from infra.db.unit_of_work import Work
from infra.messaging import Task

SLICE_CANDIDATES = 32
"""Most candidates in one message; they share the message's tests."""
SLICE_CHARACTERS = 2_000_000
"""Most program text in one message, unless a single program is longer."""
_TESTS: TypeAdapter[tuple[TestCase, ...]] = TypeAdapter(tuple[TestCase, ...])


def add_problem(work: Work, problem: Problem) -> tuple[UUID, bool]:
    """Store a problem; the same problem again is the same row.

    Returns the id, and whether the problem is new.

    Raises:
        errors.Conflict: the slug belongs to a different problem.
        errors.InvalidInput: it holds what Postgres cannot store.
    """
    _refuse_nul("prompt", problem.prompt)
    content = _json("problem", problem.model_dump(mode="json"))
    digest = hashlib.sha256(content.encode()).hexdigest()
    row = {
        "id": new_id(),
        "slug": problem.slug,
        "prompt": problem.prompt,
        "entry_point": problem.entry_point,
        "language": problem.language,
        "limits": problem.limits.model_dump(mode="json"),
        "allow_shared": problem.allow_shared,
        "reference_program": problem.reference_program,
        "details": dict(problem.metadata),
        "content_hash": digest,
    }
    # Two requests with the same new slug meet here; the second waits, and then finds the first.
    added: UUID | None = work.session.scalar(
        insert(ProblemRow).values(row).on_conflict_do_nothing().returning(ProblemRow.id)
    )
    if added is None:
        found = work.session.execute(
            select(ProblemRow.id, ProblemRow.content_hash).where(ProblemRow.slug == problem.slug)
        ).one()
        if found.content_hash != digest:
            raise errors.Conflict(
                f"the problem {problem.slug} exists with other content; choose another slug"
            )
        return found.id, False
    work.session.add_all(
        TestCaseRow(
            problem_id=added, position=position, kind=test.kind, body=test.model_dump(mode="json")
        )
        for position, test in enumerate(problem.tests)
    )
    work.session.flush()
    return added, True


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


def open_group(work: Work, problem_id: UUID, new: NewGroup) -> UUID:
    """Store a group with its candidates and requests for samples, and send them off.

    Raises:
        errors.NotFound: there is no such problem.
        errors.InvalidInput: it holds what Postgres cannot store.
    """
    _json("metadata", new.metadata)
    for plan in new.samples:
        _refuse_nul("samples", plan.backend, plan.model, *plan.stop)
    if work.session.get(ProblemRow, problem_id) is None:
        raise errors.NotFound(f"there is no problem {problem_id}")
    group = GroupRow(
        problem_id=problem_id,
        policy_id=policy_id(work.session, new.policy),
        state=GroupState.OPEN,
        details=dict(new.metadata),
    )
    work.session.add(group)
    work.session.flush()
    for position, plan in enumerate(new.samples):
        request = SampleRequestRow(
            group_id=group.id,
            position=position,
            plan=plan.model_dump(mode="json"),
            state=SampleState.SUBMITTED,
        )
        work.session.add(request)
        work.session.flush()
        work.send_after_commit(Task.SAMPLE_GROUP, SampleGroup(sample_request_id=request.id))
    if new.candidates:
        admit(work, group.id, new.candidates)
    return group.id


def admit(
    work: Work,
    group_id: UUID,
    candidates: Sequence[NewCandidate],
    sample_request_id: UUID | None = None,
) -> list[UUID]:
    """Store candidates of a group and send them to be executed; the only way in.

    An identical program of the same group is executed once: later ones wait for its label.

    Raises:
        errors.NotFound: there is no such group.
        errors.Conflict: the group is ranked; what comes now would never be.
        errors.InvalidInput: a candidate holds what Postgres cannot store.
    """
    for new in candidates:
        _refuse_nul("candidate", new.model, new.finish_reason or "")
        _json("metadata", new.metadata)
    # The lock orders admissions of one group, so that positions and duplicates are certain.
    group = work.session.get(GroupRow, group_id, with_for_update=True, populate_existing=True)
    if group is None:
        raise errors.NotFound(f"there is no group {group_id}")
    if group.state is not GroupState.OPEN:
        raise errors.Conflict(f"the group {group_id} is ranked and takes no more candidates")
    first = _known_programs(work.session, group_id)
    last = work.session.scalar(
        select(func.max(CandidateRow.position)).where(CandidateRow.group_id == group_id)
    )
    start = 0 if last is None else last + 1
    rows = [
        _candidate_row(group_id, sample_request_id, start + offset, new, first)
        for offset, new in enumerate(candidates)
    ]
    work.session.add_all(rows)
    work.session.flush()
    originals = [row.id for row in rows if row.duplicate_of is None]
    for request in execution_requests(work.session, originals):
        work.send_after_commit(Task.EXECUTE_SLICE, request)
    _label_duplicates_of_labelled(work.session, rows)
    if all(row.state is not CandidateState.SUBMITTED for row in rows):
        # No result will come that could complete the group.
        work.send_after_commit(Task.RANK_GROUP, RankGroup(group_id=group_id))
    return [row.id for row in rows]


def _refuse_nul(what: str, *texts: str) -> None:
    # Programs and completions may hold it, for models write it; names and prompts may not.
    if any("\x00" in text for text in texts):
        raise errors.InvalidInput(f"{what}: text must not hold NUL bytes")


def _json(what: str, value: object) -> str:
    try:
        # Whoever asks for it later gets UTF-8, which half a surrogate pair cannot be written in.
        json.dumps(value, ensure_ascii=False).encode()
        return json.dumps(value, sort_keys=True, allow_nan=False)
    except UnicodeEncodeError:
        raise errors.InvalidInput(f"{what}: unpaired surrogates are no JSON text") from None
    except ValueError:
        raise errors.InvalidInput(f"{what}: NaN and infinity are no JSON numbers") from None


def _known_programs(session: Session, group_id: UUID) -> dict[str, UUID]:
    rows = session.execute(
        select(CandidateRow.program_sha256, CandidateRow.id).where(
            CandidateRow.group_id == group_id, CandidateRow.duplicate_of.is_(None)
        )
    )
    return {row.program_sha256: row.id for row in rows}


def _candidate_row(
    group_id: UUID,
    sample_request_id: UUID | None,
    position: int,
    new: NewCandidate,
    first: dict[str, UUID],
) -> CandidateRow:
    digest = hashlib.sha256(new.program.encode("utf-8", "surrogatepass")).hexdigest()
    candidate_id = new_id()
    original = first.setdefault(digest, candidate_id)
    return CandidateRow(
        id=candidate_id,
        group_id=group_id,
        position=position,
        sample_request_id=sample_request_id,
        author=new.author,
        model=new.model,
        program=new.program,
        program_sha256=digest,
        completion=new.completion,
        finish_reason=new.finish_reason,
        policy_version=new.policy_version,
        seed=new.seed,
        details=dict(new.metadata),
        duplicate_of=original if original != candidate_id else None,
        state=CandidateState.SUBMITTED,
        attempts=0,
    )


def _label_duplicates_of_labelled(session: Session, rows: Iterable[CandidateRow]) -> None:
    """Give a duplicate its label at once, when the program was labelled before it came."""
    for row in rows:
        if row.duplicate_of is None:
            continue
        original = session.get_one(CandidateRow, row.duplicate_of)
        if original.state is not CandidateState.SUBMITTED:
            row.state, row.label = original.state, original.label
            row.pass_fraction, row.execution_id = original.pass_fraction, original.execution_id
            row.labelled_at, row.reason = original.labelled_at, original.reason
    session.flush()


def load_suite(session: Session, problem_id: UUID) -> Suite:
    """Read all that judging a candidate of a problem takes.

    Raises:
        errors.NotFound: there is no such problem.
    """
    row = session.get(ProblemRow, problem_id)
    if row is None:
        raise errors.NotFound(f"there is no problem {problem_id}")
    return Suite(
        tests=_TESTS.validate_python([test.body for test in row.tests]),
        entry_point=row.entry_point,
        language=row.language,
        limits=Limits.model_validate(row.limits),
        allow_shared=row.allow_shared,
        reference_program=row.reference_program if row.limits.get("reference_factor") else None,
    )


def execution_requests(
    session: Session, candidate_ids: Sequence[UUID]
) -> Iterator[ExecutionRequest]:
    """Make the messages that have these candidates executed, one problem and slice at a time."""
    rows = session.execute(
        select(CandidateRow, GroupRow.problem_id)
        .join(GroupRow, CandidateRow.group_id == GroupRow.id)
        .where(CandidateRow.id.in_(candidate_ids))
        .order_by(GroupRow.problem_id, CandidateRow.id)
    ).all()
    by_problem: dict[UUID, list[Program]] = {}
    for candidate, problem_id in rows:
        program = Program(
            candidate_id=candidate.id, attempt=candidate.attempts + 1, source=candidate.program
        )
        by_problem.setdefault(problem_id, []).append(program)
    for problem_id, programs in by_problem.items():
        suite = load_suite(session, problem_id)
        for slice_ in _slices(programs):
            yield ExecutionRequest(problem_id=problem_id, suite=suite, programs=tuple(slice_))


def _slices(programs: Iterable[Program]) -> Iterator[list[Program]]:
    held: list[Program] = []
    characters = 0
    for program in programs:
        characters += len(program.source)
        if held and (len(held) == SLICE_CANDIDATES or characters > SLICE_CHARACTERS):
            yield held
            held, characters = [], len(program.source)
        held.append(program)
    if held:
        yield held
