"""Every layout on every family of models, against each row scored alone."""

import pytest
import torch
from transformers import Gemma2Config, Gemma2ForCausalLM

from tests.unit.trainer.families import family_config
from tests.unit.trainer.students import (
    ARCHITECTURES,
    VOCABULARY,
    gradient_of,
    row_by_row,
    tiny,
    token_ids,
)
from trainer.rows import attention
from trainer.rows.head import head_of
from trainer.rows.layout import Asked, Extent, Layout, lay_out, pack, plan, size
from trainer.rows.scoring import Scorer, response_logps
from trainer.selfcheck import checked_head

PROMPT, *RESPONSES = token_ids(13, 7, 1, 19, 4, 11)
LONGER, *OTHERS = token_ids(17, 5, 9, seed=1)
GROUPS = [Asked(PROMPT, RESPONSES), Asked(LONGER, OTHERS), Asked([3], [[8]])]

WAYS = [
    (Layout.SHARED, "split"),
    (Layout.SHARED, "sdpa"),
    (Layout.SHARED, "eager"),
    (Layout.PACKED, "split"),
    (Layout.PACKED, "sdpa"),
    (Layout.PADDED, "split"),
    (Layout.PADDED, "sdpa"),
]


def scored_alone(scorer, prompt, responses):
    (logps,) = scorer.score([Asked(prompt, responses)])
    return logps


@pytest.mark.parametrize(("layout", "attention"), WAYS)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_layout_gives_what_rows_alone_give(architecture, layout, attention):
    plain, model = tiny(architecture, "sdpa"), tiny(architecture, attention)
    expected = torch.cat(
        [logp for one in GROUPS for logp in row_by_row(plain, one.prompt, one.responses)]
    )
    weight = torch.rand(len(expected))
    (expected * weight).sum().backward()
    scored = Scorer(model=model, layout=layout).score(GROUPS)
    found = torch.cat([logp for logps in scored for logp in logps])
    (found * weight).sum().backward()

    assert found.dtype is torch.float32
    torch.testing.assert_close(found.double(), expected, atol=1e-5, rtol=0)
    difference = (gradient_of(model) - gradient_of(plain)).norm() / gradient_of(plain).norm()
    assert difference < 1e-5


def test_the_block_mask_for_gpus_lets_a_position_see_what_the_dense_mask_does():
    row = lay_out(GROUPS, Layout.SHARED)
    place = torch.arange(row.ids_BL.shape[1])
    config = family_config("gemma2")

    config._attn_implementation = "sdpa"
    dense = attention.inputs(row, config)["attention_mask"]
    config._attn_implementation = "flex_attention"
    block = attention.inputs(row, config)["attention_mask"]

    assert list(dense) == list(block) == ["full_attention", "sliding_attention"]
    for kind, mask in dense.items():
        seen = block[kind].mask_mod(torch.tensor(0), 0, place[:, None], place[None])
        assert torch.equal(seen, mask[0, 0])
    assert dense["sliding_attention"].sum() < dense["full_attention"].sum()


def test_kernels_without_masks_refuse_shared_rows():
    config = family_config("llama")
    config._attn_implementation = "flash_attention_2"
    with pytest.raises(ValueError, match="takes no mask"):
        attention.inputs(lay_out(GROUPS, Layout.SHARED), config)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_log_probabilities_equal_a_token_by_token_loop(architecture):
    model, prompt, response = tiny(architecture), PROMPT, RESPONSES[3]
    with torch.no_grad():
        logp_T = scored_alone(Scorer(model=model), prompt, [response])[0]
        expected = [
            model(torch.tensor([prompt + response[:n]])).logits[0, -1].log_softmax(-1)[token]
            for n, token in enumerate(response)
        ]

    torch.testing.assert_close(logp_T, torch.stack(expected), atol=1e-5, rtol=0)


@pytest.mark.parametrize("layout", list(Layout))
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_neighbours_in_a_row_change_nothing(architecture, layout):
    model = tiny(architecture)
    long = token_ids(60, seed=5)[0]
    with torch.no_grad():
        (alone,) = scored_alone(Scorer(model=model, layout=layout), PROMPT, RESPONSES[:1])
        before = scored_alone(Scorer(model=model, layout=layout), PROMPT, [long, RESPONSES[0]])[1]
        after = scored_alone(Scorer(model=model, layout=layout), PROMPT, [RESPONSES[0], long])[0]

    torch.testing.assert_close(before, alone, atol=1e-5, rtol=0)
    torch.testing.assert_close(after, alone, atol=1e-5, rtol=0)


@pytest.mark.parametrize("layout", list(Layout))
def test_the_token_that_pads_may_be_a_token_that_counts(layout):
    """Padding rows are filled with 0, which is also this tokenizer's end."""
    model, response = tiny("gpt_bigcode"), [5, 0, 7, 0]
    with torch.no_grad():
        found = scored_alone(Scorer(model=model, layout=layout), [3, 0], [response, [9] * 30])[0]
        (expected,) = row_by_row(model, [3, 0], [response])

    torch.testing.assert_close(found.double(), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("layout", list(Layout))
def test_a_large_group_is_scored_in_several_passes_with_the_same_result(layout, monkeypatch):
    model = tiny("llama")
    with torch.no_grad():
        whole = response_logps(model, PROMPT, RESPONSES, layout)
        monkeypatch.setattr("trainer.rows.scoring.MAX_TOKENS", 40)
        parts = response_logps(model, PROMPT, RESPONSES, layout)

    assert [len(logp) for logp in parts] == [len(response) for response in RESPONSES]
    torch.testing.assert_close(torch.cat(parts), torch.cat(whole), atol=1e-5, rtol=0)


@pytest.mark.parametrize("layout", list(Layout))
def test_a_plan_holds_every_response_once_and_keeps_to_its_size(layout):
    lengths = [3, 30, 7, 7, 1, 22, 90]

    passes = plan(Extent(10, lengths), layout, 45)

    assert sorted(index for indices in passes for index in indices) == list(range(7))
    # The last response alone is larger than a pass may be.
    assert all(
        size([Extent(10, [lengths[index] for index in indices])], layout) <= 45 or indices == [6]
        for indices in passes
    )


@pytest.mark.parametrize("layout", list(Layout))
def test_groups_are_put_together_up_to_the_size_of_a_pass_and_like_comes_to_like(layout):
    short, long = Extent(10, [5, 7, 6]), Extent(90, [400])

    passes = pack([short, long, short, short, long], layout, 1100)
    alone = pack([short, short], layout, 30)

    assert passes == [[0, 2, 3], [1, 4]]
    assert alone == [[0], [1]]


@pytest.mark.parametrize(("prompt", "responses"), [([], [[1]]), ([1], [[]]), ([1], [])])
def test_nothing_cannot_be_scored(prompt, responses):
    with pytest.raises(ValueError, match="at least one token"):
        scored_alone(Scorer(model=tiny("llama")), prompt, responses)


def test_bf16_keeps_the_order_of_responses_of_different_quality():
    """Half precision moves a mean by hundredths; what differs by more keeps its order."""
    model = tiny("llama")
    with torch.no_grad():
        exact = torch.stack(
            [p.mean() for p in scored_alone(Scorer(model=model), PROMPT, RESPONSES)]
        )
        half = torch.stack(
            [p.mean() for p in scored_alone(Scorer(model=model, bf16=True), PROMPT, RESPONSES)]
        )

    assert half.dtype is torch.float32
    clear = (exact[:, None] - exact[None]) > 0.2
    assert clear.sum() >= 5
    assert ((half[:, None] > half[None]) | ~clear).all()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("layout", list(Layout))
def test_chunks_of_the_head_give_the_loss_and_gradient_of_whole_logits(architecture, layout):
    model = tiny(architecture, "sdpa")
    found = []
    for head in (None, head_of(model)):
        scorer = Scorer(model=model, layout=layout, head=head, chunk_elements=5 * VOCABULARY)
        model.zero_grad()
        loss = torch.stack([(p * p).mean() for p in scored_alone(scorer, PROMPT, RESPONSES)]).sum()
        loss.backward()
        found.append((loss.item(), gradient_of(model)))

    (loss, gradient), (by_chunks, its_gradient) = found
    assert by_chunks == pytest.approx(loss, rel=1e-6)
    assert torch.linalg.vector_norm(its_gradient - gradient) < 1e-6 * gradient.norm()


@pytest.mark.slow
def test_a_head_with_something_behind_it_is_not_given_chunks():
    soft = Gemma2Config(
        vocab_size=VOCABULARY,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=1,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        final_logit_softcapping=1.0,
    )
    capped = Gemma2ForCausalLM(soft)

    assert head_of(capped) is None
    assert checked_head(Scorer(model=capped)) is None
    # What no configuration says is found out by what comes of it.
    halving = tiny("llama")
    halving.register_forward_hook(lambda _, __, made: _halved(made))
    assert head_of(halving) is not None
    assert checked_head(Scorer(model=halving)) is None
    assert checked_head(Scorer(model=tiny("llama"))) is not None


def _halved(made):
    made.logits = made.logits / 2
    return made
