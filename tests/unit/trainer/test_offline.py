"""Training on a file of ranked groups, with no service."""

import pytest
import torch
from transformers import AutoModelForCausalLM

from infra import errors
from infra.contracts.base import Author, Label, new_id
from infra.contracts.ranking import RankedGroup, Response
from infra.observability import logs
from infra.weights import weights_sha256
from trainer.models.model import small_student
from trainer.models.tokenizer import byte_tokenizer
from trainer.offline import main, read_groups
from trainer.settings import TrainerSettings


def response(author, label, score, program):
    return Response(
        candidate_id=new_id(),
        author=author,
        label=label,
        score=score,
        program=program,
        finished=True,
    )


def group(number, pairs=((0, 1, 0.7),)):
    return RankedGroup(
        group_id=new_id(),
        problem_slug=f"p/{number}",
        prompt=f"Give {number}.",
        responses=(
            response(Author.TEACHER, Label.ALL_PASS, 1.05, f"return {number}\n"),
            response(Author.STUDENT, Label.RUNTIME_ERROR, 0.35, f"raise {number}\n"),
        ),
        pairs=pairs,
        best=0,
    )


@pytest.fixture(autouse=True)
def loggers(monkeypatch):
    """Leave those of this process as they are: what other tests capture would pass them by."""
    monkeypatch.setattr(logs, "configure", lambda service: None)


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("student")
    small_student(257, 0, width=32, layers=1, positions=128).save_pretrained(folder)
    byte_tokenizer().save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def groups(tmp_path_factory):
    path = tmp_path_factory.mktemp("groups") / "groups.jsonl"
    path.write_text("".join(group(number).model_dump_json() + "\n" for number in range(6)))
    return path


def train(student, groups, out, *more):
    arguments = ["--model", str(student), "--groups", str(groups), "--out", str(out)]
    status = main([*arguments, "--batch-groups", "2", "--threads", "1", *more])
    assert status == 0
    (made,) = (path for path in out.iterdir() if path.name.isdigit())
    return made


def logp(model, text):
    ids = torch.tensor(
        [byte_tokenizer().encode('"""\nGive 3.\n"""\n' + text, add_special_tokens=False)]
    )
    with torch.no_grad():
        found = torch.log_softmax(AutoModelForCausalLM.from_pretrained(model)(ids).logits, -1)
    return found[0, :-1].gather(-1, ids[0, 1:, None])[-len(text) :].mean().item()


def test_the_better_program_becomes_likelier_than_the_worse_one(student, groups, tmp_path):
    made = train(student, groups, tmp_path, "--epochs", "20", "--learning-rate", "3e-3")

    assert int(made.name) == 20 * 3
    assert logp(made, "return 3") > logp(student, "return 3") + 1
    assert logp(made, "return 3") > logp(made, "raise 3")


@pytest.mark.slow
def test_the_same_seed_makes_the_same_weights_and_another_order_other_ones(
    student, groups, tmp_path
):
    made = [
        train(student, groups, tmp_path / name, "--epochs", "1", "--seed", seed)
        for name, seed in (("a", "0"), ("b", "0"), ("c", "1"))
    ]

    first, again, other = ((path / "model.safetensors").read_bytes() for path in made)
    assert first == again != other


def test_a_line_that_is_no_group_is_refused(tmp_path):
    path = tmp_path / "groups.jsonl"
    path.write_text(group(1).model_dump_json() + "\n{}\n")

    with pytest.raises(errors.InvalidInput, match=str(path)):
        read_groups(path)
    path.write_text("")
    with pytest.raises(errors.InvalidInput, match="no ranked group"):
        read_groups(path)


def test_as_many_checkpoints_are_kept_as_may_still_be_sampled_from():
    def kept(**settings):
        return TrainerSettings(keep_checkpoints=3, **settings).num_kept

    assert kept() == 3
    assert kept(max_staleness=10) == 13
    assert kept(max_staleness=10, checkpoint_steps=4) == 6


def test_two_runs_one_behind_the_other_give_the_same_bits_as_one(student, tmp_path):
    groups = tmp_path / "groups.jsonl"
    groups.write_text(group(1).model_dump_json() + "\n")

    once = train(student, groups, tmp_path / "once", "--epochs", "2", "--mode", "dpo")
    first = train(student, groups, tmp_path / "first", "--epochs", "1", "--mode", "dpo")
    again = ("--epochs", "1", "--mode", "dpo", "--resume", str(first))
    second = train(student, groups, tmp_path / "second", *again)

    assert (first.name, second.name) == ("00000001", "00000002")
    assert weights_sha256(second) == weights_sha256(once) != weights_sha256(first)
