"""Scoring, encoding, checkpoints and steps on a small GPT-BigCode."""

import math

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from infra import errors
from infra.contracts.base import Author, Label, new_id
from infra.contracts.ranking import LeasedBatch, RankedGroup, Response
from trainer import checkpoint
from trainer.encoding import EncodedGroup, encode_group
from trainer.loop import Trainer
from trainer.loss import LossConfig, denominators, group_terms, total
from trainer.model import small_student
from trainer.scoring import response_logps
from trainer.settings import TrainerSettings
from trainer.tokenizer import byte_tokenizer

GOOD, BAD = "def f(x):\n    return x + 1\n", "def f(x):\n    return x - 1\n"


@pytest.fixture(scope="module")
def model():
    return small_student(257, seed=3).eval()


def group(*programs, finished=True, pairs=((0, 1, 0.7),)):
    return RankedGroup(
        group_id=new_id(),
        problem_slug="t",
        prompt="def f(x):\n",
        responses=tuple(
            Response(
                candidate_id=new_id(),
                author=Author.TEACHER if n == 0 else Author.STUDENT,
                label=Label.ALL_PASS if n == 0 else Label.PARTIAL_PASS,
                score=1.0 if n == 0 else 0.3,
                program=program,
                finished=finished,
            )
            for n, program in enumerate(programs)
        ),
        pairs=pairs,
        best=0,
    )


def encoded(*programs):
    return encode_group(group(*programs), byte_tokenizer(), 512, 512)


def settings(tmp_path, **fields):
    return TrainerSettings(output_dir=tmp_path, threads=1, **fields)


@pytest.mark.parametrize(
    "text", ["", "a", "naïve → 🐍", "\x00\x7f\n\t", " leading", "<|endoftext|x"]
)
def test_the_tokenizer_loses_nothing(text):
    tokenizer = byte_tokenizer()

    ids = tokenizer.encode(text, add_special_tokens=False)

    assert tokenizer.decode(ids) == text
    assert len(ids) == len(text.encode())


def test_log_probabilities_equal_a_token_by_token_loop(model):
    prompt, response = [5, 6, 7], [8, 9, 10, 11]
    with torch.no_grad():
        (logp_T,) = response_logps(model, prompt, [response])
        expected = []
        for n, token in enumerate(response):
            logits = model(torch.tensor([prompt + response[:n]])).logits[0, -1]
            expected.append(torch.log_softmax(logits.float(), -1)[token])

    torch.testing.assert_close(logp_T, torch.stack(expected), atol=1e-5, rtol=1e-5)


def test_padding_changes_no_log_probability(model):
    prompt = [5, 6, 7]
    responses = [[8], [9] * 40, [10, 11, 0, 12]]
    with torch.no_grad():
        together = response_logps(model, prompt, responses)
        alone = [response_logps(model, prompt, [response])[0] for response in responses]

    for here, there in zip(together, alone, strict=True):
        torch.testing.assert_close(here, there, atol=1e-5, rtol=1e-5)


def test_a_large_group_is_scored_in_chunks_with_the_same_result(model, monkeypatch):
    prompt, responses = [1, 2], [[3] * n for n in (5, 9, 2, 7)]
    with torch.no_grad():
        whole = response_logps(model, prompt, responses)
        monkeypatch.setattr("trainer.scoring.MAX_ROWS_TOKENS", 12)
        chunked = response_logps(model, prompt, responses)

    assert [len(logp) for logp in chunked] == [5, 9, 2, 7]
    for here, there in zip(whole, chunked, strict=True):
        torch.testing.assert_close(here, there, atol=1e-5, rtol=1e-5)


def test_the_end_is_trained_only_on_complete_texts():
    tokenizer = byte_tokenizer()

    whole = encode_group(group(GOOD, BAD), tokenizer, 512, 512)
    cut = encode_group(group(GOOD, BAD, finished=False), tokenizer, 512, 512)
    long = encode_group(group(GOOD, BAD), tokenizer, 512, 10)

    end = tokenizer.eos_token_id
    assert [ids[-1] for ids in whole.responses] == [end, end]
    assert end not in cut.responses[0]
    assert [len(ids) for ids in long.responses] == [10, 10]
    assert end not in long.responses[0]


def test_groups_in_one_step_and_accumulated_give_the_same_gradient(model):
    groups = [encoded(GOOD, BAD), encoded(BAD * 3, GOOD), encoded("x = 1\n", GOOD * 2)]
    config = LossConfig()

    def gradient(order):
        counts = sum(
            (
                denominators([len(r) for r in g.responses], g.pairs, g.best, config)
                for g in groups[1:]
            ),
            denominators([len(r) for r in groups[0].responses], groups[0].pairs, 0, config),
        )
        model.zero_grad()
        losses = [
            total(
                group_terms(response_logps(model, g.prompt, g.responses), g.pairs, g.best, config),
                counts,
                config,
            )
            for g in order
        ]
        if order is groups:
            sum(losses).backward()
        else:
            for loss in losses:
                loss.backward()
        return torch.cat([p.grad.flatten() for p in model.parameters()])

    torch.testing.assert_close(gradient(groups), gradient(groups[::-1]), atol=1e-6, rtol=1e-4)


def test_training_one_group_puts_its_pair_in_order(tmp_path):
    trainer = Trainer(settings(tmp_path, learning_rate=3e-3), None)
    groups = [encoded(GOOD, BAD)]
    first = trainer.step(groups)

    for _ in range(40):
        last = trainer.step(groups)

    assert last["loss"] < first["loss"] / 2
    assert last["pair_accuracy"] == 1.0
    logps = response_logps(trainer.model, groups[0].prompt, groups[0].responses)
    assert logps[0].mean() > logps[1].mean()


def test_a_resumed_run_is_the_same_run_to_the_bit(tmp_path):
    steps = [[encoded(GOOD, BAD)], [encoded(BAD, GOOD)], [encoded("a = 1\n", "a = 2\n")]] * 2
    straight = Trainer(settings(tmp_path), None)
    for groups in steps:
        straight.step(groups)

    first = Trainer(settings(tmp_path), None)
    for groups in steps[:3]:
        first.step(groups)
    path, _ = checkpoint.save(
        tmp_path / "c", first.model, first.tokenizer, first.optimizer, first.state
    )
    second = Trainer(settings(tmp_path), path)
    for groups in steps[3:]:
        second.step(groups)

    assert second.state.version == 6
    for here, there in zip(straight.model.parameters(), second.model.parameters(), strict=True):
        assert torch.equal(here, there)


def test_a_checkpoint_loads_with_plain_transformers(tmp_path):
    trainer = Trainer(settings(tmp_path), None)
    path, digest = checkpoint.save(
        tmp_path / "c", trainer.model, trainer.tokenizer, trainer.optimizer, trainer.state
    )

    model = AutoModelForCausalLM.from_pretrained(path)
    tokenizer = AutoTokenizer.from_pretrained(path)

    assert tokenizer.decode(tokenizer.encode(GOOD, add_special_tokens=False)) == GOOD
    for here, there in zip(trainer.model.parameters(), model.parameters(), strict=True):
        assert torch.equal(here, there)
    assert digest == checkpoint.sha256(path)


def test_half_written_and_unrecorded_checkpoints_are_discarded(tmp_path):
    for name in ("00000001", "00000002", ".00000003.new"):
        (tmp_path / name).mkdir()

    checkpoint.discard_after(tmp_path, 1)

    assert [path.name for path in tmp_path.iterdir()] == ["00000001"]


def test_old_checkpoints_go_and_pinned_ones_stay(tmp_path):
    for version in range(1, 7):
        (tmp_path / f"{version:08d}").mkdir()

    checkpoint.retain(tmp_path, keep=2, pinned=[3])

    assert sorted(int(path.name) for path in tmp_path.iterdir()) == [3, 5, 6]


def test_a_loss_that_is_not_finite_changes_no_weight(tmp_path):
    trainer = Trainer(settings(tmp_path), None)
    with torch.no_grad():
        next(trainer.model.parameters()).fill_(math.nan)
    before = [parameter.clone() for parameter in trainer.model.parameters()]

    with pytest.raises(errors.TrainingDiverged):
        trainer.step([encoded(GOOD, BAD)])

    assert trainer.state.version == 0
    for here, there in zip(before, trainer.model.parameters(), strict=True):
        torch.testing.assert_close(here, there, equal_nan=True)


def test_prompt_and_response_fit_the_model_whatever_their_length(tmp_path):
    trainer = Trainer(settings(tmp_path, max_response_tokens=4000, max_prompt_tokens=4000), None)
    long = group("x = 1\n" * 2000, BAD).model_copy(update={"prompt": "p" * 9000})
    batch = LeasedBatch(batch_id=new_id(), epoch=1, groups=(long,))

    (one,) = trainer.encode(batch)

    assert isinstance(one, EncodedGroup)
    assert len(one.prompt) + max(map(len, one.responses)) <= 2048
    assert trainer.step([one])["loss"] > 0
