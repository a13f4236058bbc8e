"""The loss, against the paper's arithmetic and a plain double loop."""

import random
from dataclasses import replace

import pytest
import torch

from tests.unit.trainer.students import ids_group
from trainer.modes.config import LossConfig, Mode, PairLoss, PairMode
from trainer.modes.objective import denominators, total
from trainer.modes.pairs import form_pairs
from trainer.modes.ranking import ranking_terms
from trainer.modes.terms import Denominators, Term
from trainer.rows import scoring
from trainer.rows.scoring import token_logps


def sums(*means, lengths):
    """Sums of log-probabilities whose means are given."""
    return torch.tensor([mean * n for mean, n in zip(means, lengths, strict=True)])


@pytest.mark.parametrize(
    ("p_teacher", "p_student", "r_teacher", "r_student", "tie_bonus", "rank_loss"),
    [
        (-1.0, -0.5, 3.0, 1.0, 0.0, 1.0),
        (-0.2, -0.5, 3.0, 1.0, 0.0, 0.0),
        (-1.0, -0.5, 2.0, 2.0, 0.0, 0.0),
        (-1.0, -0.5, 2.0, 2.0, 0.05, 0.025),
        (-1.0, -0.5, 1.0, 3.0, 0.05, 0.0),
    ],
)
def test_golden_vectors_of_the_ranking_term(
    p_teacher, p_student, r_teacher, r_student, tie_bonus, rank_loss
):
    pairs = form_pairs(
        [r_teacher, r_student], [True, False], PairMode.TEACHER_OVER_STUDENT, tie_bonus
    )

    terms = ranking_terms(
        sums(p_teacher, p_student, lengths=[4, 7]), [4, 7], pairs, 0, LossConfig()
    )

    assert terms.sums[Term.RANK].item() == pytest.approx(rank_loss, abs=1e-6)


@pytest.mark.parametrize(("mode", "ce"), [(Mode.PAPER, 3.0), (Mode.RRTF, 1.0)])
def test_golden_vector_of_the_cross_entropy_term(mode, ce):
    config = LossConfig.of(mode)
    pairs = [(0, 1, 2.0)]

    terms = ranking_terms(torch.tensor([-3.0, -2.0]), [3, 4], pairs, 0, config)
    counts = denominators(replace(ids_group(3, 4), pairs=pairs), config)

    assert terms.p_N[0].item() == pytest.approx(-1.0)
    assert total(terms, counts, config).item() == pytest.approx(1.0 + ce)


@pytest.mark.parametrize("mode", [PairMode.TEACHER_OVER_STUDENT, PairMode.ALL])
@pytest.mark.parametrize("kind", list(PairLoss))
@pytest.mark.parametrize("seed", range(10))
def test_terms_and_gradient_equal_a_plain_double_loop(mode, kind, seed):
    rng = random.Random(seed)
    torch.manual_seed(seed)
    n = rng.randint(2, 7)
    scores = [rng.choice([0.0, 1 / 3, 0.7, 1.0]) for _ in range(n)]
    teacher = [True, *(rng.random() < 0.4 for _ in range(n - 1))]
    config = LossConfig(pair_loss=kind, margin=rng.choice([0.0, 0.1]), beta=1.5)
    logps = [(-torch.rand(rng.randint(1, 9))).requires_grad_() for _ in range(n)]
    lengths = [len(logp) for logp in logps]
    pairs = form_pairs(scores, teacher, mode)

    terms = ranking_terms(torch.stack([logp.sum() for logp in logps]), lengths, pairs, 0, config)
    (terms.sums[Term.RANK] + terms.sums[Term.CE]).backward()

    gradients = [torch.zeros_like(logp) for logp in logps]
    gradients[0] -= 1
    expected = 0.0
    for i in range(n):
        for j in range(n):
            gap = scores[i] - scores[j]
            if gap <= 0 or (mode is not PairMode.ALL and not (teacher[i] and not teacher[j])):
                continue
            lead = (logps[i].mean() - logps[j].mean()).item()
            if kind is PairLoss.HINGE:
                expected += gap * max(0.0, config.margin - lead)
                slope = -1.0 if config.margin - lead > 0 else 0.0
            else:
                weight = torch.tensor(-1.5 * lead)
                expected += gap * torch.log1p(weight.exp()).item()
                slope = -1.5 * torch.sigmoid(weight).item()
            gradients[i] += gap * slope / len(logps[i])
            gradients[j] -= gap * slope / len(logps[j])
    assert terms.sums[Term.RANK].item() == pytest.approx(expected, abs=1e-5)
    for logp, gradient in zip(logps, gradients, strict=True):
        torch.testing.assert_close(logp.grad, gradient, atol=1e-5, rtol=1e-5)


def test_the_order_of_responses_does_not_matter():
    torch.manual_seed(0)
    sum_N, lengths = -torch.rand(4) * 5, [3, 5, 2, 7]
    pairs = [(0, 2, 0.5), (0, 3, 1.0), (1, 3, 0.2)]
    order = [2, 0, 3, 1]
    place = {old: new for new, old in enumerate(order)}
    moved = [(place[i], place[j], gap) for i, j, gap in pairs]

    here = ranking_terms(sum_N, lengths, pairs, 1, LossConfig())
    there = ranking_terms(sum_N[order], [lengths[k] for k in order], moved, place[1], LossConfig())

    torch.testing.assert_close(here.sums[Term.RANK], there.sums[Term.RANK])
    torch.testing.assert_close(here.sums[Term.CE], there.sums[Term.CE])


def test_a_tie_ranks_nobody_until_the_teacher_gets_a_bonus():
    scores, teacher = [0.7, 0.7, 0.7], [True, False, True]

    assert form_pairs(scores, teacher, PairMode.ALL) == []
    assert form_pairs(scores, teacher, PairMode.TEACHER_OVER_STUDENT) == []
    assert form_pairs(scores, teacher, PairMode.TEACHER_OVER_STUDENT, 0.25) == [
        (0, 1, pytest.approx(0.25)),
        (2, 1, pytest.approx(0.25)),
    ]


def test_pairs_of_the_ranker_are_not_made_here():
    with pytest.raises(ValueError, match="come with the group"):
        form_pairs([1.0, 0.0], [True, False], PairMode.RANKED)


def test_rrhf_weighs_every_pair_alike():
    config = LossConfig.of(Mode.RRHF)
    pairs = [(0, 1, 0.9), (0, 2, 0.1)]

    terms = ranking_terms(torch.tensor([-4.0, -2.0, -2.0]), [4, 4, 4], pairs, 0, config)

    assert terms.sums[Term.RANK].item() == pytest.approx(1.0)
    assert config.rank_weight == 100.0
    assert config.pairs is PairMode.ALL


def test_the_length_penalty_is_an_exponent():
    config = LossConfig(length_penalty=0.5)

    terms = ranking_terms(torch.tensor([-4.0, -9.0]), [4, 9], [], 0, config)

    assert terms.p_N.tolist() == pytest.approx([-2.0, -3.0])


def test_counts_add_up_over_groups_and_skip_what_has_no_target():
    config = LossConfig()
    first = denominators(ids_group(3, 4), config)
    second = denominators(ids_group(5, 2, 2, best=1), config)
    third = denominators(replace(ids_group(8, 9), best=None), config)

    assert first + second + third == Denominators(pairs=4, ce=5, responses=7)


def test_a_group_without_a_target_is_ranked_only():
    terms = ranking_terms(torch.tensor([-4.0, -2.0]), [4, 4], [(0, 1, 1.0)], None, LossConfig())

    assert terms.sums[Term.RANK].item() == pytest.approx(0.5)
    assert terms.sums[Term.CE].item() == 0.0


def test_token_log_probabilities_and_their_gradient_are_the_same_in_chunks(monkeypatch):
    torch.manual_seed(0)
    logits, target = torch.randn(37, 50, requires_grad=True), torch.randint(0, 50, (37,))
    weight = torch.rand(37)

    whole = token_logps(logits, target)
    (expected,) = torch.autograd.grad((whole * weight).sum(), logits)
    monkeypatch.setattr(scoring, "CHUNK_ELEMENTS", 50 * 8)
    chunked = token_logps(logits, target)
    (found,) = torch.autograd.grad((chunked * weight).sum(), logits)

    torch.testing.assert_close(whole, torch.log_softmax(logits, -1)[range(37), target])
    torch.testing.assert_close(chunked, whole)
    torch.testing.assert_close(found, expected)


def test_bf16_logits_keep_the_order_of_responses():
    torch.manual_seed(0)
    turned_by_half_precision = 0
    for _ in range(20):
        logits = torch.randn(2, 200, 5000).bfloat16()
        target = torch.randint(0, 5000, (2, 200))
        exact = torch.log_softmax(logits.double(), -1).gather(-1, target[..., None]).mean((1, 2))
        ours = torch.stack(
            [token_logps(row, ids).mean() for row, ids in zip(logits, target, strict=True)]
        )
        naive = torch.log_softmax(logits, -1).gather(-1, target[..., None]).mean((1, 2))

        torch.testing.assert_close(ours.double(), exact, atol=1e-5, rtol=0)
        assert (ours[0] > ours[1]) == (exact[0] > exact[1])
        turned_by_half_precision += bool((naive[0] > naive[1]) != (exact[0] > exact[1]))

    assert turned_by_half_precision > 0
