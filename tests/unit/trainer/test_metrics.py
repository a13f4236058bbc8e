"""What a step reports, against the same figures by hand."""

from dataclasses import replace

import numpy
import pytest
import torch

from infra.contracts.base import Label
from tests.unit.trainer.students import ids_group
from trainer.modes.config import LossConfig
from trainer.modes.groups import OwnPrograms
from trainer.modes.objective import denominators
from trainer.modes.ranking import ranking_terms
from trainer.modes.terms import Denominators
from trainer.watch.metrics import Moments, Tally


def test_a_correlation_is_pearsons():
    rng = numpy.random.default_rng(0)
    x, y = rng.normal(100, 1, 50), rng.normal(0, 3, 50)
    moments = Moments()
    for one, other in zip(x, y + x, strict=True):
        moments.add(one, other)

    assert moments.correlation() == pytest.approx(numpy.corrcoef(x, y + x)[0, 1])


def test_what_never_varies_correlates_with_nothing():
    moments = Moments()
    for y in range(5):
        moments.add(0.3, y)

    assert moments.correlation() == 0.0


def terms_of(group, *means):
    sums = torch.tensor([mean * n for mean, n in zip(means, group.lengths, strict=True)])
    return ranking_terms(sums, group.lengths, group.pairs, group.best, LossConfig())


def test_a_step_reports_what_its_groups_add_up_to():
    config, tally = LossConfig(), Tally()
    groups = [ids_group(4, 6, 8), ids_group(2, 5)]
    # Leads of the pairs: 0.5, -1.5 and 0.25.
    tally.add(groups[0], terms_of(groups[0], -2.0, -2.5, -0.5))
    tally.add(groups[1], terms_of(groups[1], -1.0, -1.25))
    counted = (denominators(g, config) for g in groups)

    metrics = tally.metrics(sum(counted, Denominators()), config)

    assert metrics["rank_loss"] == pytest.approx(0.7 * 1.5 / 3)
    assert metrics["ce_loss"] == pytest.approx((2.0 * 4 + 1.0 * 2) / 6)
    assert metrics["loss"] == pytest.approx(0.35 + 10 / 6)
    assert metrics["active_pairs"] == pytest.approx(1 / 3)
    assert metrics["pair_accuracy"] == pytest.approx(2 / 3)
    assert metrics["margin"] == pytest.approx((0.5 - 1.5 + 0.25) / 3)
    assert metrics["response_tokens"] == 25
    assert metrics[f"label_{Label.ALL_PASS}"] == pytest.approx(2 / 5)
    assert metrics[f"label_{Label.COMPILE_ERROR}"] == 0


def test_what_the_policy_writes_is_reported_where_it_has_written():
    def metrics(*own):
        tally, group = Tally(), ids_group(4, 6)
        for one in own:
            tally.add(replace(group, own=one), terms_of(group, -2.0, -2.5))
        return tally.metrics(Denominators(), LossConfig())

    found = metrics(
        OwnPrograms(count=6, passed=3, shared=1, distinct=4, characters=600),
        OwnPrograms(count=2, passed=1, shared=1, distinct=1, characters=40),
    )

    assert found["own_pass_rate"] == 4 / 8
    assert found["own_shared_pass_share"] == 2 / 4
    assert found["own_distinct_share"] == 5 / 8
    assert found["own_length"] == 640 / 8
    assert "own_length" not in metrics(OwnPrograms())


def test_tallies_of_several_processes_add_up_to_one():
    groups = [ids_group(4, 6, 8), ids_group(2, 5)]
    leads = [(-2.0, -2.5, -0.5), (-1.0, -1.25)]
    whole, parts = Tally(), [Tally(), Tally()]
    for group, means, part in zip(groups, leads, parts, strict=True):
        whole.add(group, terms_of(group, *means))
        part.add(group, terms_of(group, *means))

    added = [sum(pair) for pair in zip(*(part.numbers() for part in parts), strict=True)]

    assert Tally.of(added).numbers() == pytest.approx(whole.numbers())
