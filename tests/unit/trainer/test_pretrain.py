"""A student made from nothing: the same for a seed, and only programs are learnt."""

import random

import pytest
import torch
from torch.nn import functional
from transformers import AutoModelForCausalLM, AutoTokenizer

from infra import errors
from trainer.models.pretrain import (
    Recipe,
    batches,
    encode_pairs,
    main,
    pretrain,
    program_loss,
    read_corpus,
)
from trainer.models.tokenizer import train_tokenizer

PAIRS = [
    (f"Add {number} to each.", f"def add(n):\n    return n + {number}\n") for number in range(40)
]
SMALL = Recipe(vocabulary=320, width=32, layers=2, epochs=20, batch_rows=8)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Models this small only wait for one another's threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def made():
    return pretrain(PAIRS, SMALL)


def test_the_loss_is_that_of_the_program_given_the_prompt(made):
    model, tokenizer = made
    rows = encode_pairs([*PAIRS[:5], ("", "x = 1\n")], tokenizer)

    by_hand = []
    for row in rows:
        logits = model(input_ids=torch.tensor([row.ids])).logits[0]
        for position in range(row.start, len(row.ids)):
            by_hand.append(
                functional.cross_entropy(logits[position - 1], torch.tensor(row.ids[position]))
            )

    assert len({len(row.ids) for row in rows}) > 1
    assert program_loss(model, rows).item() == pytest.approx(
        torch.stack(by_hand).mean().item(), abs=1e-5
    )


def test_training_teaches_the_corpus(made):
    model, tokenizer = made
    untrained, _ = pretrain(PAIRS, Recipe(**vars(SMALL) | {"epochs": 0.0}))
    rows = encode_pairs(PAIRS, tokenizer)

    before, after = (program_loss(net, rows).item() for net in (untrained, model))

    assert after < before / 4


def test_the_same_seed_makes_the_same_weights_and_another_does_not():
    short = Recipe(**vars(SMALL) | {"epochs": 1})
    first, again, other = (
        pretrain(PAIRS, Recipe(**vars(short) | {"seed": seed}))[0].state_dict()
        for seed in (0, 0, 1)
    )

    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_an_epoch_has_every_row_once():
    rows = encode_pairs(PAIRS, train_tokenizer([text for _, text in PAIRS], 300))

    seen = [row for batch in batches(rows, 16, random.Random(0)) for row in batch]

    assert sorted(map(id, seen)) == sorted(map(id, rows))


def test_the_program_writes_what_transformers_loads(tmp_path):
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text('{"prompt": "Return 1.", "program": "def one():\\n    return 1\\n"}\n' * 8)
    out = tmp_path / "student"

    small = ["--vocabulary", "300", "--width", "32", "--layers", "1", "--threads", "1"]
    status = main(["--corpus", str(corpus), "--out", str(out), *small])

    assert status == 0
    assert AutoTokenizer.from_pretrained(out).decode([0]) == "<|endoftext|>"
    assert AutoModelForCausalLM.from_pretrained(out).config.n_layer == 1


def test_a_line_that_is_no_pair_is_named(tmp_path):
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text('{"prompt": "a", "program": "b"}\n{"prompt": "a"}\n')

    with pytest.raises(errors.InvalidInput, match="line 2"):
        read_corpus(corpus)
