"""What the tests of records share: a database, a sender that keeps, short ways to say things."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

import pytest
from sqlalchemy import select, text

from infra import intake, stored_problems
from infra.contracts.base import Author, Contract, Label, Outcome, Priority
from infra.contracts.candidates import NewCandidate, NewGroup, SamplePlan
from infra.contracts.execution import (
    ExecutionFailure,
    ExecutionRequest,
    ExecutionResult,
    ExecutionResults,
    ExecutionStarted,
    TestResult,
    Verdict,
)
from infra.contracts.problems import CallTest, Problem
from infra.db.tables import CandidateRow, Table
from infra.db.unit_of_work import Database, Work
from infra.queues.messaging import Task
from ranker import groups, records
from ranker.ranking import Rules
from services.delivery import outbox, priorities

Row = TypeVar("Row", bound=Table)


class Outbox:
    """Stands where the broker's sender stands, and keeps what would have left."""

    def __init__(self) -> None:
        self.sent: list[tuple[Task, Contract]] = []
        self.reachable = True

    def send(self, task: Task, message: Contract, priority: int = 0) -> bool:
        if self.reachable:
            self.sent.append((task, message))
        return self.reachable

    def of(self, task: Task) -> list[Contract]:
        return [message for sent, message in self.sent if sent is task]

    def programs(self) -> list[tuple[UUID, int]]:
        """Every (candidate, attempt) that was sent to be executed."""
        return [
            (program.candidate_id, program.attempt)
            for message in self.of(Task.EXECUTE_BATCH)
            if isinstance(message, ExecutionRequest)
            for program in message.programs
        ]


class Suite:
    """A database with a problem, and the steps of a candidate's walk."""

    def __init__(self, open_database: Callable[[Outbox], Database]) -> None:
        self.outbox = Outbox()
        self.database = open_database(self.outbox)
        with self.work() as work:
            self.problem_id, _ = stored_problems.add_problem(work, self.problem())

    def work(self) -> AbstractContextManager[Work]:
        return self.database.unit_of_work()

    def open(
        self,
        *candidates: NewCandidate,
        samples: int = 0,
        policy: str = "default",
        priority: Priority = Priority.BULK,
    ) -> UUID:
        plans = [
            SamplePlan(author=Author.STUDENT, backend="replay", num_samples=1)
            for _ in range(samples)
        ]
        new = NewGroup(
            candidates=candidates, samples=tuple(plans), policy=policy, priority=priority
        )
        with self.work() as work:
            group_id = intake.open_group(work, self.problem_id, new)
        self.dispatch()
        return group_id

    def dispatch(self, messages: int = 1000) -> None:
        """Send what waits, as the dispatcher does."""
        with self.work() as work:
            outbox.settle(work)
            for request, _ in priorities.take_samples(work, messages):
                work.send_after_commit(Task.SAMPLE_GROUP, request)
        with self.work() as work:
            chosen = outbox.choose(work.session, messages)
            served = outbox.serve(work, chosen) if chosen else set()
        left = [[row for row in rows if row.id not in served] for rows in chosen]
        with self.work() as work:
            for batch in outbox.send(work, [rows for rows in left if rows], outbox.Suites()):
                work.send_after_commit(Task.EXECUTE_BATCH, batch.request)

    def record(self, *results: ExecutionResult, rules: Rules | None = None) -> list[UUID]:
        with self.work() as work:
            return records.record_results(work, ExecutionResults(results=results), rules or Rules())

    def start(self, *candidate_ids: UUID, attempt: int | None = None) -> None:
        attempts = {one: attempt or self.candidate(one).attempts + 1 for one in candidate_ids}
        with self.work() as work:
            records.record_started(work, ExecutionStarted(attempts=attempts))

    def fail(self, candidate_id: UUID, attempt: int = 1, permanent: bool = False) -> list[UUID]:
        failure = ExecutionFailure(
            candidate_id=candidate_id, attempt=attempt, reason="no cell", permanent=permanent
        )
        with self.work() as work:
            return records.record_results(work, ExecutionResults(failures=(failure,)), Rules())

    def rank(self, group_id: UUID) -> bool:
        with self.work() as work:
            groups.lock(work, [group_id])
            return bool(groups.rank_complete(work, [group_id], Rules()))

    def candidate(self, candidate_id: UUID) -> CandidateRow:
        with self.database.reading() as session:
            return session.get_one(CandidateRow, candidate_id)

    def all(self, table: type[Row]) -> Sequence[Row]:
        with self.database.reading() as session:
            return session.scalars(select(table).order_by(table.id)).all()

    def age(self, seconds: float) -> None:
        """Make everything look as if it had happened so much earlier."""
        columns = {
            "candidates": ("sent_at", "started_at"),
            "sample_requests": ("sent_at", "started_at"),
            "groups": ("created_at",),
            "rankings": ("created_at",),
            "training_batches": ("lease_until",),
        }
        with self.work() as work:
            for table, names in columns.items():
                earlier = ", ".join(f"{name} = {name} - :by" for name in names)
                work.session.execute(
                    text(f"UPDATE {table} SET {earlier}"),  # noqa: S608 - names from above
                    {"by": timedelta(seconds=seconds)},
                )

    def ranked_group(self, number: int = 0, policy: str = "default") -> UUID:
        """Make a group whose teacher passes and whose student does not compile."""
        group_id = self.open(
            self.teacher(f"good {number}"), self.student(f"bad {number}"), policy=policy
        )
        (good, _), (bad, _) = self.outbox.programs()[-2:]
        assert self.record(self.result(good, Label.ALL_PASS), self.result(bad, Label.COMPILE_ERROR))
        return group_id

    @staticmethod
    def problem(slug: str = "double", prompt: str = "Double it.") -> Problem:
        return Problem(
            slug=slug,
            prompt=prompt,
            entry_point="double",
            tests=(CallTest(args=(1,), expected=2), CallTest(args=(2,), expected=4)),
        )

    @staticmethod
    def student(program: str) -> NewCandidate:
        return NewCandidate(author=Author.STUDENT, program=program)

    @staticmethod
    def teacher(program: str) -> NewCandidate:
        return NewCandidate(author=Author.TEACHER, program=program)

    @staticmethod
    def result(
        candidate_id: UUID, label: Label, attempt: int = 1, stdout: str = ""
    ) -> ExecutionResult:
        outcomes = {
            Label.COMPILE_ERROR: (Outcome.NOT_RUN, Outcome.NOT_RUN),
            Label.RUNTIME_ERROR: (Outcome.RUNTIME_ERROR, Outcome.RUNTIME_ERROR),
            Label.PARTIAL_PASS: (Outcome.PASSED, Outcome.WRONG_ANSWER),
            Label.ALL_PASS: (Outcome.PASSED, Outcome.PASSED),
        }
        tests = tuple(TestResult(outcome=outcome) for outcome in outcomes[label])
        verdict = Verdict(label=label, tests=tests, sandbox="test", stdout=stdout)
        return ExecutionResult(candidate_id=candidate_id, attempt=attempt, verdict=verdict)


@pytest.fixture
def suite(open_database: Callable[[Outbox], Database]) -> Iterator[Suite]:
    opened = Suite(open_database)
    yield opened
    opened.database.close()


@pytest.fixture(scope="session")
def suite_on() -> type[Suite]:
    """For a database that several tests share: what opens a suite on it."""
    return Suite
