import pytest
from sqlalchemy import text

from infra import intake, stored_problems
from infra.contracts.base import Author, CandidateState, GroupState, Label, Priority
from infra.contracts.candidates import NewGroup, SamplePlan
from infra.contracts.execution import ExecutionStarted
from infra.db.tables import ApiKeyRow, CandidateRow, ExecutionRow, SampleRequestRow
from infra.queues.messaging import Task
from ranker import records
from services.delivery import outbox, priorities

SANDBOX = "test"


@pytest.fixture
def executors(suite):
    """An executor has said that it is there."""
    see(suite, SANDBOX)


def see(suite, sandbox):
    with suite.work() as work:
        records.record_started(work, ExecutionStarted(sandbox=sandbox))


def submit(suite, *programs, key=0, **options):
    """Store a group without sending it."""
    candidates = tuple(suite.student(program) for program in programs)
    with suite.work() as work:
        return intake.open_group(
            work, suite.problem_id, NewGroup(candidates=candidates, **options), key
        )


def sent(suite):
    """Return the programs sent since the last call, message by message."""
    messages = suite.outbox.of(Task.EXECUTE_BATCH)
    suite.outbox.sent.clear()
    return [[program.source for program in message.programs] for message in messages]


def execute(suite, label=Label.ALL_PASS):
    """Label what was sent since the last call."""
    ids = suite.outbox.programs()
    suite.outbox.sent.clear()
    suite.record(*(suite.result(candidate_id, label, attempt) for candidate_id, attempt in ids))
    return len(ids)


def keys(suite, *names):
    with suite.work() as work:
        rows = [ApiKeyRow(name=name, sha256=name, scopes=[]) for name in names]
        work.session.add_all(rows)
        work.session.flush()
        return [row.id for row in rows]


def test_an_executed_program_is_not_executed_again_in_another_group(suite, executors):
    submit(suite, "same")
    suite.dispatch()
    assert execute(suite, Label.PARTIAL_PASS) == 1

    again = submit(suite, "same\r\n\n")
    suite.dispatch()

    assert suite.outbox.programs() == []
    first, second = suite.all(CandidateRow)
    (execution,) = suite.all(ExecutionRow)
    assert (first.cached, second.cached) == (False, True)
    assert (second.state, second.label) == (CandidateState.LABELLED, Label.PARTIAL_PASS)
    assert (second.pass_fraction, second.execution_id) == (0.5, execution.id)
    assert [message.group_id for message in suite.outbox.of(Task.RANK_GROUP)] == [again]
    assert suite.rank(again)


def test_a_group_may_ask_to_be_executed_for_itself(suite, executors):
    for _ in range(2):
        submit(suite, "same", "same", cache=False)
        suite.dispatch()
        assert execute(suite) == 1


def test_other_tests_mean_another_execution(suite, executors):
    submit(suite, "same")
    suite.dispatch()
    execute(suite)
    problem = suite.problem("other")
    harder = problem.model_copy(update={"tests": problem.tests[:1]})
    with suite.work() as work:
        problem_id, _ = stored_problems.add_problem(work, harder)
        intake.open_group(work, problem_id, NewGroup(candidates=(suite.student("same"),)))

    suite.dispatch()

    assert sent(suite) == [["same"]]


def test_the_same_tests_under_another_name_mean_the_same_execution(suite, executors):
    submit(suite, "same")
    suite.dispatch()
    execute(suite)
    with suite.work() as work:
        problem_id, _ = stored_problems.add_problem(
            work, suite.problem("other", prompt="Other words.")
        )
        intake.open_group(work, problem_id, NewGroup(candidates=(suite.student("same"),)))

    suite.dispatch()

    assert sent(suite) == []


def test_a_new_sandbox_version_executes_again(suite, executors):
    submit(suite, "same")
    suite.dispatch()
    execute(suite)
    with suite.work() as work:
        work.session.execute(text("UPDATE sandbox_profiles SET seen_at = now() - interval '1 day'"))
    see(suite, "newer")

    submit(suite, "same")
    suite.dispatch()

    assert sent(suite) == [["same"]]


def test_an_unstable_verdict_serves_nobody_else(suite, executors):
    submit(suite, "same")
    suite.dispatch()
    execute(suite)
    with suite.work() as work:
        work.session.execute(text("UPDATE executions SET unstable = true"))

    submit(suite, "same")
    suite.dispatch()

    assert sent(suite) == [["same"]]


def test_a_program_under_way_is_followed(suite, executors):
    submit(suite, "same")
    suite.dispatch()
    groups = [submit(suite, "same", f"own {number}", "same") for number in range(3)]
    suite.dispatch()
    assert len(suite.outbox.programs()) == 4

    assert execute(suite, Label.RUNTIME_ERROR) == 4
    suite.dispatch()

    rows = suite.all(CandidateRow)
    assert {row.state for row in rows} == {CandidateState.LABELLED}
    assert {row.label for row in rows} == {Label.RUNTIME_ERROR}
    assert sum(row.cached for row in rows) == 3
    assert {row.follows for row in rows} == {None}
    assert len(suite.all(ExecutionRow)) == 4
    assert {m.group_id for m in suite.outbox.of(Task.RANK_GROUP)} == set(groups)


def test_of_two_like_programs_that_go_at_once_one_goes(suite, executors):
    submit(suite, "same")
    submit(suite, "same")

    suite.dispatch()

    assert sent(suite) == [["same"]]


def test_who_follows_poison_goes_itself(suite, executors):
    submit(suite, "same")
    submit(suite, "same")
    suite.dispatch()
    ((leader, _),) = suite.outbox.programs()
    suite.outbox.sent.clear()
    suite.fail(leader, permanent=True)

    suite.dispatch()

    first, second = suite.all(CandidateRow)
    assert first.state is CandidateState.QUARANTINED
    assert suite.outbox.programs() == [(second.id, 1)]


def test_who_follows_lost_work_goes_itself(suite, executors):
    submit(suite, "same")
    submit(suite, "same")
    suite.dispatch()
    suite.outbox.sent.clear()
    with suite.work() as work:
        work.session.execute(text("UPDATE candidates SET sent_at = NULL"))

    suite.dispatch()
    suite.dispatch()

    assert sent(suite) == [["same"]]
    assert execute(suite) == 0


def test_who_is_labelled_or_set_aside_follows_nobody_any_more(suite, executors):
    for _ in range(2):
        submit(suite, "slow")
    submit(suite, "other", cache=False)
    suite.dispatch()
    leader, slow, _ = suite.all(CandidateRow)
    assert slow.follows == leader.id
    lost = submit(suite, "slow")
    suite.dispatch()

    # An executor that was taken for dead comes back with the verdicts of earlier attempts.
    suite.record(suite.result(slow.id, Label.ALL_PASS))
    (last,) = (one for one in suite.all(CandidateRow) if one.group_id == lost)
    suite.fail(last.id, permanent=True)

    assert [one.follows for one in suite.all(CandidateRow)] == [None] * 4
    suite.record(suite.result(leader.id, Label.ALL_PASS))
    with suite.work() as work:
        assert outbox.settle(work) == 0


def test_what_was_begun_before_goes_alone(suite):
    submit(suite, "a", "poison", "b", "c")
    suite.dispatch()
    assert sent(suite) == [["a", "poison", "b", "c"]]
    first, second, *_ = suite.all(CandidateRow)
    suite.start(first.id, second.id)  # and the executor dies
    with suite.work() as work:
        work.session.execute(text("UPDATE candidates SET sent_at = NULL"))

    suite.dispatch()

    assert sorted(sent(suite)) == [["a"], ["b", "c"], ["poison"]]


def test_interactive_work_goes_before_bulk(suite):
    submit(suite, *(f"bulk {number}" for number in range(100)))
    submit(suite, "now", priority=Priority.INTERACTIVE)

    suite.dispatch(messages=1)

    assert sent(suite) == [["now"]]


def test_keys_share_executors_whatever_each_has_submitted(suite):
    large, small = keys(suite, "large", "small")
    submit(suite, *(f"large {number}" for number in range(1000)), key=large)
    submit(suite, *(f"small {number}" for number in range(60)), key=small)

    suite.dispatch(messages=6)

    owners = [message[0].split()[0] for message in sent(suite)]
    assert sorted(owners[:2]) == ["large", "small"]
    # The small one's batches are shorter, so that it may send more of them.
    assert owners.count("small") >= 3


def test_a_key_whose_work_is_slow_does_not_hold_up_another(suite):
    slow, fast = keys(suite, "slow", "fast")
    submit(suite, *(f"slow {number}" for number in range(600)), key=slow)
    suite.dispatch(messages=8)
    suite.outbox.sent.clear()
    submit(suite, *(f"fast {number}" for number in range(200)), key=fast)

    suite.dispatch(messages=4)

    assert {message[0].split()[0] for message in sent(suite)} == {"fast"}


def test_what_the_queue_does_not_take_waits_on(suite):
    submit(suite, "a")
    with suite.work() as work:
        batches = outbox.send(work, outbox.choose(work.session, 1), outbox.Suites())
    with suite.work() as work:
        outbox.give_back(work, batches)

    suite.dispatch()

    assert sent(suite) == [["a"]]


def test_a_group_all_of_whose_labels_were_known_is_ranked(suite, executors):
    submit(suite, "good")
    suite.dispatch()
    execute(suite)
    group_id = submit(suite, "good", "good")
    suite.dispatch()

    assert suite.rank(group_id)
    with suite.database.reading() as session:
        states = session.execute(text("SELECT state FROM groups ORDER BY id")).scalars().all()
    assert states == [GroupState.RANKED.value] * 2


def test_a_priority_that_was_emptied_since_it_was_listed_is_passed_over(suite, monkeypatch):
    submit(suite, "one")
    with suite.database.reading() as session:
        listed = priorities.waiting(session)
    gone = priorities.PriorityClass(interactive=True, api_key_id=77)
    monkeypatch.setattr(priorities, "waiting", lambda _: [gone, *listed])

    with suite.database.reading() as session:
        chosen = outbox.choose(session, 8)

    assert [len(rows) for rows in chosen] == [1]


def test_what_somebody_waits_for_does_not_wait_behind_bulk_work(suite, executors):
    submit(suite, "same")
    suite.dispatch()
    assert sent(suite) == [["same"]]

    submit(suite, "same", priority=Priority.INTERACTIVE)
    suite.dispatch()
    assert sent(suite) == [["same"]]

    submit(suite, "same")
    suite.dispatch()
    assert sent(suite) == []
    leader = suite.all(CandidateRow)[1]
    assert suite.all(CandidateRow)[2].follows == leader.id


def test_who_has_begun_after_all_follows_nobody(suite, executors):
    submit(suite, "same")
    suite.dispatch()
    submit(suite, "same")
    with suite.work() as work:
        chosen = outbox.choose(work.session, 10)
    late = suite.all(CandidateRow)[1]
    suite.start(late.id)
    with suite.work() as work:
        assert outbox.send(work, chosen, outbox.Suites()) == []

    assert suite.all(CandidateRow)[1].follows is None


def test_what_the_queue_has_taken_after_all_is_not_given_back(suite):
    submit(suite, "one", "two")
    with suite.work() as work:
        batches = outbox.send(work, outbox.choose(work.session, 10), outbox.Suites())
    begun = suite.all(CandidateRow)[0]
    suite.start(begun.id)
    with suite.work() as work:
        outbox.give_back(work, batches)

    assert [row.sent_at is None for row in suite.all(CandidateRow)] == [False, True]


def test_keys_share_samplers_and_interactive_samples_go_first(suite):
    first, second = keys(suite, "first", "second")
    plan = SamplePlan(author=Author.STUDENT, backend="replay", num_samples=1)
    for key, count, priority in (
        (first, 4, Priority.BULK),
        (second, 2, Priority.BULK),
        (first, 1, Priority.INTERACTIVE),
    ):
        for _ in range(count):
            with suite.work() as work:
                new = NewGroup(samples=(plan,), priority=priority)
                intake.open_group(work, suite.problem_id, new, key)
    with suite.work() as work:
        taken = priorities.take_samples(work, 4) + priorities.take_samples(work, 10)

    rows = {row.id: row for row in suite.all(SampleRequestRow)}
    order = [(rows[one.sample_request_id].api_key_id, interactive) for one, interactive in taken]
    assert order == [
        (first, True),
        *((second, False), (first, False), (second, False)),
        *[(first, False)] * 3,
    ]
    assert [one.sample_request_id for one, _ in taken[2::2]] == sorted(
        one.sample_request_id for one, _ in taken[2::2]
    )
