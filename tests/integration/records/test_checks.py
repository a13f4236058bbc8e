"""A stored problem is checked by an executor, and what it finds holds for everybody."""

from datetime import timedelta

import pytest
import redis
from sqlalchemy import select, update

from infra import checking, errors, intake, stored_problems
from infra.contracts.base import (
    Author,
    CandidateState,
    CheckState,
    Integrity,
    Outcome,
    SampleState,
    SkipReason,
    Unguarded,
)
from infra.contracts.candidates import NewGroup, SamplePlan
from infra.contracts.checks import CheckReport, Fault, Finding, Strength
from infra.contracts.execution import Guards
from infra.contracts.problems import AssertTest, Problem
from infra.contracts.ranking import LeaseRequest
from infra.db.tables import (
    CandidateRow,
    ExecutionRow,
    ProblemRow,
    RankingRow,
    SampleRequestRow,
    TestCaseRow,
    TrainingBatchRow,
)
from infra.queues.messaging import Queue, Task, queue_keys
from infra.settings import SweepSettings
from ranker import checks, records
from ranker.batching import batches
from ranker.batching.wanted import EVERYTHING, Wanted
from ranker.ranking import Rules
from services.api.routers.execute import StoredSuites
from services.api.routers.monitoring.stats import read_stats
from services.delivery import checks as sending
from services.delivery.sweep import Sweep

SETTINGS = SweepSettings()
SOUND = Finding(slug="test/add", integrity=Integrity.ISOLATED, tests=2)
WRONG = Finding(slug="test/add", fault=Fault.REFERENCE, detail="test 1: wrong_answer: \x00 \ud800")
FOUND = {"finding": {"slug": "test/add", "fault": "reference"}}
ASSERTS = Problem(
    slug="test/asserts", prompt="", entry_point="f", tests=(AssertTest(source="assert f() == 1"),)
)


@pytest.fixture
def stored(database):
    """Store a problem; return its id."""

    def add(problem, mutants=0):
        with database.unit_of_work() as work:
            return stored_problems.add_problem(work, problem, mutants)[0]

    return add


@pytest.fixture
def asked(dispatch, sent):
    """Send what waits; return the checks that left."""

    def take():
        before = len(sent.of(Task.CHECK_PROBLEM))
        dispatch()
        return sent.of(Task.CHECK_PROBLEM)[before:]

    return take


@pytest.fixture
def report(database):
    """Report of a check, as an executor does."""

    def tell(request, **said):
        with database.unit_of_work() as work:
            checks.record_check(work, CheckReport.of(request, **said))

    return tell


@pytest.fixture
def row(database):
    def read(problem_id):
        with database.reading() as session:
            return session.get_one(ProblemRow, problem_id)

    return read


@pytest.fixture
def sweep(database, redis_url):
    """Sweep, so many seconds after whatever was sent or begun."""

    def run(seconds):
        with database.unit_of_work() as work:
            by = timedelta(seconds=seconds)
            row = ProblemRow
            earlier = {"check_sent_at": row.check_sent_at - by}
            earlier["check_started_at"] = row.check_started_at - by
            work.session.execute(update(row).values(earlier))
        Sweep(database, redis_url, SETTINGS, batch_groups=1).round()

    return run


def test_a_check_is_asked_for_once_and_its_decision_travels_with_every_slice(
    stored, asked, report, row, database, dispatch, sent, client
):
    problem_id = stored(ASSERTS)
    stored(ASSERTS)
    (request,) = asked()
    assert asked() == []
    assert request.suite.integrity == "auto"
    found = Finding(
        slug=ASSERTS.slug,
        integrity=Integrity.SHARED,
        reason="it patches",
        guards=Guards.of(1, 0, Unguarded.NO_REFERENCE),
        cpu_seconds=0.5,
        tests=1,
    )

    for _ in range(2):
        report(request, sandbox="s")
        report(request, sandbox="s", finding=found)
    report(request, sandbox="s", finding=SOUND)
    report(request, reason="the sandbox failed")

    check = client.get_problem(problem_id).check
    assert (check.state, check.attempts, check.sandbox) == (CheckState.SOUND, 1, "s")
    assert (check.finding, check.reason) == (found, None)
    assert check.suite_sha256 == request.suite_sha256 == row(problem_id).suite_sha256
    with database.unit_of_work() as work:
        program = {"author": "student", "program": "def f(): return 1"}
        intake.open_group(work, problem_id, NewGroup(candidates=(program,)))
    dispatch()
    (batch,) = sent.of(Task.EXECUTE_BATCH)
    assert batch.suite.decided is Integrity.SHARED
    assert batch.suite.digest() == request.suite_sha256


def test_candidates_do_not_wait_for_a_check_and_a_dispatcher_learns_what_it_decides(
    stored, asked, report, make_group, problem, dispatch, sent
):
    make_group(("student", "first"))
    (request,) = asked()
    report(request, finding=SOUND)
    make_group(("student", "second"))
    dispatch()

    decided = [message.suite.decided for message in sent.of(Task.EXECUTE_BATCH)]
    assert decided == [None, Integrity.ISOLATED]


def test_of_few_messages_that_may_be_sent_most_are_candidates(
    stored, make_group, dispatch, sent, redis_url
):
    for number in range(4):
        stored(ASSERTS.model_copy(update={"slug": str(number)}))
    make_group(("student", "1"))
    with redis.Redis.from_url(redis_url) as client:
        client.lpush(queue_keys(Queue.EXECUTOR)[0], *"123456")  # Of eight that there may be.
    dispatch()

    tasks = [task for task, _ in sent.messages]
    assert (tasks.count(Task.EXECUTE_BATCH), tasks.count(Task.CHECK_PROBLEM)) == (1, 0)
    dispatch()
    assert sent.of(Task.CHECK_PROBLEM)


def test_labels_while_one_waits_follow_what_is_known_of_a_stored_problem(
    stored, problem, asked, report, database
):
    problem_id = stored(problem)
    suites = StoredSuites(database)
    (request,) = asked()
    before = suites.get(problem.slug).suite.decided
    report(request, finding=SOUND)
    after = suites.get(str(problem_id)).suite.decided
    stored(problem, mutants=1)
    (again,) = asked()
    report(again, finding=WRONG)

    assert (before, after) == (None, Integrity.ISOLATED)
    with pytest.raises(errors.ProblemUnsound, match="reference"):
        suites.get(problem.slug)


def test_no_check_is_lost_and_one_that_nobody_finishes_is_set_aside(
    stored, problem, asked, report, row, sweep, sent, redis_url
):
    problem_id = stored(problem)
    sent.away = True
    with pytest.raises(errors.Unavailable):
        asked()
    sent.away = False

    (request,) = asked()
    sweep(SETTINGS.unsent_seconds + 1)  # It never was begun.
    (again,) = asked()
    assert (request.attempt, again.attempt) == (1, 1)
    report(again, reason="this executor has no image 'mine'")
    assert row(problem_id).check_reason == "this executor has no image 'mine'"
    for attempt in (1, 2, 3):
        sweep(SETTINGS.started_seconds + 1)
        (begun,) = asked()
        assert begun.attempt == attempt
        report(begun)
        report(begun)
        sweep(SETTINGS.started_seconds - 1)
        assert asked() == []
    sweep(SETTINGS.started_seconds + 1)

    assert asked() == []
    set_aside = row(problem_id)
    assert (set_aside.check_state, set_aside.check_attempts) == (CheckState.QUARANTINED, 3)
    assert set_aside.check_reason


def test_a_problem_that_could_not_be_stored_any_more_is_unsound_and_holds_up_no_other(
    stored, problem, asked, row, database
):
    old = stored(problem)
    with database.unit_of_work() as work:
        work.session.execute(update(TestCaseRow).values(body={"kind": "proxy"}))
    stored(ASSERTS)

    assert [request.slug for request in asked()] == [ASSERTS.slug]
    assert row(old).check_state is CheckState.UNSOUND
    assert row(old).finding["fault"] == "record"


def test_more_mutants_are_another_check_and_an_answer_to_the_one_before_is_none(
    stored, problem, asked, report, row
):
    problem_id = stored(problem)
    (first,) = asked()
    stored(problem, mutants=5)
    (second,) = asked()
    report(first, finding=WRONG)
    assert row(problem_id).check_state is CheckState.PENDING
    measured = SOUND.model_copy(update={"strength": Strength(mutants=4, killed=3)})
    report(second, finding=measured)

    assert row(problem_id).strength == 0.75
    stored(problem, mutants=5)
    assert asked() == []
    stored(problem, mutants=6)
    (third,) = asked()
    # There was no time for any.
    report(third, finding=SOUND.model_copy(update={"strength": Strength(mutants=0, killed=0)}))
    assert row(problem_id).check_state is CheckState.SOUND
    assert row(problem_id).strength == 0.75


def test_candidates_of_an_unsound_problem_get_no_label_wherever_they_are(
    stored, problem, asked, report, make_group, results_for, database, dispatch, sent, client
):
    labelled, under_way = make_group(("student", "0")), make_group(("student", "1"))
    (request,) = asked()
    ((first, second),) = (message.programs for message in sent.of(Task.EXECUTE_BATCH))
    passed = [Outcome.PASSED] * 2
    with database.unit_of_work() as work:
        records.record_results(work, results_for({first.candidate_id: passed}), Rules())
    waiting = make_group(("student", "2"))
    report(request, finding=WRONG)

    with database.unit_of_work() as work:
        records.record_results(work, results_for({second.candidate_id: passed}), Rules())
    dispatch()

    assert len(sent.of(Task.EXECUTE_BATCH)) == 1
    for group, state in (
        (labelled, CandidateState.LABELLED),
        (under_way, CandidateState.QUARANTINED),
        (waiting, CandidateState.QUARANTINED),
    ):
        (candidate,) = client.candidates(group)
        assert candidate.state is state
        if state is CandidateState.QUARANTINED:
            assert candidate.reason.startswith("the tests of test/add are unsound")
    with pytest.raises(errors.ProblemUnsound, match=r"the problem's fault \(reference\)"):
        make_group(("student", "3"))


def test_nobody_is_paid_for_samples_of_an_unsound_problem(
    asked, report, make_group, sent, client, database
):
    plan = SamplePlan(author=Author.STUDENT, backend="replay", num_samples=1)
    under_way = make_group(samples=(plan,))
    (request,) = asked()
    waiting = make_group(("student", "1"), samples=(plan,))
    report(request, finding=WRONG)
    asked()

    assert len(sent.of(Task.SAMPLE_GROUP)) == 1
    assert client.get_group(under_way).samples[0].state is SampleState.SUBMITTED
    (ended,) = client.get_group(waiting).samples
    assert (ended.state, ended.code) == (SampleState.QUARANTINED, "problem_unsound")
    assert waiting in [message.group_id for message in sent.of(Task.RANK_GROUP)]
    with database.unit_of_work() as work:
        # As the sweep does with what was sent and never begun.
        work.session.execute(update(SampleRequestRow).values(sent_at=None))
    asked()
    assert len(sent.of(Task.SAMPLE_GROUP)) == 1
    assert client.get_group(under_way).samples[0].state is SampleState.QUARANTINED


@pytest.mark.parametrize(
    ("wanted", "problem_is", "reason"),
    [
        (EVERYTHING, {"strength": None}, None),
        (EVERYTHING, {"check_state": "unsound", **FOUND}, SkipReason.UNSOUND_PROBLEM),
        (EVERYTHING, {"check_state": "quarantined", **FOUND}, SkipReason.UNSOUND_PROBLEM),
        (EVERYTHING, {"check_state": "quarantined"}, None),
        (Wanted(isolated=True), {}, SkipReason.SHARED_LABEL),
        (Wanted(min_strength=0.8), {"strength": 0.75}, SkipReason.WEAK_TESTS),
        (Wanted(min_strength=0.8), {"strength": None}, SkipReason.WEAK_TESTS),
        (Wanted(min_strength=0.75), {"strength": 0.75}, None),
    ],
)
def test_batches_are_made_of_what_is_wanted_and_the_rest_is_counted_by_reason(
    suite, wanted, problem_is, reason
):
    suite.ranked_group()
    with suite.work() as work:
        work.session.execute(update(ProblemRow).values({"check_state": "sound", **problem_is}))
        if wanted.isolated:
            work.session.execute(update(ExecutionRow).values(integrity="shared"))
    with suite.work() as work:
        formed = batches.form(work, 1, wanted=wanted)

    (ranking,) = suite.all(RankingRow)
    assert (formed, ranking.skip_reason) == (0 if reason else 1, reason)
    with suite.database.reading() as session:
        assert read_stats(session).skipped == ({reason: 1} if reason else {})


def test_what_was_batched_before_its_problem_was_found_unsound_comes_out_unless_a_trainer_had_it(
    suite,
):
    suite.ranked_group(0)
    with suite.work() as work:
        assert batches.form(work, 1) == 1
        lease = LeaseRequest(worker="t", policy="default", lease_seconds=60)
        (leased,) = batches.lease(work, lease).batches
    suite.ranked_group(1)
    with suite.work() as work:
        assert batches.form(work, 1) == 1
    with suite.work() as work:
        (request,) = sending.take(work, 1)
        checks.record_check(work, CheckReport.of(request, finding=WRONG))

    had, taken_back = suite.all(RankingRow)
    assert (had.training_batch_id, had.skip_reason) == (leased.batch_id, None)
    assert (taken_back.training_batch_id, taken_back.skip_reason) == (None, "unsound_problem")
    assert [one.id for one in suite.all(TrainingBatchRow)] == [leased.batch_id]


def test_a_group_waits_for_the_strength_that_is_being_measured(suite):
    suite.ranked_group()
    with suite.work() as work:
        checking.ask_again(work, suite.problem_id, mutants=5)
        assert batches.form(work, 1, wanted=Wanted(min_strength=0.5)) == 0
        work.session.execute(update(ProblemRow).values(check_state="sound", strength=0.5))
        assert batches.form(work, 1, wanted=Wanted(min_strength=0.5)) == 1


def test_a_group_of_an_unsound_problem_waits_while_that_is_checked_again(suite):
    suite.ranked_group()
    with suite.work() as work:
        work.session.execute(update(ProblemRow).values(check_state="unsound", **FOUND))
        checking.ask_again(work, suite.problem_id, mutants=0)
        assert batches.form(work, 1) == 0
        work.session.execute(update(ProblemRow).values(check_state="sound", finding={}))
        assert batches.form(work, 1) == 1


def test_an_unsound_problem_stays_so_until_another_check_has_ended(
    stored, problem, asked, report, row, sweep, make_group
):
    problem_id = stored(problem)
    (request,) = asked()
    report(request, finding=WRONG)
    assert row(problem_id).finding["detail"] == "test 1: wrong_answer: \ufffd ?"
    stored(problem, mutants=1)
    for _ in range(SETTINGS.max_attempts):
        with pytest.raises(errors.ProblemUnsound):
            make_group(("student", "1"))
        (again,) = asked()
        report(again)
        sweep(SETTINGS.started_seconds + 1)

    sweep(SETTINGS.started_seconds + 1)
    assert row(problem_id).check_state is CheckState.QUARANTINED
    with pytest.raises(errors.ProblemUnsound):
        make_group(("student", "1"))


def test_candidates_of_a_problem_that_another_version_stored_hold_up_no_other(
    stored, problem, asked, report, make_group, database, dispatch, sent, client
):
    problem_id = stored(problem)
    (request,) = asked()
    report(request, finding=SOUND)
    group = make_group(("student", "1"))
    with database.unit_of_work() as work:
        (body,) = work.session.scalars(select(TestCaseRow.body).where(TestCaseRow.position == 0))
        work.session.execute(update(TestCaseRow).values(body={"kind": "proxy"}))
    other = stored(ASSERTS)
    with database.unit_of_work() as work:
        program = {"author": "student", "program": "def f(): return 1"}
        intake.open_group(work, other, NewGroup(candidates=(program,)))
    dispatch()

    assert [one.problem_id for one in sent.of(Task.EXECUTE_BATCH)] == [other]
    with pytest.raises(errors.ProblemUnsound, match="another version"):
        client.get_problem(problem_id)
    with database.unit_of_work() as work:
        work.session.execute(
            update(TestCaseRow).where(TestCaseRow.problem_id == problem_id).values(body=body)
        )
        # As the sweep does with what was sent and never begun.
        work.session.execute(
            update(CandidateRow).where(CandidateRow.group_id == group).values(sent_at=None)
        )
    dispatch()
    assert [one.problem_id for one in sent.of(Task.EXECUTE_BATCH)] == [other, problem_id]
