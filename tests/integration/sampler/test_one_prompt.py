"""The ids that are learnt are those that were sampled, behind those they were sampled from."""

import json
import time

import pytest
from torch.nn import Embedding
from torch.nn.modules.module import register_module_forward_pre_hook
from transformers import AutoModelForCausalLM

from infra import errors
from infra.contracts.base import Author, Label, new_id
from infra.contracts.candidates import SamplePlan
from infra.contracts.prompting import PromptForm, PromptStyle, Sampled
from infra.contracts.ranking import RankedGroup, Response
from infra.prompting.encoding import words_of
from infra.prompting.stored import form_of, write_form
from sampler import generate
from sampler.draws import Question, draws_of
from sampler.models.in_process import InProcess
from sampler.models.int8 import TOKENIZER, Int8
from sampler.models.quantize import convert
from tests.tokenizer_kinds import KINDS
from trainer.batches.encoding import encode_group
from trainer.models.model import small_student
from trainer.models.pretrain import encode_pairs
from trainer.models.tokenizer import load_tokenizer
from trainer.rows.scoring import response_logps

RAW = PromptForm(style=PromptStyle.RAW)
POSITIONS = 2048
"""Of the small student; a token's number is lower."""
PROMPT = 'def add(a, b):\n    """Add, with <s>."""\n'
GOOD, BAD = "    return a + b\n", "    return a - b\n"


def made(kind, folder):
    """Write a policy with a tokenizer of a kind, and the form of its prompts."""
    make, form = KINDS[kind]
    tokenizer = make()
    small_student(len(tokenizer), seed=3, width=32, layers=1).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    write_form(folder, form)
    return folder


@pytest.fixture(params=KINDS)
def policy(request, tmp_path):
    return made(request.param, tmp_path / "policy")


@pytest.fixture(params=[kind for kind, (_, form) in KINDS.items() if not form.is_chat])
def plain_policy(request, tmp_path):
    return made(request.param, tmp_path / "policy")


def response(program, author=Author.STUDENT, completion=None):
    return Response(
        candidate_id=new_id(), author=author, label=Label.ALL_PASS, score=1.0, program=program,
        finished=completion is None or completion.finish_reason == "stop",
        written=completion and completion.text, sampled=completion and completion.sampled,
    )  # fmt: skip


def learnt(policy, *sampled):
    """A group of the prompt as a trainer encodes it: a teacher's program and students'."""
    students = [response(BAD, completion=one) for one in sampled or (None,)]
    responses = (response(GOOD, Author.TEACHER), *students)
    group = RankedGroup(
        group_id=new_id(), problem_slug="add", prompt=PROMPT, entry_point="add",
        responses=responses, pairs=[(0, n, 0.05) for n in range(1, len(responses))], best=0,
    )  # fmt: skip
    form = form_of(str(policy), RAW)
    return encode_group(group, load_tokenizer(str(policy)), 512, 512, form=form)


def sample(backend, name, max_tokens=2):
    plan = SamplePlan(
        author=Author.STUDENT, backend=name, num_samples=2, max_tokens=max_tokens,
        temperature=1.5, top_p=0.9, seed=5,
    )  # fmt: skip
    question = Question(
        scope=new_id(), slug="add", prompt=PROMPT, entry_point="add", until=time.monotonic() + 60
    )
    return backend.sample(question, plan, draws_of(plan, "add"))


@pytest.fixture
def sampled_from():
    """The ids that models of this process were given to go on with, row by row."""
    seen = []

    def look(module, given):
        is_of_tokens = isinstance(module, Embedding) and module.num_embeddings < POSITIONS
        if is_of_tokens and given[0].shape[1] > 1:  # Not those that it has written itself.
            seen.extend(given[0].tolist())

    hook = register_module_forward_pre_hook(look)
    yield seen
    hook.remove()


def test_what_a_trainer_learns_is_what_the_sampler_wrote_behind_what_it_was_shown(
    policy, sampled_from
):
    written = sample(InProcess(str(policy), None, 4096, "cpu", threads=1), "transformers", 12)
    shown = sampled_from.copy()

    group = learnt(policy, *written)

    assert shown == [group.prompt] * 2
    assert group.responses[1:] == [list(one.sampled.token_ids) for one in written]
    model = AutoModelForCausalLM.from_pretrained(policy)
    scored = response_logps(model, group.prompt, group.responses[1:])
    for one, found in zip(written, scored, strict=True):
        assert list(one.sampled.logps) == pytest.approx(found.tolist(), abs=1e-4)


def test_a_text_without_ids_is_learnt_behind_the_same_prompt(policy):
    (written, _) = sample(InProcess(str(policy), None, 4096, "cpu", threads=1), "transformers")
    tokenizer = load_tokenizer(str(policy))
    known = Sampled(form=written.sampled.form)

    group = learnt(policy, written.model_copy(update={"text": GOOD, "sampled": known}))

    assert group.prompt == list(written.sampled.prompt_token_ids)
    assert words_of(tokenizer, group.prompt, group.responses[1]) == GOOD
    assert GOOD in words_of(tokenizer, group.prompt, group.responses[0])


def test_the_command_that_samples_a_file_shows_the_same_ids(policy, sampled_from, tmp_path):
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


def test_so_does_a_converted_model_whatever_its_file_cuts_texts_to(plain_policy, tmp_path):
    policy = plain_policy
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

    written = sample(backend, "ctranslate2")

    group = learnt(policy, *written)
    tokens = load_tokenizer(str(policy)).convert_ids_to_tokens(group.prompt)
    assert watched.seen == [tokens] * 2
    assert group.responses[1:] == [list(one.sampled.token_ids) for one in written]


def test_what_was_sampled_from_another_prompt_is_refused_by_name(tmp_path):
    policy = made("thinks", tmp_path / "policy")
    (written, _) = sample(InProcess(str(policy), None, 4096, "cpu", threads=1), "transformers")
    sampled = written.sampled
    for other in (
        Sampled(form=RAW),
        sampled.model_copy(update={"form": sampled.form.model_copy(update={"system": ""})}),
        sampled.model_copy(update={"prompt_token_ids": sampled.prompt_token_ids[:-1]}),
    ):
        with pytest.raises(errors.PromptMismatch, match="was sampled from"):
            learnt(policy, written.model_copy(update={"sampled": other}))


def test_pretraining_puts_the_same_ids_before_a_program(tmp_path):
    policy = made("ends texts", tmp_path / "policy")
    (row,) = encode_pairs([(PROMPT, GOOD)], load_tokenizer(str(policy)))

    group = learnt(policy)

    assert row.ids[: row.start] == group.prompt
    assert row.ids[row.start :] == group.responses[0]
