"""Two processes that train one policy, as torchrun would start them."""

import time

import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaConfig, LlamaForCausalLM

from infra import errors
from tests.torch_processes import in_processes
from tests.unit.trainer.students import BAD, GOOD, ranked_group
from trainer import processes
from trainer.batches.encoding import encode_group
from trainer.models.model import small_student
from trainer.models.tokenizer import byte_tokenizer
from trainer.processes import Processes
from trainer.settings import TrainerSettings
from trainer.step import Trainer

STEPS = [[(GOOD, BAD), ("a = 1\n", "a = 2\n")], [(BAD, GOOD)], [("b = 1\n", BAD), (GOOD * 2, BAD)]]


def in_two(work, *arguments):
    return in_processes(2, 240, work, *arguments)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A model whose input and output share weights, and one stored in half precision."""
    rotary = LlamaConfig(
        vocab_size=257, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, eos_token_id=7,
    )  # fmt: skip
    torch.manual_seed(0)
    made = {
        "tied": small_student(257, 0, width=32),
        "half": LlamaForCausalLM(rotary).to(torch.bfloat16),
    }
    root = tmp_path_factory.mktemp("models")
    for name, model in made.items():
        model.save_pretrained(root / name)
        byte_tokenizer().save_pretrained(root / name)
    return [root / name for name in made]


def open_models(ours, paths):
    """Open models; return weights and the number of those that lie here, and of all."""
    found = []
    for path in paths:
        settings = TrainerSettings(model=str(path), threads=1)
        model = Trainer(settings, None, ours).model
        model.reshard()  # The first forward pass left the outermost weights whole.
        weights = list(model.parameters())
        here = sum(processes.part(weight).numel() for weight in weights)
        whole = {
            name: processes.whole(one).detach().numpy() for name, one in model.named_parameters()
        }
        found.append((whole, here, sum(map(torch.numel, weights)), model.generation_config))
    return found


@pytest.mark.slow
def test_each_process_reads_its_part_of_the_weights_and_no_more(models):
    for found in in_two(without_whole_weights, models):
        for path, (whole, here, count, generation) in zip(models, found, strict=True):
            expected = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
            assert here == pytest.approx(count / 2, rel=0.02)
            for name, weight in expected.named_parameters():
                assert torch.equal(torch.from_numpy(whole[name]), weight)
            assert generation.eos_token_id == expected.generation_config.eos_token_id


def without_whole_weights(ours, paths):
    """Open models where nothing may load one as a whole."""
    AutoModelForCausalLM.from_pretrained = None
    return open_models(ours, paths)


def train(ours, model, root, resume_from, steps):
    """Take some steps and save; return the losses and where the checkpoint lies."""
    settings = TrainerSettings(model=str(model), threads=1, term_norm_steps=0, warmup_steps=1)
    trainer = Trainer(settings, resume_from, ours)
    losses = [
        trainer.step([encode_group(ranked_group(*one), byte_tokenizer(), 99, 99) for one in step])
        for step in steps
    ]
    path, _ = trainer.save(root)
    return [found["loss"] for found in losses], path


def test_two_train_what_one_trains_and_each_goes_on_from_the_others_checkpoint(models, tmp_path):
    one = Processes()
    losses, half_way = train(one, models[1], tmp_path / "one", None, STEPS[:2])
    rest, _ = train(one, models[1], tmp_path / "straight", half_way, STEPS[2:])

    (together, theirs), _ = in_two(train, models[1], tmp_path / "two", None, STEPS[:2])
    alone, _ = train(one, models[1], tmp_path / "alone", theirs, STEPS[2:])
    (after, _), _ = in_two(train, models[1], tmp_path / "after", half_way, STEPS[2:])

    assert together == pytest.approx(losses, abs=1e-5)
    assert alone == pytest.approx(rest, abs=1e-5)
    assert after == pytest.approx(rest, abs=1e-5)


def ask(ours):
    """Have the first process look for something until the processes have met several times; return
    what came, and what it fails with."""
    processes._PATIENCE_SECONDS = 0.01
    meetings = []
    meet = ours.broadcast
    ours.broadcast = lambda value: (meetings.append(1), meet(value))[1]

    def find():
        while len(meetings) < 4:
            time.sleep(0.01)
        return "found" if ours.first else "not asked"

    def fail():
        raise errors.PolicyBusy("another")

    found = ours.from_first(find)
    try:
        ours.from_first(fail)
    except errors.PolicyBusy as busy:
        return found, busy.detail


def test_what_the_first_process_waits_for_is_awaited_in_short_collectives():
    for found, failure in in_two(ask):
        assert found == "found"
        assert failure == "another"
