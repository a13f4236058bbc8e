"""Rankings over the API, after a group was ranked again."""

import uuid

import pytest
from sqlalchemy import update

from infra import errors
from infra.contracts.base import Outcome, SkipReason
from infra.contracts.ranking import LeaseRequest
from infra.db.tables import RankingRow
from ranker import records
from ranker.again import rank_again
from ranker.batching import batches
from ranker.ranking import RULE_VERSION, Rules
from services.exports.rows import Rows
from services.exports.shapes import Shape
from services.exports.wanted import Wanted

P, W = Outcome.PASSED, Outcome.WRONG_ANSWER


@pytest.fixture
def trained(client, database, make_group, results_for):
    """A group that a trainer had by an older rule, which put a student that fails first."""
    group_id = make_group(("teacher", "right"), ("student", "wrong"))
    right, wrong = (item.id for item in client.candidates(group_id))
    with database.unit_of_work() as work:
        records.record_results(work, results_for({right: [P, P], wrong: [W, W]}), Rules())
    pair = {"better_id": str(wrong), "worse_id": str(right), "gap": 0.5}
    with database.unit_of_work() as work:
        work.session.execute(
            update(RankingRow).values(rule_version=1, best_id=wrong, pairs=[pair], num_pairs=1)
        )
        batches.form(work, 1)
    with database.unit_of_work() as work:
        (leased,) = batches.lease(work, LeaseRequest(worker="trainer")).batches
    rank_again(database, Rules())
    return group_id, leased.batch_id, right, wrong


def test_a_batch_leads_to_the_ranking_it_was_made_of(client, trained):
    group_id, batch_id, right, wrong = trained

    now, then = client.get_ranking(group_id), client.get_ranking(group_id, batch_id)

    assert (now.rule_version, now.best_id, now.superseded_at) == (RULE_VERSION, right, None)
    assert (now.training_batch_id, now.skip_reason) == (None, SkipReason.BATCHED_BEFORE)
    assert (then.rule_version, then.best_id, then.training_batch_id) == (1, wrong, batch_id)
    assert then.superseded_at is not None
    assert client.get_training_batch(batch_id).group_ids == (group_id,)
    with pytest.raises(errors.NotFound, match="is not ranked in"):
        client.get_ranking(group_id, uuid.uuid4())


def test_ranked_groups_and_exports_come_from_the_ranking_in_force(client, trained):
    (group,) = client.ranked_groups()

    (row,) = Rows(Shape.PREFERENCE, Wanted()).of([group])
    assert (row["chosen"], row["rejected"]) == ("right", "wrong")
    assert [response.pass_fraction for response in group.responses] == [1.0, 0.0]
    assert group.responses[group.best].program == "right"
    assert client.stats().pairs == 1
