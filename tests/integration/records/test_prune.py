import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text, update
from typer.testing import CliRunner

from infra import intake
from infra.contracts.base import BatchState, GroupState, Label, SkipReason
from infra.contracts.candidates import NewGroup
from infra.contracts.execution import ExecutionStarted
from infra.db.tables import (
    CandidateRow,
    ExecutionRow,
    GroupRow,
    IdempotentRequestRow,
    RankingRow,
    TrainingBatchRow,
)
from ranker import records
from ranker.again import rank_again
from ranker.batching import batches
from ranker.ranking import Rules
from services.api.idempotency import once
from services.audit import Maxima, audit
from services.cli.main import app
from services.delivery import outbox, priorities
from services.delivery.prune import Preview, Pruned, preview, prune

MAXIMA = Maxima(max_attempts=3, max_leases=5)
DAY = timedelta(days=1)


def make_old(suite):
    """Make everything two days older."""
    with suite.work() as work:
        for table, column in (
            ("groups", "ranked_at"),
            ("executions", "created_at"),
            ("idempotent_requests", "created_at"),
        ):
            work.session.execute(
                text(f"UPDATE {table} SET {column} = {column} - interval '2 days'")  # noqa: S608
            )


def taught_nothing(suite, name="only", stdout=""):
    """Make a ranked group without pairs."""
    group_id = suite.open(suite.student(name))
    ((one, _),) = suite.outbox.programs()[-1:]
    suite.record(suite.result(one, Label.ALL_PASS, stdout=stdout))
    return group_id


def test_a_group_that_taught_nothing_goes_with_all_it_has(suite):
    taught_nothing(suite)
    make_old(suite)
    recent = taught_nothing(suite, "recent")

    assert prune(suite.database, DAY) == Pruned(groups=1)

    assert [row.id for row in suite.all(GroupRow)] == [recent]
    for table in (CandidateRow, ExecutionRow, RankingRow):
        assert len(suite.all(table)) == 1
    assert prune(suite.database, DAY) == Pruned()


def test_what_was_trained_or_will_be_stays_without_its_output(suite):
    waiting, trained = suite.ranked_group(1), suite.ranked_group(2)
    with suite.work() as work:
        batches.form(work, 1)
        work.session.execute(update(ExecutionRow).values(stdout="x" * 1000, stderr="y"))
        work.session.execute(update(TrainingBatchRow).values(state=BatchState.COMPLETED))
    never_batched = suite.ranked_group(3)
    make_old(suite)

    assert prune(suite.database, DAY) == Pruned(outputs=4)

    assert {row.id for row in suite.all(GroupRow)} == {waiting, trained, never_batched}
    for execution in suite.all(ExecutionRow):
        assert (execution.stdout, execution.stderr, execution.total) == ("", "", 2)


@pytest.mark.parametrize("state", [BatchState.QUARANTINED, BatchState.STALE])
def test_a_batch_that_was_set_aside_goes_with_its_last_group(suite, state):
    first, second = suite.ranked_group(1), suite.ranked_group(2)
    with suite.work() as work:
        batches.form(work, 2)
        work.session.execute(update(TrainingBatchRow).values(state=state))
    make_old(suite)
    young(suite, second)

    assert prune(suite.database, DAY) == Pruned(groups=1)
    (batch,) = suite.all(TrainingBatchRow)
    assert (batch.num_groups, batch.num_pairs) == (1, 1)
    assert [row.group_id for row in suite.all(RankingRow)] == [second] != [first]
    assert audit(suite.database, MAXIMA).findings == ()

    make_old(suite)
    assert prune(suite.database, DAY) == Pruned(groups=1)
    assert suite.all(TrainingBatchRow) == []
    assert audit(suite.database, MAXIMA).findings == ()


def young(suite, group_id):
    with suite.work() as work:
        work.session.get_one(GroupRow, group_id).ranked_at = func.now()


def test_a_batch_that_is_being_released_keeps_its_groups(suite):
    suite.ranked_group()
    with suite.work() as work:
        batches.form(work, 1)
        work.session.execute(update(TrainingBatchRow).values(state=BatchState.QUARANTINED))
    make_old(suite)

    with suite.work() as releasing:
        releasing.session.execute(update(TrainingBatchRow).values(state=BatchState.READY))
        assert prune(suite.database, DAY) == Pruned()

    assert len(suite.all(RankingRow)) == 1
    assert prune(suite.database, DAY) == Pruned()


def test_open_groups_stay_however_old(suite):
    suite.open(suite.student("x"))
    make_old(suite)

    assert prune(suite.database, timedelta(0)) == Pruned()
    assert [row.state for row in suite.all(GroupRow)] == [GroupState.OPEN]


def test_an_execution_that_serves_another_group_stays(suite):
    with suite.work() as work:
        records.record_started(work, ExecutionStarted(sandbox="test"))
    first = taught_nothing(suite)
    make_old(suite)
    second = suite.open(suite.student("only"))
    suite.rank(second)

    assert prune(suite.database, DAY) == Pruned()
    assert {row.id for row in suite.all(GroupRow)} == {first, second}

    make_old(suite)
    # Of two that go together, the one that is served goes first.
    assert prune(suite.database, DAY) == Pruned(groups=2)
    assert suite.all(ExecutionRow) == []


def test_nothing_goes_while_executions_are_given_to_others(suite):
    with suite.work() as work:
        records.record_started(work, ExecutionStarted(sandbox="test"))
    first = taught_nothing(suite)
    make_old(suite)
    with suite.work() as work:
        new = NewGroup(candidates=(suite.student("only"),))
        second = intake.open_group(work, suite.problem_id, new)

    with ThreadPoolExecutor() as pool:
        with suite.work() as dispatching:
            assert priorities.has_turn(dispatching)
            pruning = pool.submit(prune, suite.database, DAY)
            with pytest.raises(TimeoutError):
                pruning.result(timeout=0.5)
            assert outbox.serve(dispatching, outbox.choose(dispatching.session, 10))
        assert pruning.result(timeout=10) == Pruned()

    suite.rank(second)
    assert {row.id for row in suite.all(GroupRow)} == {first, second}
    assert audit(suite.database, MAXIMA).findings == ()


def test_answers_to_old_requests_go(suite):
    with suite.work() as work:
        for key in ("a", "b"):
            work.session.add(
                IdempotentRequestRow(api_key_id=0, key=key, fingerprint="f", answer=[])
            )
    make_old(suite)
    with suite.work() as work:
        work.session.add(IdempotentRequestRow(api_key_id=0, key="c", fingerprint="f", answer=[]))

    assert prune(suite.database, DAY) == Pruned(requests=2)
    with suite.database.reading() as session:
        assert session.scalars(select(IdempotentRequestRow.key)).all() == ["c"]


def test_an_answer_that_is_being_given_again_stays_until_it_is_given(suite):
    def ask(work):
        return once(work, 0, "a", b"x", lambda: ["made"])

    with suite.work() as work:
        ask(work)
    make_old(suite)

    with suite.work() as work:
        assert ask(work) == ["made"]
        assert prune(suite.database, DAY) == Pruned()
    assert prune(suite.database, DAY) == Pruned(requests=1)


def test_many_groups_go_in_small_steps(suite, monkeypatch):
    monkeypatch.setattr("services.delivery.prune._GROUPS", 2)
    for number in range(5):
        taught_nothing(suite, f"{number}")
    make_old(suite)
    told = []

    prune(suite.database, DAY, lambda pruned: told.append(pruned.groups))

    assert told == [2, 4, 5]


def test_what_would_go_is_counted_by_kind_and_stays(suite):
    with suite.work() as work:
        records.record_started(work, ExecutionStarted(sandbox="test"))
    # The first serves the second, and the second goes.
    taught_nothing(suite, "served", stdout="x")
    suite.rank(suite.open(suite.student("served"), suite.student("served")))
    waiting = suite.ranked_group(1)
    with suite.work() as work:
        work.session.add(IdempotentRequestRow(api_key_id=0, key="a", fingerprint="f", answer=[]))
        work.session.execute(update(ExecutionRow).values(stderr="y"))
    make_old(suite)
    # This one stays, with the one that serves it.
    keeps = taught_nothing(suite, "keeps", stdout="x")
    make_old(suite)
    recent = suite.open(suite.student("keeps"))
    suite.rank(recent)
    before = {table: suite.all(table) for table in (GroupRow, CandidateRow, ExecutionRow)}

    counted = preview(suite.database, DAY)

    assert {table: len(rows) for table, rows in before.items()} == {
        table: len(suite.all(table)) for table in before
    }
    assert counted == Preview(
        groups=2, candidates=3, executions=1, rankings=2, sample_requests=0, outputs=3, requests=1
    )
    assert prune(suite.database, DAY) == Pruned(groups=2, outputs=3, requests=1)
    assert {row.id for row in suite.all(GroupRow)} == {waiting, keeps, recent}
    assert preview(suite.database, DAY) == Preview(**dict.fromkeys(vars(counted), 0))


def test_the_command_deletes_nothing_unless_it_is_told_yes(suite, database_url, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", database_url)
    for number in range(3):
        taught_nothing(suite, f"{number}")

    def run(*words):
        ended = CliRunner().invoke(app, ["prune", "--days", "0", *words])
        assert ended.exit_code == 0
        return ended

    shown = run()
    assert "3\tgroups that are old" in shown.stdout
    assert "3\tcandidates of theirs" in shown.stdout
    assert "nothing was deleted" in shown.stderr
    said = json.loads(run("--json").stdout)
    assert (said["deleted"], said["groups"], said["executions"]) == (False, 3, 3)
    assert len(suite.all(GroupRow)) == 3

    deleted = json.loads(run("--yes", "--json").stdout)
    assert deleted == {"deleted": True, "groups": 3, "outputs": 0, "requests": 0}
    assert suite.all(GroupRow) == []
    assert "0\tgroups" in run("--yes").stdout


def test_a_superseded_ranking_keeps_no_group(suite):
    suite.ranked_group()
    with suite.work() as work:
        work.session.execute(update(RankingRow).values(rule_version=1))
    rank_again(suite.database, Rules())
    with suite.work() as work:
        # As rules that ask for more would have it; the ranking before waited for a batch.
        newest = update(RankingRow).where(RankingRow.superseded_at.is_(None))
        work.session.execute(newest.values(skip_reason=SkipReason.BEST_BELOW_MINIMUM))
    make_old(suite)

    assert preview(suite.database, DAY).rankings == 2
    assert prune(suite.database, DAY) == Pruned(groups=1)
    assert suite.all(RankingRow) == []
