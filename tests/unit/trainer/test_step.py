"""Steps of a whole trainer: they learn, resume to the bit, and refuse what is not finite."""

import math

import pytest
import torch
from peft import PeftModel
from structlog.testing import capture_logs
from transformers import AutoModelForCausalLM, AutoTokenizer

from infra import errors
from infra.contracts.base import new_id
from infra.contracts.ranking import LeasedBatch
from tests.unit.trainer.students import BAD, GOOD, ranked_group
from trainer.batches.encoding import encode_group
from trainer.models.tokenizer import byte_tokenizer
from trainer.rows.layout import Layout
from trainer.rows.scoring import response_logps
from trainer.settings import TrainerSettings
from trainer.step import Trainer

STEPS = [[(GOOD, BAD)], [(BAD, GOOD)], [("a = 1\n", "a = 2\n"), (GOOD * 2, BAD)]] * 2
LORA = {"lora_rank": 4, "learning_rate": 1e-2}


def encoded(*programs):
    return encode_group(ranked_group(*programs), byte_tokenizer(), 512, 512)


def groups_of(step):
    return [encoded(*programs) for programs in step]


@pytest.fixture
def make(tmp_path):
    """Make a trainer that writes below the test's directory."""

    def build(resume_from=None, **fields):
        settings = {"threads": 1, "term_norm_steps": 0} | fields
        return Trainer(TrainerSettings(output_dir=tmp_path, **settings), resume_from)

    return build


@pytest.mark.slow
def test_one_group_is_learnt_until_greedy_decoding_gives_its_best(make):
    trainer = make(learning_rate=3e-3)
    group = encoded("x+1\n", "x-1\n")
    first = trainer.step([group])

    for _ in range(90):
        last = trainer.step([group])

    assert last["loss"] < first["loss"] / 2
    assert last["pair_accuracy"] == 1.0
    assert last["margin"] > 0
    greedy = trainer.model.generate(
        torch.tensor([group.prompt]), max_new_tokens=8, do_sample=False, pad_token_id=0
    )
    assert greedy[0, len(group.prompt) :].tolist() == group.responses[0]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"max_row_tokens": 40},
        {"gradient_checkpointing": True},
        {"attention": "sdpa"},
        {"attention": "eager"},
    ],
)
def test_how_a_step_is_computed_does_not_change_what_is_learnt(make, fields):
    plain, other = make(learning_rate=1e-3), make(learning_rate=1e-3, **fields)
    for step in STEPS:
        expected, found = plain.step(groups_of(step)), other.step(groups_of(step))

        assert found["loss"] == pytest.approx(expected["loss"], rel=1e-4)
        assert found["grad_norm"] == pytest.approx(expected["grad_norm"], rel=1e-3)


def test_bf16_learns_the_same_within_its_precision(make):
    plain, half = make(), make(bf16=True)
    for step in STEPS:
        expected, found = plain.step(groups_of(step)), half.step(groups_of(step))

    assert half.scorer.layout is Layout.SHARED
    assert all(parameter.dtype is torch.float32 for parameter in half.model.parameters())
    assert found["loss"] == pytest.approx(expected["loss"], rel=0.02)
    assert found["loss"] != expected["loss"]


@pytest.mark.parametrize("fields", [{}, {"bf16": True}, LORA], ids=["full", "bf16", "lora"])
def test_a_resumed_run_is_the_same_run_to_the_bit(make, tmp_path, fields):
    schedule = {"warmup_steps": 2, "decay_steps": 5, "weight_decay": 0.1}
    straight, first = make(**fields, **schedule), make(**fields, **schedule)
    for step in STEPS:
        straight.step(groups_of(step))
    for step in STEPS[:3]:
        first.step(groups_of(step))
    path, _ = first.save(tmp_path / "c")

    second = make(path, **fields, **schedule)
    for step in STEPS[3:]:
        second.step(groups_of(step))

    assert second.state.version == 6
    for here, there in zip(straight.model.parameters(), second.model.parameters(), strict=True):
        assert torch.equal(here, there)


def test_a_checkpoint_loads_with_plain_transformers(make, tmp_path):
    trainer = make()
    trainer.step(groups_of(STEPS[0]))
    path, _ = trainer.save(tmp_path / "c")

    model = AutoModelForCausalLM.from_pretrained(path)
    tokenizer = AutoTokenizer.from_pretrained(path)

    assert tokenizer.decode(tokenizer.encode(GOOD, add_special_tokens=False)) == GOOD
    for here, there in zip(trainer.model.parameters(), model.parameters(), strict=True):
        assert torch.equal(here, there)


def test_adapters_are_saved_apart_and_merged(make, tmp_path):
    trainer = make(**LORA)
    frozen = {n: p.clone() for n, p in trainer.model.named_parameters() if not p.requires_grad}
    for step in STEPS:
        trainer.step(groups_of(step))
    path, _ = trainer.save(tmp_path / "c")
    group = encoded(GOOD, BAD)

    merged = AutoModelForCausalLM.from_pretrained(path)
    base = make().model
    beside = PeftModel.from_pretrained(base, path / "adapter")

    with torch.no_grad():
        expected = torch.cat(response_logps(trainer.model, group.prompt, group.responses))
        for model in (merged, beside):
            found = torch.cat(response_logps(model, group.prompt, group.responses))
            torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)
    assert len(frozen) > 0
    for name, parameter in trainer.model.named_parameters():
        if name in frozen:
            assert torch.equal(parameter, frozen[name])
    small = sum(p.numel() for p in trainer.model.parameters() if p.requires_grad)
    assert small < sum(map(torch.numel, frozen.values())) / 5


@pytest.mark.parametrize("poison", [math.nan, math.inf])
def test_a_loss_that_is_not_finite_changes_no_weight(make, poison):
    trainer = make()
    with torch.no_grad():
        next(trainer.model.parameters()).fill_(poison)
    before = [parameter.clone() for parameter in trainer.model.parameters()]

    with pytest.raises(errors.TrainingDiverged, match="loss"):
        trainer.step(groups_of(STEPS[0]))

    assert trainer.state.version == 0
    for here, there in zip(before, trainer.model.parameters(), strict=True):
        torch.testing.assert_close(here, there, equal_nan=True)


def test_a_gradient_that_is_not_finite_changes_no_weight(make):
    trainer = make()
    hook = next(trainer.model.parameters())
    hook.register_hook(lambda gradient: gradient * math.inf)
    before = hook.clone()

    with pytest.raises(errors.TrainingDiverged, match="gradient norm"):
        trainer.step(groups_of(STEPS[0]))

    assert torch.equal(hook, before)


def test_a_step_that_makes_weights_not_finite_is_refused(make):
    trainer = make()
    weight = next(trainer.model.parameters())
    trainer.optimizer.register_step_post_hook(lambda *_: weight.data[0].fill_(math.inf))

    with pytest.raises(errors.TrainingDiverged, match="weights"):
        trainer.step(groups_of(STEPS[0]))

    assert trainer.state.version == 0


def test_the_gradient_is_clipped_to_its_limit(make):
    trainer = make(max_grad_norm=0.01)

    metrics = trainer.step(groups_of(STEPS[0]))
    norm = torch.stack([p.grad.norm() for p in trainer.model.parameters()]).norm()

    assert metrics["grad_norm"] > 0.01
    assert norm.item() == pytest.approx(0.01, rel=1e-3)


def test_norms_of_both_terms_are_measured_and_change_nothing(make):
    plain, measured = make(), make(term_norm_steps=2)
    for number, step in enumerate(STEPS):
        expected, found = plain.step(groups_of(step)), measured.step(groups_of(step))

        assert ("rank_grad_norm" in found) == (number % 2 == 0)
        assert found["loss"] == expected["loss"]
    for here, there in zip(plain.model.parameters(), measured.model.parameters(), strict=True):
        assert torch.equal(here, there)


def test_dropout_is_off_while_training(make, tmp_path):
    start = make()
    start.model.config.attn_pdrop = start.model.config.resid_pdrop = 0.5
    path, _ = start.save(tmp_path / "c")
    trainer = make(model=str(path))
    group = encoded(GOOD, BAD)

    assert trainer.model.training
    assert trainer.model.config.resid_pdrop == 0.5
    first, second = (
        torch.cat(response_logps(trainer.model, group.prompt, group.responses)) for _ in "ab"
    )
    assert torch.equal(first, second)


def test_prompt_and_response_fit_the_model_whatever_their_length(make):
    trainer = make(max_response_tokens=4000, max_prompt_tokens=4000)
    long = ranked_group("x = 1\n" * 2000, BAD).model_copy(update={"prompt": "p" * 9000})
    batch = LeasedBatch(batch_id=new_id(), epoch=1, groups=(long,))

    (one,) = trainer.encode(batch)

    assert len(one.prompt) + max(one.lengths) <= 2048
    assert trainer.step([one])["groups_without_target"] == 1


def test_attention_that_is_not_installed_is_a_clear_error(make):
    with pytest.raises(errors.ConfigurationError, match="flash_attention_2"):
        make(attention="flash_attention_2")


def test_the_layout_is_checked_at_start_and_said(make):
    with capture_logs() as logs:
        trainer = make()

    assert trainer.scorer.layout is Layout.SHARED
    assert "scoring.checked" in [entry["event"] for entry in logs]
