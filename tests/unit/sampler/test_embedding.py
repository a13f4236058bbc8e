"""Texts found by a model of embeddings, of the least size and with weights by chance."""

import json

import torch
from transformers import BertConfig, BertModel, BertTokenizer

from sampler.models import embedding

KNOWN = ["add the numbers", "reverse the words of a text"]


def model(folder):
    words = sorted({word for text in KNOWN for word in text.split()})
    folder.mkdir()
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]) + "\n")
    BertTokenizer(str(vocabulary)).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=5 + len(words), hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, max_position_embeddings=16,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder)
    return folder


def test_each_text_has_its_nearest_one_and_how_near_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(embedding.logs, "configure", lambda service: None)
    folder = model(tmp_path / "model")
    texts = ["REVERSE the words of a text", "Add the numbers", "words " * 200]
    for name, lines in {"known": KNOWN, "texts": texts}.items():
        (tmp_path / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    words = [f"--{name}={tmp_path / name}" for name in ("known", "texts", "out")]

    assert embedding.main([f"--model={folder}", *words]) == 0

    found = [json.loads(line) for line in (tmp_path / "out").read_text().splitlines()]
    assert [number for number, _ in found[:2]] == [1, 0]
    assert all(abs(near - 1) < 1e-4 for _, near in found[:2])
    assert len(found) == 3
    assert found[2][1] < 0.999
    assert embedding.main([f"--model={tmp_path}", *words]) == 1
