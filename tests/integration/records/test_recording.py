import threading

import pytest
from sqlalchemy import delete, update

from infra import intake
from infra.contracts.base import (
    Author,
    CandidateState,
    GroupState,
    Integrity,
    Label,
    Outcome,
    SampleState,
    SkipReason,
    Unguarded,
    new_id,
)
from infra.contracts.execution import ExecutionResult, Guards, TestResult, Verdict
from infra.db.tables import CandidateRow, ExecutionRow, GroupRow, RankingRow, SampleRequestRow


@pytest.fixture
def pair(suite):
    """A group of a teacher and a student, and their ids."""
    group_id = suite.open(suite.teacher("good"), suite.student("bad"))
    (good, _), (bad, _) = suite.outbox.programs()
    return group_id, good, bad


def test_a_group_is_ranked_with_its_last_result_and_not_before(suite, pair):
    group_id, good, bad = pair

    assert suite.record(suite.result(good, Label.ALL_PASS)) == []
    assert suite.record(suite.result(bad, Label.RUNTIME_ERROR)) == [group_id]

    (ranking,) = suite.all(RankingRow)
    assert [entry["candidate_id"] for entry in ranking.order] == [str(good), str(bad)]
    assert (ranking.num_pairs, ranking.best_id, ranking.skip_reason) == (1, good, None)
    (group,) = suite.all(GroupRow)
    assert group.state is GroupState.RANKED
    assert group.ranked_at is not None


def test_a_test_that_passed_is_stored_in_few_bytes_and_read_whole(suite, pair):
    _, good, _ = pair
    result = suite.result(good, Label.PARTIAL_PASS)
    passed, failed = (
        TestResult(outcome=Outcome.PASSED, cpu_seconds=0.0012345678, wall_seconds=0.25),
        TestResult(outcome=Outcome.WRONG_ANSWER, name="test_b", detail="got 1", idle_seconds=1.5),
    )
    verdict = result.verdict.model_copy(update={"tests": (passed, failed)})

    suite.record(result.model_copy(update={"verdict": verdict}))

    (execution,) = suite.all(ExecutionRow)
    first, second = execution.tests
    assert first == {"outcome": "passed", "cpu_seconds": 0.001235, "wall_seconds": 0.25}
    assert TestResult.model_validate(first) == passed.model_copy(update={"cpu_seconds": 0.001235})
    assert TestResult.model_validate(second) == failed


def test_an_execution_keeps_the_outcome_of_every_test(suite, pair):
    _, good, _ = pair

    suite.record(suite.result(good, Label.PARTIAL_PASS))

    (execution,) = suite.all(ExecutionRow)
    assert (execution.passed, execution.total) == (1, 2)
    assert [test["outcome"] for test in execution.tests] == ["passed", "wrong_answer"]
    row = suite.candidate(good)
    assert (row.label, row.pass_fraction, row.execution_id) == (
        Label.PARTIAL_PASS,
        0.5,
        execution.id,
    )


def test_a_result_that_arrives_again_changes_nothing(suite, pair):
    _, good, bad = pair
    results = [suite.result(good, Label.ALL_PASS), suite.result(bad, Label.RUNTIME_ERROR)]
    suite.record(*results)
    before = [(row.id, row.created_at) for row in suite.all(ExecutionRow) + suite.all(RankingRow)]

    assert suite.record(*results) == []

    after = [(row.id, row.created_at) for row in suite.all(ExecutionRow) + suite.all(RankingRow)]
    assert after == before


def test_the_first_label_stays_whatever_a_later_attempt_says(suite, pair):
    _, good, _ = pair

    suite.record(suite.result(good, Label.ALL_PASS, attempt=2))
    suite.record(suite.result(good, Label.RUNTIME_ERROR, attempt=1))

    assert suite.candidate(good).label is Label.ALL_PASS
    assert len(suite.all(ExecutionRow)) == 2


def test_a_result_of_an_unknown_candidate_does_not_harm_the_others(suite, pair):
    _, good, _ = pair

    suite.record(suite.result(new_id(), Label.ALL_PASS), suite.result(good, Label.ALL_PASS))

    assert suite.candidate(good).label is Label.ALL_PASS


def test_a_result_of_a_group_that_is_being_deleted_does_not_harm_the_others(suite, pair):
    group_id, good, _ = pair
    suite.open(suite.teacher("other"))
    ((other, _),) = suite.outbox.programs()[-1:]

    results = (suite.result(good, Label.ALL_PASS), suite.result(other, Label.ALL_PASS))
    recording = threading.Thread(target=lambda: suite.record(*results))
    with suite.work() as work:
        work.session.execute(delete(GroupRow).where(GroupRow.id == group_id))
        recording.start()
        recording.join(0.5)
        assert recording.is_alive()
    recording.join()

    assert suite.candidate(other).label is Label.ALL_PASS
    assert len(suite.all(ExecutionRow)) == 1


def test_duplicates_share_the_label_and_are_in_the_order(suite):
    suite.open(suite.teacher("x"), suite.student("x"), suite.student("y"), suite.student("x"))
    (first, _), (other, _) = suite.outbox.programs()

    suite.record(suite.result(other, Label.RUNTIME_ERROR), suite.result(first, Label.ALL_PASS))

    labels = [row.label for row in suite.all(CandidateRow)]
    assert labels == [Label.ALL_PASS, Label.ALL_PASS, Label.RUNTIME_ERROR, Label.ALL_PASS]
    assert len(suite.all(ExecutionRow)) == 2
    (ranking,) = suite.all(RankingRow)
    assert (len(ranking.order), ranking.num_pairs) == (4, 1)


def test_a_group_waits_for_its_samples(suite):
    group_id = suite.open(suite.teacher("good"), samples=1)
    ((good, _),) = suite.outbox.programs()

    assert suite.record(suite.result(good, Label.ALL_PASS)) == []
    assert not suite.rank(group_id)

    (request,) = suite.all(SampleRequestRow)
    with suite.work() as work:
        work.session.get_one(SampleRequestRow, request.id).state = SampleState.COMPLETED
        (sampled,) = intake.admit(work, group_id, [suite.student("bad")], request.id)
    assert suite.record(suite.result(sampled, Label.COMPILE_ERROR)) == [group_id]


def test_starting_counts_an_attempt_only_while_the_candidate_waits(suite, pair):
    _, good, bad = pair
    suite.start(good, bad)
    suite.record(suite.result(good, Label.ALL_PASS))

    suite.start(good, bad)

    assert (suite.candidate(good).attempts, suite.candidate(bad).attempts) == (1, 2)
    assert suite.candidate(bad).started_at > suite.candidate(bad).sent_at


@pytest.mark.parametrize("copied", [1, 3])
def test_what_is_begun_under_another_number_is_no_other_attempt(suite, pair, copied):
    _, good, bad = pair
    suite.start(good, bad)
    before = suite.candidate(good).started_at

    suite.start(good, attempt=copied)
    suite.start(bad)

    assert (suite.candidate(good).attempts, suite.candidate(bad).attempts) == (1, 2)
    assert suite.candidate(good).started_at > before


def test_our_own_failure_is_no_label_and_lets_the_candidate_wait(suite, pair):
    _, good, _ = pair
    suite.start(good)

    suite.fail(good)

    row = suite.candidate(good)
    assert (row.state, row.label, row.started_at) == (CandidateState.SUBMITTED, None, None)
    assert (row.attempts, row.reason) == (1, "no cell")


def test_the_failure_of_an_older_attempt_does_not_stop_a_newer_one(suite, pair):
    _, good, _ = pair
    suite.start(good)
    suite.start(good)

    suite.fail(good, attempt=1)

    assert suite.candidate(good).started_at is not None


def test_a_label_after_a_failure_forgets_the_failure(suite, pair):
    _, good, _ = pair
    suite.fail(good)

    suite.record(suite.result(good, Label.ALL_PASS, attempt=2))

    assert (suite.candidate(good).label, suite.candidate(good).reason) == (Label.ALL_PASS, None)


def test_a_permanent_failure_is_set_aside_and_the_rest_is_ranked(suite):
    group_id = suite.open(suite.teacher("good"), suite.student("bad"), suite.student("bad"))
    (good, _), (bad, _) = suite.outbox.programs()
    suite.record(suite.result(good, Label.ALL_PASS))

    assert suite.fail(bad, permanent=True) == [group_id]

    states = [row.state for row in suite.all(CandidateRow)]
    assert states == [CandidateState.LABELLED] + [CandidateState.QUARANTINED] * 2
    (ranking,) = suite.all(RankingRow)
    assert len(ranking.order) == 1
    assert ranking.skip_reason is SkipReason.TOO_FEW_CANDIDATES


def test_a_label_that_comes_after_quarantine_is_kept_but_not_used(suite, pair):
    _, good, _ = pair
    suite.fail(good, permanent=True)

    suite.record(suite.result(good, Label.ALL_PASS))

    assert suite.candidate(good).state is CandidateState.QUARANTINED
    assert suite.candidate(good).label is None
    assert len(suite.all(ExecutionRow)) == 1


def test_a_verdict_that_came_too_late_labels_after_a_release(suite, pair):
    _, good, _ = pair
    suite.fail(good, permanent=True)
    suite.record(suite.result(good, Label.ALL_PASS))
    with suite.work() as work:
        work.session.execute(
            update(CandidateRow)
            .where(CandidateRow.id == good)
            .values(state=CandidateState.SUBMITTED, attempts=0, reason=None)
        )

    suite.record(suite.result(good, Label.COMPILE_ERROR))

    (execution,) = suite.all(ExecutionRow)
    assert suite.candidate(good).execution_id == execution.id
    assert suite.candidate(good).label is Label.ALL_PASS


def test_output_that_postgres_cannot_store_does_not_lose_the_result(suite, pair):
    _, good, _ = pair
    verdict = Verdict(
        label=Label.RUNTIME_ERROR,
        tests=(TestResult(outcome=Outcome.RUNTIME_ERROR, detail="a\x00b"),),
        sandbox="test",
        stdout="\x00",
        stderr="\x00",
        error="\x00",
    )

    suite.record(ExecutionResult(candidate_id=good, attempt=1, verdict=verdict))

    (execution,) = suite.all(ExecutionRow)
    assert (execution.stdout, execution.tests[0]["detail"]) == ("\ufffd", "a\ufffdb")


def test_how_tests_were_guarded_is_stored_with_their_outcomes(suite, pair):
    _, good, _ = pair
    guards = Guards(sites=6, guarded=2, none_because=Unguarded.ORDER, protected=False)
    verdict = Verdict(
        label=Label.ALL_PASS,
        tests=(TestResult(outcome=Outcome.PASSED),),
        sandbox="test",
        integrity=Integrity.SHARED,
        guards=guards,
    )

    suite.record(ExecutionResult(candidate_id=good, attempt=1, verdict=verdict))

    (execution,) = suite.all(ExecutionRow)
    assert execution.integrity is Integrity.SHARED
    assert Guards.model_validate(execution.guards) == guards


def test_results_of_one_group_that_arrive_together_rank_it_exactly_once(suite):
    group_id = suite.open(
        *(suite.teacher(f"good {number}") for number in range(4)),
        *(suite.student(f"bad {number}") for number in range(4)),
    )
    ids = [candidate_id for candidate_id, _ in suite.outbox.programs()]
    authors = {row.id: row.author for row in suite.all(CandidateRow)}
    ranked = []
    together = threading.Barrier(len(ids))

    def record(candidate_id):
        label = Label.ALL_PASS if authors[candidate_id] is Author.TEACHER else Label.RUNTIME_ERROR
        together.wait()
        ranked.extend(suite.record(suite.result(candidate_id, label)))

    in_parallel(record, ids)

    assert ranked == [group_id]
    (ranking,) = suite.all(RankingRow)
    assert (len(ranking.order), ranking.num_pairs) == (8, 16)


def test_batches_that_share_groups_in_any_order_do_not_block_each_other(suite):
    groups = [suite.open(suite.teacher(f"t{n}"), suite.student(f"s{n}")) for n in range(6)]
    ids = [candidate_id for candidate_id, _ in suite.outbox.programs()]
    together = threading.Barrier(4)
    ranked = []

    def work_on(order):
        together.wait()
        suite.start(*order)
        ranked.extend(suite.record(*(suite.result(one, Label.ALL_PASS) for one in order)))

    in_parallel(work_on, [ids, ids[::-1], ids[3:] + ids[:3], ids[::2] + ids[1::2]])

    assert sorted(ranked) == sorted(groups)
    assert len(suite.all(ExecutionRow)) == len(ids)
    assert len(suite.all(RankingRow)) == len(groups)


def in_parallel(function, arguments):
    failures = []

    def guarded(argument):
        try:
            function(argument)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(argument,)) for argument in arguments]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
