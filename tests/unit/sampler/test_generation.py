"""A completion depends on model, prompt, seed and decoding, and on nothing else."""

import collections

import pytest
import torch
from transformers import (
    GPTBigCodeConfig,
    GPTBigCodeForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from infra import errors
from infra.contracts.prompting import PromptForm, PromptStyle
from infra.prompting.wording import Described
from sampler.draws import Decoding, derive_seed
from sampler.models.generation import LocalModel, Row, SeededChoice
from trainer.models.tokenizer import byte_tokenizer

RAW = PromptForm(style=PromptStyle.RAW)
_ATTENTION = {
    "vocab_size": 257,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "bos_token_id": 0,
    "eos_token_id": 0,
    "initializer_range": 0.3,
}


def make(architecture: str) -> torch.nn.Module:
    torch.manual_seed(7)
    match architecture:
        case "llama":
            return LlamaForCausalLM(LlamaConfig(**_ATTENTION))
        case "qwen2":
            return Qwen2ForCausalLM(Qwen2Config(**_ATTENTION))
        case _:
            return GPTBigCodeForCausalLM(
                GPTBigCodeConfig(
                    vocab_size=257,
                    n_positions=128,
                    n_embd=32,
                    n_layer=2,
                    n_head=4,
                    bos_token_id=0,
                    eos_token_id=0,
                    initializer_range=0.3,
                )
            )


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Models this small only wait for one another's threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module", params=["gpt_bigcode", "llama", "qwen2"])
def local(request, tmp_path_factory):
    """A small random model, saved and loaded as any other."""
    folder = tmp_path_factory.mktemp(request.param)
    make(request.param).save_pretrained(folder)
    byte_tokenizer().save_pretrained(folder)
    return LocalModel(str(folder), "cpu", RAW)


def rows_of(local, texts):
    return [
        Row(prompt=local.encode(Described(text)), seed=number) for number, text in enumerate(texts)
    ]


TEXTS = ["a", "def add(a, b):", "x" * 60, "return", "import os\n", "", "for i in range(9):"]
TEXTS = [text or "#" for text in TEXTS]
GREEDY = Decoding(temperature=0, max_tokens=24)
SAMPLED = Decoding(temperature=0.9, top_p=0.9, max_tokens=24)


@pytest.mark.parametrize("decoding", [GREEDY, SAMPLED], ids=["greedy", "sampled"])
def test_the_size_of_a_batch_does_not_change_a_completion(local, decoding):
    rows = rows_of(local, TEXTS)

    together = local.generate(rows, decoding, batch_tokens=100_000)
    in_pairs = local.generate(rows, decoding, batch_tokens=130)
    alone = [local.generate([row], decoding, batch_tokens=1)[0] for row in rows]

    assert together == in_pairs == alone
    assert len({item.text for item in together}) > 4


def test_greedy_is_the_likeliest_token_again_and_again_without_any_padding(local):
    rows = rows_of(local, TEXTS)

    found = local.generate(rows, GREEDY, batch_tokens=100_000)

    for row, item in zip(rows, found, strict=True):
        ids = list(row.prompt)
        with torch.inference_mode():
            for _ in range(GREEDY.max_tokens):
                ids.append(int(local.model(torch.tensor([ids])).logits[0, -1].argmax()))
                if ids[-1] in local.ends:
                    break
        written = [token for token in ids[len(row.prompt) :] if token not in local.ends]
        assert item.text == local.tokenizer.decode(written)


def test_the_seed_decides_a_sampled_completion(local):
    prompt = local.encode(Described("def add(a, b):"))
    rows = [Row(prompt=prompt, seed=seed) for seed in (1, 2, 1)]

    first, second, again = local.generate(rows, SAMPLED, batch_tokens=10_000)

    assert first == again
    assert first != second


def test_a_stop_text_ends_a_completion_and_is_not_part_of_it(local):
    rows = rows_of(local, TEXTS)
    whole = local.generate(rows, SAMPLED, batch_tokens=10_000)
    stop = whole[1].text[3:5]

    cut = local.generate(
        rows,
        Decoding(temperature=0.9, top_p=0.9, max_tokens=24, stop=(stop, "never written")),
        batch_tokens=10_000,
    )

    assert cut[1].text == whole[1].text[: whole[1].text.find(stop)]
    assert cut[1].finish_reason == "stop"
    assert cut[1].token_ids == whole[1].token_ids[: len(cut[1].token_ids)]
    for before, after in zip(whole, cut, strict=True):
        assert after.text == before.text.partition(stop)[0]


def test_a_completion_says_why_it_ended(local):
    rows = [Row(prompt=local.encode(Described("x")), seed=seed) for seed in range(200)]
    # Flat enough that the end token, one of 257, is met within some of the rows.
    found = local.generate(rows, Decoding(temperature=4.0, max_tokens=40), batch_tokens=100_000)

    reasons = collections.Counter(item.finish_reason for item in found)

    assert reasons["stop"] > 5
    assert reasons["length"] > 5
    assert all(len(item.token_ids) == 40 for item in found if item.finish_reason == "length")
    for item in found:
        ends = [token in local.ends for token in item.token_ids]
        assert ends == [False] * (len(ends) - 1) + [item.finish_reason == "stop"]
        assert len(item.logps) == len(item.token_ids)


@pytest.mark.parametrize("decoding", [{"top_k": 1}, {"min_p": 1.0}])
def test_one_token_left_to_draw_from_is_the_likeliest(local, decoding):
    rows = rows_of(local, TEXTS)

    drawn = local.generate(rows, Decoding(temperature=2.0, max_tokens=24, **decoding), 10_000)

    assert drawn == local.generate(rows, GREEDY, 10_000)


def test_a_model_without_a_position_left_refuses(local):
    row = Row(prompt=local.encode(Described("x" * 128)), seed=0)

    with pytest.raises(errors.InvalidInput):
        local.generate([row], GREEDY, batch_tokens=1000)


def test_new_tokens_stop_where_positions_do(local):
    (found,) = local.generate(
        [Row(prompt=local.encode(Described("x" * 120)), seed=0)], SAMPLED, batch_tokens=1000
    )

    assert len(found.token_ids) <= 8


def test_a_prompt_that_fills_the_positions_does_not_shorten_its_neighbours(local):
    rows = rows_of(local, ["a", "x" * 120, "y" * 124, "b"])

    together = local.generate(rows, SAMPLED, batch_tokens=100_000)

    assert together == [local.generate([row], SAMPLED, batch_tokens=1)[0] for row in rows]


def test_choices_follow_the_probabilities():
    logits = torch.tensor([0.0, 1.0, 2.0, -torch.inf, 0.5])
    seeds = [derive_seed(5, "problem", number) for number in range(20_000)]
    choice = SeededChoice(seeds, prompt_width=3, num_new=1)

    scores = choice(torch.zeros(len(seeds), 3, dtype=torch.long), logits.repeat(len(seeds), 1))

    shares = torch.bincount(scores.argmax(-1), minlength=5) / len(seeds)
    assert (scores > -torch.inf).sum(-1).eq(1).all()
    assert torch.allclose(shares, logits.softmax(-1), atol=0.012)
    assert shares[3] == 0
