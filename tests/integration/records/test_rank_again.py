"""Groups that an older rule ranked are ranked again, and what was trained on stays as it was."""

import json
from uuid import UUID

import pytest
from sqlalchemy import select, update
from typer.testing import CliRunner

from infra.contracts.base import BatchState, Label, Outcome, SkipReason
from infra.contracts.execution import ExecutionResult, TestResult, Verdict
from infra.contracts.ranking import CompleteRequest, Lease, LeaseRequest, NewCheckpoint
from infra.db.tables import GroupRow, RankingRow, TrainingBatchRow
from ranker.again import RankedAgain, rank_again
from ranker.batching import batches
from ranker.ranking import RULE_VERSION, Preset, Rules
from services.api.routers.monitoring.stats import read_stats
from services.audit import Maxima, audit
from services.cli.main import app

MAXIMA = Maxima(max_attempts=3, max_leases=batches.MAX_LEASES)


def result(candidate_id, passed, total):
    outcomes = [Outcome.PASSED] * passed + [Outcome.WRONG_ANSWER] * (total - passed)
    label = Label.ALL_PASS if passed == total else Label.PARTIAL_PASS
    tests = tuple(TestResult(outcome=outcome) for outcome in outcomes)
    verdict = Verdict(label=label, tests=tests, sandbox="test")
    return ExecutionResult(candidate_id=candidate_id, attempt=1, verdict=verdict)


def group_of_the_older_rule(suite, name="a"):
    """A group whose teacher passes 18 tests of 20 and was ranked above a student with 19."""
    students = [suite.student(f"{says} {name}") for says in ("more", "few")]
    group_id = suite.open(suite.teacher(f"teacher {name}"), *students)
    ids = [candidate_id for candidate_id, _ in suite.outbox.programs()[-3:]]
    counts = zip(ids, (18, 19, 2), strict=True)
    assert suite.record(*(result(one, passed, 20) for one, passed in counts)) == [group_id]
    with suite.work() as work:
        row = work.session.scalars(select(RankingRow).where(RankingRow.group_id == group_id)).one()
        entries = {UUID(entry["candidate_id"]): dict(entry) for entry in row.order}
        entries[ids[0]]["score"] += 0.05
        row.order = [entries[one] for one in ids]
        row.rule_version, row.best_id = 1, ids[0]
        row.pairs = [
            {
                "better_id": str(ids[0]),
                "worse_id": str(one),
                "gap": entries[ids[0]]["score"] - entries[one]["score"],
            }
            for one in ids[1:]
        ]
        row.num_pairs, row.dropped_pairs, row.skip_reason = 2, 0, None
    return group_id, ids


def rankings(suite, group_id):
    """The rankings of a group, the first first."""
    return [row for row in suite.all(RankingRow) if row.group_id == group_id]


def form(suite, size=1):
    with suite.work() as work:
        return batches.form(work, size)


def lease(suite):
    with suite.work() as work:
        return batches.lease(work, LeaseRequest(worker="trainer", limit=9)).batches


def complete(suite, leased):
    lease_ = Lease(batch_id=leased.batch_id, epoch=leased.epoch)
    checkpoint = NewCheckpoint(version=1, path="/w/1", sha256="a" * 64)
    with suite.work() as work:
        batches.complete(work, CompleteRequest(leases=(lease_,), checkpoint=checkpoint))


def is_clean(suite):
    return audit(suite.database, MAXIMA).findings == ()


def test_the_papers_own_rule_prefers_a_teacher_of_the_same_label(suite):
    group_id, (teacher, *students) = group_of_the_older_rule(suite)

    assert rank_again(suite.database, Rules(preset=Preset.LINEAR)) == RankedAgain(groups=1)

    _, new = rankings(suite, group_id)
    assert new.best_id == teacher
    wanted = [(str(teacher), str(one), 0.05) for one in students]
    assert [(p["better_id"], p["worse_id"], p["gap"]) for p in new.pairs] == wanted
    assert is_clean(suite)


def test_a_group_without_a_batch_gets_a_ranking_by_the_present_rule(suite):
    group_id, (teacher, more, few) = group_of_the_older_rule(suite)

    assert rank_again(suite.database, Rules()) == RankedAgain(groups=1)

    old, new = rankings(suite, group_id)
    assert (old.rule_version, old.best_id, old.num_pairs) == (1, teacher, 2)
    assert old.superseded_at is not None
    assert (new.rule_version, new.best_id, new.superseded_at) == (RULE_VERSION, more, None)
    (pair,) = new.pairs
    assert (pair["better_id"], pair["worse_id"]) == (str(teacher), str(few))
    assert new.dropped_pairs == 1
    assert is_clean(suite)
    assert form(suite) == 1
    assert [row.training_batch_id is None for row in rankings(suite, group_id)] == [True, False]
    assert is_clean(suite)


def test_a_second_run_finds_nothing_to_do(suite):
    group_of_the_older_rule(suite)
    rank_again(suite.database, Rules())
    before = [(row.id, row.superseded_at) for row in suite.all(RankingRow)]

    assert rank_again(suite.database, Rules()) == RankedAgain()

    assert [(row.id, row.superseded_at) for row in suite.all(RankingRow)] == before


def test_a_batch_that_nobody_has_had_is_made_of_the_new_ranking(suite):
    (first, _), (second, _) = (group_of_the_older_rule(suite, name) for name in "ab")
    form(suite, 2)

    done = rank_again(suite.database, Rules())

    assert done == RankedAgain(groups=2, in_open_batches=2)
    (batch,) = suite.all(TrainingBatchRow)
    assert (batch.num_groups, batch.num_pairs) == (2, 2)
    for group_id in (first, second):
        old, new = rankings(suite, group_id)
        assert (old.training_batch_id, new.training_batch_id) == (None, batch.id)
    assert is_clean(suite)
    (leased,) = lease(suite)
    for group in leased.groups:
        programs = [response.program.partition(" ")[0] for response in group.responses]
        assert programs == ["more", "teacher", "few"]
        assert [pair[:2] for pair in group.pairs] == [(1, 2)]


def test_a_batch_that_is_left_with_nothing_goes(suite):
    group_id, _ = group_of_the_older_rule(suite)
    form(suite)

    rank_again(suite.database, Rules(min_best=Label.ALL_PASS))

    assert suite.all(TrainingBatchRow) == []
    old, new = rankings(suite, group_id)
    assert (old.training_batch_id, new.training_batch_id) == (None, None)
    assert new.skip_reason is SkipReason.BEST_BELOW_MINIMUM
    assert is_clean(suite)


@pytest.mark.parametrize("ends", ["leased", "completed", "stale"])
def test_a_batch_that_a_trainer_has_had_keeps_the_old_ranking(suite, ends):
    group_id, (teacher, more, _) = group_of_the_older_rule(suite)
    form(suite)
    if ends == "stale":
        with suite.work() as work:
            work.session.execute(update(TrainingBatchRow).values(state=BatchState.STALE))
    else:
        (leased,) = lease(suite)
        assert leased.groups[0].responses[leased.groups[0].best].candidate_id == teacher
    if ends == "completed":
        complete(suite, leased)

    done = rank_again(suite.database, Rules())

    assert done == RankedAgain(groups=1, in_leased_batches=1)
    (batch,) = suite.all(TrainingBatchRow)
    old, new = rankings(suite, group_id)
    assert (old.training_batch_id, old.rule_version, old.best_id) == (batch.id, 1, teacher)
    assert (new.training_batch_id, new.best_id) == (None, more)
    assert new.skip_reason is SkipReason.BATCHED_BEFORE
    assert form(suite) == 0
    assert is_clean(suite)
    with suite.database.reading() as session:
        assert read_stats(session).skipped == {SkipReason.BATCHED_BEFORE: 1}


def test_a_group_that_was_trained_is_not_trained_again_after_two_later_rules(suite, monkeypatch):
    group_id, _ = group_of_the_older_rule(suite)
    form(suite)
    complete(suite, *lease(suite))
    # The reason for no training data is the rule's own now, and not the earlier batch.
    rank_again(suite.database, Rules(min_best=Label.ALL_PASS))
    for module in ("ranking", "again"):
        monkeypatch.setattr(f"ranker.{module}.RULE_VERSION", RULE_VERSION + 1)

    done = rank_again(suite.database, Rules())

    assert done == RankedAgain(groups=1, in_leased_batches=1)
    assert [row.superseded_at is None for row in rankings(suite, group_id)] == [False, False, True]
    assert rankings(suite, group_id)[-1].skip_reason is SkipReason.BATCHED_BEFORE
    assert form(suite) == 0


def test_a_batch_that_is_being_leased_is_left_for_the_next_run(suite):
    group_id, _ = group_of_the_older_rule(suite)
    form(suite)
    other, _ = group_of_the_older_rule(suite, "b")

    with suite.work() as leasing:
        batches.lease(leasing, LeaseRequest(worker="trainer"))
        assert rank_again(suite.database, Rules()) == RankedAgain(groups=1, busy=1)
        assert len(rankings(suite, other)) == 2
        assert [row.superseded_at for row in rankings(suite, group_id)] == [None]

    done = rank_again(suite.database, Rules())

    assert done == RankedAgain(groups=1, in_leased_batches=1)
    assert is_clean(suite)


def test_it_goes_on_where_it_was_stopped(suite, monkeypatch):
    monkeypatch.setattr("ranker.again._GROUPS", 2)
    for number in range(5):
        group_of_the_older_rule(suite, f"{number}")

    class Stopped(Exception):
        pass

    def stop(done):
        if done.groups == 4:
            raise Stopped

    with pytest.raises(Stopped):
        rank_again(suite.database, Rules(), stop)
    told = []

    rank_again(suite.database, Rules(), lambda done: told.append(done.groups))

    assert told[-1] == 1
    assert len(suite.all(RankingRow)) == 10
    assert {len(rankings(suite, row.id)) for row in suite.all(GroupRow)} == {2}
    assert is_clean(suite)


def test_the_command_ranks_by_the_rankers_settings_and_says_how_many(
    suite, database_url, monkeypatch
):
    group_id, _ = group_of_the_older_rule(suite)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("RRTF_RANKER_PRESET", "linear")

    ended = CliRunner().invoke(app, ["rank-again", "--json"])

    assert ended.exit_code == 0
    said = {"groups": 1, "in_open_batches": 0, "in_leased_batches": 0, "busy": 0}
    assert json.loads(ended.stdout) == said
    assert [row.preset for row in rankings(suite, group_id)] == ["rrtf", "linear"]
    assert "0 groups ranked again" in CliRunner().invoke(app, ["rank-again"]).stdout
