"""A tiny model, converted to 8-bit integers and sampled through the backend."""

import time

import pytest
import torch

from infra import errors
from infra.contracts.base import Author, new_id
from infra.contracts.candidates import SamplePlan
from infra.prompting.wording import quoted
from sampler.backends import SamplesExhausted
from sampler.draws import Question, draws_of
from sampler.models.int8 import Int8
from sampler.models.quantize import convert
from sampler.settings import SamplerSettings
from trainer.models.model import small_student
from trainer.models.tokenizer import byte_tokenizer

PROMPT = "def add(a, b):"
COMPLETION = "    return a + b"


def converted(made, folder):
    """Save a model and convert it; return where that lies."""
    made.save_pretrained(folder / "policy")
    byte_tokenizer().save_pretrained(folder / "policy")
    convert(str(folder / "policy"), folder / "policy@7")
    return folder / "policy@7"


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """Where a model lies converted that has learnt nothing."""
    return converted(small_student(257, seed=3), tmp_path_factory.mktemp("models"))


def learn_by_heart(made, ids, completion):
    """Train until what follows has the first place by far, so that no rounding takes it away."""
    optimizer = torch.optim.Adam(made.parameters(), lr=3e-3)
    tokens = torch.tensor([ids + completion])
    labels = torch.tensor([[-100] * len(ids) + completion])
    for _ in range(300):
        loss = made(tokens, labels=labels).loss
        if loss < 0.02:
            return
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    raise AssertionError(f"it has not learnt it: {loss}")


def sample(backend, count=1, **fields):
    plan = SamplePlan(author=Author.STUDENT, backend="ctranslate2", num_samples=count, **fields)
    question = Question(scope=new_id(), slug="p", prompt=PROMPT, until=time.monotonic() + 60)
    return backend.sample(question, plan, draws_of(plan, "p"))


def test_greedy_completions_are_those_of_the_model_that_was_converted(tmp_path):
    tokenizer = byte_tokenizer()
    ids = tokenizer.encode(quoted(PROMPT), add_special_tokens=False)
    original = small_student(257, seed=3)
    learn_by_heart(original, ids, tokenizer.encode(COMPLETION, add_special_tokens=False))

    backend = Int8(converted(original.eval(), tmp_path))
    with torch.inference_mode():
        expected = original.generate(
            torch.tensor([ids]), do_sample=False, max_new_tokens=len(COMPLETION), pad_token_id=0
        )

    (found,) = sample(backend, temperature=0, max_tokens=len(COMPLETION))

    assert found.text == tokenizer.decode(expected[0, len(ids) :].tolist()) == COMPLETION
    assert found.finish_reason == "length"
    assert (found.model, found.policy_version, found.seed) == ("policy@7", 7, None)


def test_each_draw_has_its_temperature_and_stops_where_it_is_told(model):
    backend = Int8(model)

    found = sample(backend, 40, temperatures=(0.0, 1.5), max_tokens=24)
    cold, warm = {one.text for one in found[::2]}, {one.text for one in found[1::2]}
    stop = next(text for text in warm if len(text) > 8)[4:6]
    cut = sample(backend, 40, temperatures=(0.0, 1.5), max_tokens=24, stop=(stop,))

    assert len(cold) == 1
    assert len(warm) > 15
    assert all(stop not in one.text for one in cut)


def test_what_cannot_be_sampled_is_refused(model, tmp_path):
    backend = Int8(model)

    with pytest.raises(SamplesExhausted, match="not 'other'"):
        sample(backend, model="other")
    with pytest.raises(errors.ConfigurationError, match="RRTF_SAMPLER_QUANTIZED"):
        Int8(tmp_path)


def test_the_setting_opens_the_backend(model):
    assert set(SamplerSettings(quantized=model).backends()) == {"ctranslate2"}
