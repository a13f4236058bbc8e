"""A layout that a model gets wrong is found out before the first step."""

import pytest
import torch
from structlog.testing import capture_logs
from torch import nn
from transformers import (
    AttentionInterface,
    AttentionMaskInterface,
    BloomConfig,
    BloomForCausalLM,
)
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from tests.unit.trainer.families import family
from tests.unit.trainer.students import ARCHITECTURES, VOCABULARY, tiny
from trainer.models.model import set_attention
from trainer.rows.layout import Layout
from trainer.rows.scoring import Scorer
from trainer.selfcheck import checked, suitable_layout


class Ignores(nn.Module):
    """A model that does not see one of its arguments."""

    def __init__(self, model, *names):
        super().__init__()
        self.model, self.names, self.config = model, names, model.config

    def set_attn_implementation(self, implementation):
        self.model.set_attn_implementation(implementation)

    def forward(self, **inputs):
        return self.model(**{k: v for k, v in inputs.items() if k not in self.names})


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("attention", ["split", "sdpa"])
def test_a_model_that_gets_it_right_is_trained_in_shared_rows(architecture, attention):
    model = tiny(architecture, attention)

    with capture_logs() as logs:
        layout = checked(Scorer(model=model, layout=suitable_layout(model)))

    assert layout is Layout.SHARED
    assert [entry["event"] for entry in logs] == ["scoring.checked"]


@pytest.mark.parametrize("ignored", ["position_ids", "attention_mask"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_model_that_ignores_positions_or_masks_is_trained_in_padded_rows(architecture, ignored):
    model = Ignores(tiny(architecture, "sdpa"), ignored)

    with capture_logs() as logs:
        layout = checked(Scorer(model=model, layout=Layout.SHARED))

    assert layout is Layout.PADDED
    fallback, accepted = logs
    assert (fallback["event"], fallback["log_level"]) == ("scoring.fallback", "error")
    assert "differ by" in fallback["reason"]
    assert (accepted["event"], accepted["layout"]) == ("scoring.checked", Layout.PADDED)


def test_packed_rows_whose_sequences_see_one_another_are_found_out():
    class WithMask(Ignores):
        """What a mask of ones does to a packed row: its sequences are taken for one."""

        def forward(self, input_ids, **inputs):
            ones = torch.ones_like(input_ids)
            return self.model(input_ids=input_ids, **{"attention_mask": ones} | inputs)

    model = tiny("llama", "sdpa")

    assert checked(Scorer(model=model, layout=Layout.PACKED)) is Layout.PACKED
    assert checked(Scorer(model=WithMask(model), layout=Layout.PACKED)) is Layout.PADDED


def test_an_architecture_that_takes_no_positions_is_trained_in_padded_rows():
    """BLOOM counts positions from its mask, and has no argument for them."""
    torch.manual_seed(0)
    model = BloomForCausalLM(
        BloomConfig(vocab_size=VOCABULARY, hidden_size=32, n_layer=2, n_head=4)
    )

    with capture_logs() as logs:
        layout = checked(Scorer(model=model, layout=suitable_layout(model)))

    assert layout is Layout.PADDED
    assert [entry["event"] for entry in logs] == ["scoring.fallback", "scoring.checked"]


def test_attention_that_leaves_out_what_a_model_adds_is_given_up_for_its_own():
    """sdpa drops attention sinks without a word; rows that stand alone go wrong as well."""
    model = family("gpt_oss")
    AttentionInterface.register("no_sinks", sdpa_attention_forward)
    AttentionMaskInterface.register("no_sinks", sdpa_mask)
    set_attention(model, "no_sinks")

    with capture_logs() as logs:
        layout = checked(Scorer(model=model, layout=Layout.SHARED))

    assert (layout, model.config._attn_implementation) == (Layout.PADDED, "eager")
    events = [entry["event"] for entry in logs]
    assert events == ["scoring.fallback", "scoring.fallback", "attention.fallback"]
