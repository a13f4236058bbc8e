"""The loss, against the paper's arithmetic and a plain double loop."""

import random

import pytest
import torch

from trainer.loss import (
    Denominators,
    LossConfig,
    PairLoss,
    Preset,
    denominators,
    group_terms,
    total,
)


def constant(p, length=4):
    """Token log-probabilities whose mean is p."""
    return torch.full((length,), p)


def pairs_of(scores, is_teacher):
    return [
        (i, j, scores[i] - scores[j])
        for i in range(len(scores))
        for j in range(len(scores))
        if is_teacher[i] and not is_teacher[j] and scores[i] > scores[j]
    ]


@pytest.mark.parametrize(
    ("p_teacher", "p_student", "r_teacher", "r_student", "rank_loss"),
    [
        (-1.0, -0.5, 3.0, 1.0, 1.0),
        (-0.2, -0.5, 3.0, 1.0, 0.0),
        (-1.0, -0.5, 2.0, 2.0, 0.0),
        (-1.0, -0.5, 2.05, 2.0, 0.025),
        (-1.0, -0.5, 1.0, 3.0, 0.0),
    ],
)
def test_golden_vectors_of_the_ranking_term(p_teacher, p_student, r_teacher, r_student, rank_loss):
    pairs = pairs_of([r_teacher, r_student], [True, False])

    terms = group_terms([constant(p_teacher), constant(p_student)], pairs, 0, LossConfig())

    assert terms.rank_sum.item() == pytest.approx(rank_loss, abs=1e-6)


@pytest.mark.parametrize(("preset", "ce"), [(Preset.PAPER, 3.0), (Preset.DEFAULT, 1.0)])
def test_golden_vector_of_the_cross_entropy_term(preset, ce):
    config = LossConfig.of(preset)
    teacher = torch.tensor([-1.0, -0.5, -1.5])
    pairs = [(0, 1, 2.0)]

    terms = group_terms([teacher, constant(-0.5)], pairs, 0, config)
    counts = denominators([3, 4], pairs, 0, config)

    assert terms.p_N[0].item() == pytest.approx(-1.0)
    assert total(terms, counts, config).item() == pytest.approx(1.0 + ce)


@pytest.mark.parametrize("kind", list(PairLoss))
@pytest.mark.parametrize("seed", range(20))
def test_terms_and_gradient_equal_a_plain_double_loop(kind, seed):
    rng = random.Random(seed)
    torch.manual_seed(seed)
    n = rng.randint(2, 7)
    scores = [rng.choice([0.0, 1 / 3, 0.7, 1.0]) for _ in range(n)]
    teacher = [True, *(rng.random() < 0.4 for _ in range(n - 1))]
    config = LossConfig(pair_loss=kind, margin=rng.choice([0.0, 0.1]), beta=1.5)
    logps = [(-torch.rand(rng.randint(1, 9))).requires_grad_() for _ in range(n)]
    pairs = pairs_of(scores, teacher)

    terms = group_terms(logps, pairs, 0, config)
    (terms.rank_sum + terms.ce_sum).backward()

    expected_gradients = [torch.full_like(logp, 0.0) for logp in logps]
    expected_gradients[0] -= 1
    expected = 0.0
    for i, j, gap in pairs:
        lead = (logps[i].mean() - logps[j].mean()).item()
        if kind is PairLoss.HINGE:
            expected += gap * max(0.0, config.margin - lead)
            slope = -1.0 if config.margin - lead > 0 else 0.0
        else:
            weight = torch.tensor(-1.5 * lead)
            expected += gap * torch.nn.functional.softplus(weight).item()
            slope = -1.5 * torch.sigmoid(weight).item()
        expected_gradients[i] += gap * slope / len(logps[i])
        expected_gradients[j] -= gap * slope / len(logps[j])
    assert terms.rank_sum.item() == pytest.approx(expected, abs=1e-5)
    for logp, gradient in zip(logps, expected_gradients, strict=True):
        # A response in no pair gets no gradient at all.
        found = torch.zeros_like(logp) if logp.grad is None else logp.grad
        torch.testing.assert_close(found, gradient, atol=1e-5, rtol=1e-5)


def test_the_order_of_responses_does_not_matter():
    torch.manual_seed(0)
    logps = [-torch.rand(n) for n in (3, 5, 2, 7)]
    pairs = [(0, 2, 0.5), (0, 3, 1.0), (1, 3, 0.2)]
    order = [2, 0, 3, 1]
    place = {old: new for new, old in enumerate(order)}
    moved = [(place[i], place[j], gap) for i, j, gap in pairs]

    here = group_terms(logps, pairs, 1, LossConfig())
    there = group_terms([logps[k] for k in order], moved, place[1], LossConfig())

    torch.testing.assert_close(here.rank_sum, there.rank_sum)
    torch.testing.assert_close(here.ce_sum, there.ce_sum)


def test_rrhf_weighs_every_pair_alike():
    config = LossConfig.of(Preset.RRHF)
    pairs = [(0, 1, 0.9), (0, 2, 0.1)]

    terms = group_terms([constant(-1.0), constant(-0.5), constant(-0.5)], pairs, 0, config)

    assert terms.rank_sum.item() == pytest.approx(1.0)
    assert config.rank_weight == 100.0


def test_the_length_penalty_is_an_exponent():
    config = LossConfig(length_penalty=0.5)

    terms = group_terms([constant(-1.0, 4), constant(-1.0, 9)], [], 0, config)

    assert terms.p_N.tolist() == pytest.approx([-2.0, -3.0])


def test_counts_add_up_over_groups():
    config = LossConfig()
    first = denominators([3, 4], [(0, 1, 1.0)], 0, config)
    second = denominators([5, 2, 2], [(0, 1, 1.0), (0, 2, 1.0)], 1, config)

    assert first + second == Denominators(pairs=3, ce=5)
