"""Families of models, each against its own attention on rows that stand alone."""

import pytest
import torch
from structlog.testing import capture_logs

from tests.unit.trainer.families import PADDED, SHARED, family
from tests.unit.trainer.students import gradient_of, row_by_row, token_ids
from trainer.models.model import set_attention
from trainer.rows.layout import Asked, Layout
from trainer.rows.scoring import Scorer
from trainer.selfcheck import checked, suitable_layout

PROMPT, *RESPONSES = token_ids(13, 7, 1, 19, 4, 11)
WEIGHT = torch.rand(sum(map(len, RESPONSES)), generator=torch.Generator().manual_seed(0))


def learnt(model, logps):
    """Log-probabilities and the gradient of a weighted sum of them."""
    model.zero_grad()
    found = torch.cat(logps).double()
    (found * WEIGHT).sum().backward()
    return found.detach(), gradient_of(model)


@pytest.mark.parametrize("name", SHARED)
def test_a_shared_row_gives_what_rows_alone_give(name):
    model = family(name)
    expected, gradient = learnt(model, row_by_row(model, PROMPT, RESPONSES))

    for attention in ("eager", "split"):
        set_attention(model, attention)
        for layout in (Layout.SHARED, Layout.PADDED):
            scorer = Scorer(model=model, layout=layout)
            found, of_row = learnt(model, scorer.score([Asked(PROMPT, RESPONSES)])[0])
            torch.testing.assert_close(found, expected, atol=2e-5, rtol=0)
            assert (of_row - gradient).norm() < 1e-4 * gradient.norm(), (attention, layout)


@pytest.mark.parametrize("name", SHARED)
def test_a_family_is_trained_in_shared_rows(name):
    model = family(name)
    set_attention(model, "split")

    with capture_logs() as logs:
        layout = checked(Scorer(model=model, layout=suitable_layout(model)))

    assert (layout, model.config._attn_implementation) == (Layout.SHARED, "split"), logs


@pytest.mark.parametrize("name", PADDED)
def test_a_family_whose_layers_mix_responses_is_trained_in_padded_rows_and_that_is_said(name):
    model = family(name)
    set_attention(model, "split")
    expected = torch.cat(row_by_row(model, PROMPT, RESPONSES)).detach()

    with capture_logs() as logs:
        layout = checked(Scorer(model=model, layout=suitable_layout(model)))
    with torch.no_grad():
        found = torch.cat(Scorer(model=model, layout=layout).score([Asked(PROMPT, RESPONSES)])[0])

    assert layout is Layout.PADDED
    assert "scoring.fallback" in [entry["event"] for entry in logs]
    torch.testing.assert_close(found.double(), expected, atol=2e-5, rtol=0)


def test_packed_rows_are_refused_where_a_family_makes_its_masks_without_positions():
    model = family("gpt_oss")

    assert checked(Scorer(model=model, layout=Layout.PACKED)) is Layout.PADDED
    assert checked(Scorer(model=family("gemma2"), layout=Layout.PACKED)) is Layout.PACKED
