"""What is learnt stands behind the ids that were sampled from, whoever samples or learns."""

import json
import time

import pytest
from torch.nn import Embedding
from torch.nn.modules.module import register_module_forward_pre_hook

from infra.contracts.base import Author, Label, new_id
from infra.contracts.candidates import SamplePlan
from infra.contracts.ranking import RankedGroup, Response
from sampler import generate
from sampler.drawing import Question, draws_of
from sampler.in_process import InProcess
from sampler.int8 import TOKENIZER, Int8
from sampler.quantize import convert
from tests.marked_tokenizers import TEMPLATES, VOCABULARY, marked_tokenizer
from trainer.encoding import encode_group
from trainer.model import small_student
from trainer.pretrain import encode_pairs
from trainer.tokenizer import load_tokenizer

PROMPT = 'def add(a, b):\n    """Add, with <s>."""\n'
GOOD, BAD = "    return a + b\n", "    return a - b\n"


@pytest.fixture(params=TEMPLATES)
def policy(request, tmp_path):
    """A policy whose tokenizer puts something around a text."""
    folder = tmp_path / "policy"
    small_student(VOCABULARY, seed=3, width=32, layers=1).save_pretrained(folder)
    marked_tokenizer(request.param).save_pretrained(folder)
    return folder


def learnt(policy):
    """A group of the prompt as a trainer encodes it."""
    responses = tuple(
        Response(
            candidate_id=new_id(), author=author, label=Label.ALL_PASS, score=1.0, program=program,
            finished=True,
        )
        for author, program in ((Author.TEACHER, GOOD), (Author.STUDENT, BAD))
    )  # fmt: skip
    group = RankedGroup(
        group_id=new_id(), problem_slug="add", prompt=PROMPT, responses=responses,
        pairs=((0, 1, 0.05),), best=0,
    )  # fmt: skip
    return encode_group(group, load_tokenizer(str(policy)), 512, 512)


def sample(backend, name):
    plan = SamplePlan(author=Author.STUDENT, backend=name, num_samples=2, max_tokens=2)
    question = Question(scope=new_id(), slug="add", prompt=PROMPT, until=time.monotonic() + 60)
    return backend.sample(question, plan, draws_of(plan, "add"))


@pytest.fixture
def sampled_from():
    """The ids that models of this process were given to go on with, row by row."""
    seen = []

    def look(module, given):
        is_of_tokens = isinstance(module, Embedding) and module.num_embeddings == VOCABULARY
        if is_of_tokens and given[0].shape[1] > 1:  # Not those that it has written itself.
            seen.extend(given[0].tolist())

    hook = register_module_forward_pre_hook(look)
    yield seen
    hook.remove()


def test_the_sampler_goes_on_from_the_ids_that_the_trainer_learns_from(policy, sampled_from):
    sample(InProcess(str(policy), None, 4096, "cpu", threads=1), "transformers")

    assert sampled_from == [learnt(policy).prompt] * 2


def test_so_does_the_command_that_samples_a_file(policy, sampled_from, tmp_path):
    problem = {"task_id": "add", "prompt": PROMPT, "entry_point": "add", "test": "assert add(1, 2)"}
    (tmp_path / "problems.jsonl").write_text(json.dumps(problem) + "\n")
    words = ["--model", str(policy), "--problems", str(tmp_path / "problems.jsonl")]
    words += ["--out", str(tmp_path / "out.jsonl"), "--max-tokens", "2", "--device", "cpu"]

    assert generate.main(words) == 0

    assert sampled_from == [learnt(policy).prompt]


class Watched:
    """A converted model, and the tokens it was given to go on with."""

    def __init__(self, model):
        self.model = model
        self.seen = []

    def generate_batch(self, rows, **named):
        self.seen += rows
        return self.model.generate_batch(rows, **named)


def test_so_does_a_converted_model_whatever_its_file_cuts_texts_to(policy, tmp_path):
    folder = tmp_path / "policy@7"
    convert(str(policy), folder)
    path = folder / TOKENIZER
    stored = json.loads(path.read_text())
    stored["truncation"] = {
        "direction": "Right", "max_length": 4, "strategy": "LongestFirst", "stride": 0,
    }  # fmt: skip
    path.write_text(json.dumps(stored))
    backend = Int8(folder)
    backend._generator = watched = Watched(backend._generator)

    sample(backend, "ctranslate2")

    tokens = load_tokenizer(str(policy)).convert_ids_to_tokens(learnt(policy).prompt)
    assert watched.seen == [tokens] * 2


def test_a_response_has_no_beginning_of_its_own_and_one_end(policy):
    tokenizer = load_tokenizer(str(policy))

    group = learnt(policy)

    for ids, program in zip(group.responses, (GOOD, BAD), strict=True):
        assert ids == [
            *tokenizer.encode(program, add_special_tokens=False),
            tokenizer.eos_token_id,
        ]


def test_pretraining_puts_the_same_ids_before_a_program(policy):
    (row,) = encode_pairs([(PROMPT, GOOD)], load_tokenizer(str(policy)))

    group = learnt(policy)

    assert row.ids[: row.start] == group.prompt
    assert row.ids[row.start :] == group.responses[0]
