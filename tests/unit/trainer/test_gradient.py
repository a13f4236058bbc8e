"""The gradient of a step is the same however its groups are divided."""

from dataclasses import replace

import pytest
import torch

from tests.unit.trainer.students import ARCHITECTURES, gradient_of, ids_group, tiny
from trainer.gradient import Gradient
from trainer.modes.config import LossConfig, Mode, PairLoss
from trainer.modes.objective import denominators, total
from trainer.modes.terms import Denominators, Term
from trainer.passes import Passes
from trainer.processes import Processes
from trainer.rows.layout import Layout
from trainer.rows.scoring import Scorer

GROUPS = [ids_group(9, 14, 3, 22, 6), ids_group(5, 8, seed=1), ids_group(12, 2, 17, seed=2, best=2)]
CONFIGS = [
    LossConfig(),
    LossConfig.of(Mode.PAPER),
    LossConfig.of(Mode.RRHF),
    LossConfig(margin=0.3, length_penalty=0.7),
    LossConfig(pair_loss=PairLoss.BRADLEY_TERRY, beta=2.0),
]


def counts_of(groups, config):
    counted = (denominators(g, config) for g in groups)
    return sum(counted, Denominators())


def accumulated(model, groups, config, *, max_tokens=10_000, layout=Layout.SHARED, parts=1):
    """The gradient of all groups together, given to the model in some parts; and their terms."""
    scorer = Scorer(model=model, layout=layout)
    passes = Passes(scorer=scorer, processes=Processes(), max_tokens=max_tokens)
    gradient = Gradient(passes=passes, config=config)
    model.zero_grad()
    counts = counts_of(groups, config)
    terms = []
    for part in range(parts):
        terms += gradient.accumulate(groups[part::parts], counts)
    return gradient_of(model), terms


def relative(found, expected):
    return ((found - expected).norm() / expected.norm()).item()


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_two_passes_give_the_gradient_of_one(architecture, config):
    model = tiny(architecture)

    expected, at_once = accumulated(model, GROUPS, config)
    found, in_two = accumulated(model, GROUPS, config, max_tokens=30)

    assert relative(found, expected) < 1e-5
    for here, there in zip(at_once, in_two, strict=True):
        torch.testing.assert_close(here.p_N, there.p_N, atol=1e-5, rtol=0)
        torch.testing.assert_close(
            here.sums[Term.RANK], there.sums[Term.RANK], atol=1e-4, rtol=1e-5
        )
        torch.testing.assert_close(here.sums[Term.CE], there.sums[Term.CE], atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("layout", list(Layout))
def test_every_layout_gives_the_gradient_of_padded_rows(layout):
    model, config = tiny("gpt_bigcode"), LossConfig()

    expected, _ = accumulated(model, GROUPS, config, layout=Layout.PADDED)
    found, _ = accumulated(model, GROUPS, config, layout=layout, max_tokens=40)

    assert relative(found, expected) < 1e-5


@pytest.mark.parametrize("config", CONFIGS)
def test_accumulation_gives_the_gradient_of_the_whole_step(config):
    model = tiny("llama")

    expected, _ = accumulated(model, GROUPS, config)
    found, _ = accumulated(model, GROUPS, config, parts=3)

    assert relative(found, expected) < 1e-6


@pytest.mark.parametrize("layout", list(Layout))
@pytest.mark.parametrize("mode", list(Mode))
def test_groups_in_one_pass_give_the_loss_and_gradient_of_one_after_another(mode, layout):
    model, config = tiny("llama"), LossConfig.of(mode)
    groups = [
        replace(group, reference=[torch.full((length,), -3.0) for length in group.lengths])
        for group in GROUPS
    ]
    calls = []
    counting = model.register_forward_hook(lambda *_: calls.append(1))

    found, together = accumulated(model, groups, config, layout=layout)
    counting.remove()
    expected, alone = accumulated(model, groups, config, layout=layout, parts=3)

    assert len(calls) == 1
    assert relative(found, expected) < 1e-6
    counts = counts_of(groups, config)
    losses = [
        sum(total(one, counts, config).item() for one in terms) for terms in (together, alone)
    ]
    assert losses[0] == pytest.approx(losses[1], rel=1e-6, abs=1e-6)


def test_the_order_of_responses_does_not_matter():
    model, config, group = tiny("qwen2"), LossConfig(), GROUPS[0]
    order = [2, 0, 4, 1, 3]
    place = {old: new for new, old in enumerate(order)}
    moved = replace(
        group,
        responses=[group.responses[old] for old in order],
        pairs=[(place[better], place[worse], gap) for better, worse, gap in group.pairs],
        best=place[group.best],
    )

    expected, _ = accumulated(model, [group], config)
    found, _ = accumulated(model, [moved], config)

    assert relative(found, expected) < 1e-5


def test_memory_does_not_grow_with_the_number_of_responses():
    """Two passes keep no more for the backward pass with 40 responses than with 10."""
    model, config = tiny("llama"), LossConfig(pair_loss=PairLoss.BRADLEY_TERRY)

    def most_kept(count, max_tokens):
        group = ids_group(*[12] * count)
        kept, most = [0], [0]

        def keep(tensor):
            kept[0] += tensor.nbytes
            most[0] = max(most[0], kept[0])
            return tensor

        def let_go(tensor):
            kept[0] = 0
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, let_go):
            accumulated(model, [group], config, max_tokens=max_tokens)
        return most[0]

    assert most_kept(40, 10_000) > 2.5 * most_kept(10, 10_000)
    assert most_kept(40, 60) == pytest.approx(most_kept(10, 60), rel=0.01)


def test_a_mean_of_means_would_not():
    """Groups differ in pairs and in tokens to imitate, so dividing each by its own is wrong."""
    model, config = tiny("llama"), LossConfig()

    expected, _ = accumulated(model, GROUPS, config)
    naive = torch.stack([accumulated(model, [group], config)[0] for group in GROUPS]).mean(0)

    assert relative(naive, expected) > 0.05


def test_responses_that_cost_nothing_are_left_out_of_the_second_pass(monkeypatch):
    """Under a hinge those have a gradient that are imitated or stand in the wrong order."""
    model, group = tiny("llama"), ids_group(9, 14, 3, 22, 6)
    _, (before,) = accumulated(model, [group], LossConfig())
    first, second, third, fourth, last = before.p_N.argsort(descending=True).tolist()
    pairs = [(first, second, 0.5), (first, third, 0.5), (last, fourth, 0.5)]
    group = replace(group, best=first, pairs=pairs)
    scored = []
    plain = Scorer.score

    def recording(self, asked):
        if torch.is_grad_enabled():
            scored.extend(response for one in asked for response in one.responses)
        return plain(self, asked)

    monkeypatch.setattr(Scorer, "score", recording)
    accumulated(model, [group], LossConfig(), max_tokens=30)

    costly = [group.responses[index] for index in (first, fourth, last)]
    assert sorted(scored) == sorted(costly)


def test_a_group_with_nothing_to_learn_leaves_no_gradient():
    model = tiny("llama")
    group = ids_group(9, 14, 3)
    nothing = replace(group, pairs=[], best=None)

    for max_tokens in (10_000, 20):
        found, _ = accumulated(model, [nothing], LossConfig(), max_tokens=max_tokens)

        assert not found.any()
