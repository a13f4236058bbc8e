"""The in-process backend: what it may load, and what it stamps on a completion."""

import json

import pytest
import torch

from infra.contracts.base import Author
from infra.contracts.candidates import SamplePlan
from sampler.backends import SamplesExhausted
from sampler.in_process import InProcess
from trainer.model import small_student
from trainer.tokenizer import byte_tokenizer


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A student, and two checkpoints of a policy."""
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("models")
    for seed, (name, version) in enumerate((("first", None), ("c/p/1", 1), ("c/p/2", 2))):
        folder = root / name
        small_student(257, seed, width=32, layers=1, positions=64).save_pretrained(folder)
        byte_tokenizer().save_pretrained(folder)
        if version is not None:
            (folder / "trainer_state.json").write_text(json.dumps({"version": version}))
    return root


@pytest.fixture
def backend(models):
    return InProcess(str(models / "first"), models / "c", 4096, "cpu")


def plan(model="", **more):
    settings = {"num_samples": 4, "max_tokens": 8, "temperature": 1.0, "seed": 3} | more
    return SamplePlan(author=Author.STUDENT, backend="transformers", model=model, **settings)


def test_completions_carry_model_version_and_a_seed_of_their_own(backend, models):
    first = backend.sample("a", "Add.", plan())
    second = backend.sample("a", "Add.", plan("p/2"))

    assert [item.policy_version for item in first + second] == [0] * 4 + [2] * 4
    assert {item.model for item in second} == {str(models / "c/p/2")}
    assert len({item.seed for item in first}) == 4
    assert [item.text for item in first] != [item.text for item in second]


def test_the_same_plan_gives_the_same_completions_whatever_was_sampled_between(backend):
    before = backend.sample("a", "Add.", plan())
    backend.sample("b", "Something else.", plan("p/1"))

    assert backend.sample("a", "Add.", plan()) == before
    assert backend.sample("a", "Add.", plan(num_samples=2)) == before[:2]
    assert backend.sample("a", "Add.", plan(seed=4)) != before


@pytest.mark.parametrize("name", ["../first", "/etc", "p/3", "somebody/else", "p/../../first"])
def test_a_plan_may_name_no_model_but_the_given_one_and_the_checkpoints(backend, name):
    with pytest.raises(SamplesExhausted, match="no model"):
        backend.sample("a", "Add.", plan(name))


def test_a_prompt_that_is_too_long_is_refused_for_good(backend):
    with pytest.raises(SamplesExhausted, match="1 to 63 tokens"):
        backend.sample("a", "x" * 100, plan())
