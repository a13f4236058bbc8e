"""Choices that save memory learn what the plain trainer learns, within their precision."""

from functools import partial
from importlib.util import find_spec

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from infra import errors
from tests.torch_processes import in_processes
from tests.unit.trainer.students import ids_group, tiny
from trainer.models.tokenizer import byte_tokenizer
from trainer.rows.scoring import response_logps
from trainer.settings import TrainerSettings
from trainer.step import Trainer

needs_torchao = pytest.mark.skipif(find_spec("torchao") is None, reason="make low-bit")
needs_bitsandbytes = pytest.mark.skipif(find_spec("bitsandbytes") is None, reason="make low-bit")

GROUPS = [ids_group(9, 4, 6, seed=seed) for seed in (1, 2)]


@pytest.fixture
def make(tmp_path):
    """Make a trainer that writes below the test's directory."""

    def build(resume_from=None, **fields):
        fixed = {"threads": 1, "term_norm_steps": 0, "learning_rate": 1e-3, "warmup_steps": 0}
        return Trainer(TrainerSettings(output_dir=tmp_path, **fixed | fields), resume_from)

    return build


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A tiny model on the disk."""
    path = tmp_path_factory.mktemp("model")
    tiny("llama").save_pretrained(path)
    byte_tokenizer().save_pretrained(path)
    return path


def losses(trainer, steps=6):
    return [trainer.step(GROUPS)["loss"] for _ in range(steps)]


@pytest.mark.slow
@pytest.mark.parametrize("fields", [{"offload_activations": True}, {"compile": True}])
def test_where_and_how_a_pass_is_made_does_not_change_what_is_learnt(make, fields):
    # Compiling takes minutes: what is graphed is run as it stands.
    with torch.compiler.set_stance("force_eager"):
        assert losses(make(**fields), 3) == pytest.approx(losses(make(), 3), rel=1e-5)


@needs_torchao
@pytest.mark.parametrize(
    ("fields", "within"),
    [
        ({"optimizer": "adamw_8bit"}, 0.02),
        ({"weights": "bf16"}, 0.05),
        ({"weights": "bf16", "optimizer": "adamw_8bit"}, 0.05),
    ],
)
def test_fewer_bits_learn_the_same_and_resume_to_the_bit(make, tmp_path, fields, within):
    with torch.compiler.set_stance("force_eager"):
        expected, straight = losses(make()), make(**fields)
        found = losses(straight)
        # Made after the other's steps: rounding by chance draws from torch's one generator.
        first = make(**fields)
        losses(first, 3)
        path, _ = first.save(tmp_path / "c")
        second = make(path, **fields)
        losses(second, 3)

    assert expected[-1] < 0.9 * expected[0]
    assert found == pytest.approx(expected, rel=within)
    assert found != expected
    kinds = {weight.dtype for weight in straight.model.parameters()}
    assert kinds == {torch.bfloat16 if "weights" in fields else torch.float32}
    for here, there in zip(straight.model.parameters(), second.model.parameters(), strict=True):
        assert torch.equal(here, there)


def trained(ours, model, root, resume_from, steps):
    """Take steps in one of several processes and save; return the losses and the checkpoint."""
    fields = {"threads": 1, "term_norm_steps": 0, "learning_rate": 1e-3, "warmup_steps": 0}
    settings = TrainerSettings(model=str(model), optimizer="adamw_8bit", **fields)
    with torch.compiler.set_stance("force_eager"):
        trainer = Trainer(settings, resume_from, ours)
        found = losses(trainer, steps)
        path, _ = trainer.save(root)
    return found, path


@needs_torchao
def test_a_state_of_8_bits_is_saved_by_each_process_and_gone_on_with(stored, tmp_path):
    in_two = partial(in_processes, 2, 600, trained, stored)
    (straight, _), _ = in_two(tmp_path / "straight", None, 4)
    (first, path), _ = in_two(tmp_path / "first", None, 2)
    (rest, _), _ = in_two(tmp_path / "rest", path, 2)

    assert [*first, *rest] == straight


@needs_torchao
def test_steps_too_small_for_bf16_are_not_lost(make):
    with torch.compiler.set_stance("force_eager"):
        trainer = make(learning_rate=1e-5, weights="bf16")
        before = [weight.detach().clone() for weight in trainer.model.parameters()]
        losses(trainer, 2)

    # Beyond 1/32 two neighbours of bf16 are 2e-4 apart, so that a rounded step of 1e-5 is none.
    far = [then.abs() > 1 / 32 for then in before]
    pairs = zip(trainer.model.parameters(), before, far, strict=True)
    assert any((now != then)[large].any() for now, then, large in pairs)


@needs_bitsandbytes
def test_adapters_beside_4_bits_are_learnt_and_merged(make, stored, tmp_path):
    fields = {"model": str(stored), "lora_rank": 4, "lora_4bit": True, "learning_rate": 1e-2}
    trainer = make(**fields)

    found = losses(trainer)
    path, _ = trainer.save(tmp_path / "c")

    assert found[-1] < 0.9 * found[0]
    assert any(weight.dtype is torch.uint8 for weight in trainer.model.parameters())
    merged = AutoModelForCausalLM.from_pretrained(path)
    adapted = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(stored), path / "adapter"
    )
    group = GROUPS[0]
    with torch.no_grad():
        wanted = torch.cat(response_logps(trainer.model, group.prompt, group.responses))
        plain = torch.cat(response_logps(merged, group.prompt, group.responses))
        beside = torch.cat(response_logps(adapted, group.prompt, group.responses))
    torch.testing.assert_close(plain, wanted, rtol=1e-4, atol=1e-4)
    assert (beside - wanted).abs().max() > 1e-3  # The weights in 4 bits are others.
    resumed = make(path, **fields)
    assert losses(resumed, 1) == losses(trainer, 1)


def test_4_bits_need_a_model_and_adapters(make):
    with pytest.raises(ValueError, match="set lora_rank too"):
        make(lora_4bit=True)
    with pytest.raises(errors.ConfigurationError, match="need a model"):
        make(lora_4bit=True, lora_rank=4)
    with pytest.raises(ValueError, match="adapters are kept in fp32"):
        make(weights="bf16", lora_rank=4)


@pytest.mark.skipif(find_spec("torchao") is not None, reason="here they are")
@pytest.mark.parametrize(
    "fields",
    [{"optimizer": "adamw_8bit"}, {"weights": "bf16"}, {"lora_rank": 4, "lora_4bit": True}],
)
def test_a_library_that_is_not_there_is_named_with_what_installs_it(make, stored, fields):
    with pytest.raises(errors.ConfigurationError, match=r"pip install 'rrtf-suite\[low-bit\]'"):
        make(model=str(stored), **fields)
