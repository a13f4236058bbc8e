"""Completions a second of batched sampling, beside plain `generate` one by one."""

import random
import time

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from infra.contracts.prompting import PromptForm, PromptStyle
from infra.prompting.wording import Described, quoted
from sampler.draws import Decoding, derive_seed
from sampler.models.generation import LocalModel, Row
from services.exercises.exercise import Split, draw_from
from services.exercises.making import corpus
from trainer.models.pretrain import Recipe, pretrain

_PROMPTS, _SAMPLES, _ROUNDS = 24, 8, 3
_DECODING = Decoding(temperature=0.8, top_p=0.95, max_tokens=64)


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    """A student of the usual shape, trained just long enough to end its programs."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("student")
    model, tokenizer = pretrain(list(corpus(0, 3_000)), Recipe(epochs=1.0))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def test_batches_against_one_by_one(student, capsys):
    rng = random.Random(0)
    prompts = [quoted(draw_from(Split.TRAINING, rng).prompt) for _ in range(_PROMPTS)]
    local = LocalModel(student, "cpu", PromptForm(style=PromptStyle.RAW))
    plain, tokenizer = (
        kind.from_pretrained(student) for kind in (AutoModelForCausalLM, AutoTokenizer)
    )
    rows = [
        Row(prompt=local.encode(Described(prompt)), seed=derive_seed(0, prompt, number))
        for prompt in prompts
        for number in range(_SAMPLES)
    ]

    def batched():
        return sum(len(item.token_ids) for item in local.generate(rows, _DECODING, 32_768)), len(
            rows
        )

    def one_by_one():
        new = 0
        for prompt in prompts:
            ids = tokenizer(prompt, return_tensors="pt")
            out = plain.generate(
                **ids, do_sample=True, temperature=0.8, top_p=0.95, max_new_tokens=64
            )
            new += out.shape[1] - ids["input_ids"].shape[1]
        return new, len(prompts)

    rates = {batched: [], one_by_one: []}
    for _ in range(_ROUNDS):
        for run, found in rates.items():
            began = time.process_time()
            tokens, count = run()
            found.append((count / (time.process_time() - began), tokens / count))
    with capsys.disabled():
        print()
        for run, found in rates.items():
            rate, length = sorted(found)[_ROUNDS // 2]
            print(
                f"{run.__name__:<12} {rate:>8.1f} completions/s of CPU time,"
                f" {length:.1f} tokens each"
            )
        pace = [a[0] / b[0] for a, b in zip(*rates.values(), strict=True)]
        print(f"ratio        {min(pace):>8.1f} to {max(pace):.1f}")
    assert all(rate > 0 for found in rates.values() for rate, _ in found)
