"""The in-process backend: what it may load, what it stamps on a completion, what is batched."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from infra import errors
from infra.contracts.base import Author, new_id
from infra.contracts.candidates import SamplePlan
from sampler.backends import SamplesExhausted
from sampler.draws import Question, draws_of
from sampler.models import in_process
from sampler.models.in_process import InProcess
from trainer.models.model import small_student
from trainer.models.tokenizer import byte_tokenizer


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A student, two checkpoints of a policy, and one that is being written."""
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("models")
    for seed, (name, version) in enumerate(
        (("first", None), ("c/p/1", 1), ("c/p/2", 2), ("c/p/.3.new", 3))
    ):
        folder = root / name
        small_student(257, seed, width=32, layers=1, positions=64).save_pretrained(folder)
        byte_tokenizer().save_pretrained(folder)
        if version is not None:
            (folder / "trainer_state.json").write_text(json.dumps({"version": version}))
    return root


@pytest.fixture
def backend(models):
    return InProcess(str(models / "first"), models / "c", 4096, "cpu", threads=1)


class Stays:
    """Counts how often it was kept from being taken for lost."""

    def __init__(self):
        self.times = 0
        self.until = time.monotonic() + 60

    def stay(self):
        self.times += 1


def sample(backend, slug, prompt, model="", seconds=60.0, attempt=None, **more):
    settings = {"num_samples": 4, "max_tokens": 8, "temperature": 1.0, "seed": 3} | more
    plan = SamplePlan(author=Author.STUDENT, backend="transformers", model=model, **settings)
    question = Question(
        scope=new_id(),
        slug=slug,
        prompt=prompt,
        until=time.monotonic() + seconds,
        attempt=attempt,
    )
    return backend.sample(question, plan, draws_of(plan, slug))


def test_completions_carry_model_version_and_a_seed_of_their_own(backend, models):
    first = sample(backend, "a", "Add.")
    second = sample(backend, "a", "Add.", "p/2")

    assert [item.policy_version for item in first + second] == [0] * 4 + [2] * 4
    assert {item.model for item in second} == {str(models / "c/p/2")}
    assert len({item.seed for item in first}) == 4
    assert [item.text for item in first] != [item.text for item in second]


def written(completion):
    """A completion without the last bits of its log-probabilities, which batches decide."""
    bare = completion.sampled.model_copy(update={"logps": ()})
    return completion.model_copy(update={"sampled": bare})


def test_the_same_plan_gives_the_same_completions_whatever_was_sampled_between(backend):
    def sampled(**changes):
        return [written(one) for one in sample(backend, "a", "Add.", **changes)]

    before = sampled()
    sample(backend, "b", "Something else.", "p/1")

    assert sampled() == before
    assert sampled(num_samples=2) == before[:2]
    assert sampled(seed=4) != before


def test_requests_at_the_same_time_share_batches_and_nothing_else(backend):
    alone = [sample(backend, f"p/{number}", "Add " * number) for number in range(8)]
    batches = []
    model = backend._load(backend._default)  # The model itself, to see what it is given at once.
    stream = model.stream

    def counted(rows, decoding, batch_tokens):
        batches.append(len(rows))
        time.sleep(0.2)  # As long as a larger model takes, so that others come to wait.
        return stream(rows, decoding, batch_tokens)

    model.stream = counted
    with ThreadPoolExecutor(8) as pool:
        together = list(
            pool.map(lambda number: sample(backend, f"p/{number}", "Add " * number), range(8))
        )

    assert [list(map(written, one)) for one in together] == [
        list(map(written, one)) for one in alone
    ]
    assert sum(batches) == 8 * 4
    assert len(batches) < 8


def test_a_request_is_answered_as_soon_as_its_own_rows_are_written(backend):
    model = backend._load(backend._default)
    stream = model.stream
    may = threading.Event()

    def in_two_parts(rows, decoding, batch_tokens):
        for number, found in enumerate(stream(rows, decoding, batch_tokens)):
            if number == 4:
                assert may.wait(60)
            yield found

    model.stream = in_two_parts
    held = threading.Event()
    backend._worker.submit(held.wait)
    with ThreadPoolExecutor(2) as pool:
        short = pool.submit(sample, backend, "a", "Add.")
        long = pool.submit(sample, backend, "b", "Add " * 5)
        while len(backend._waiting) < 2:
            time.sleep(0.01)
        held.set()

        assert len(short.result(30)) == 4
        assert not long.done()
        may.set()
        assert len(long.result(30)) == 4


@pytest.mark.parametrize(("patience", "stays"), [(3600.0, True), (0.0, False)])
def test_only_a_model_that_moves_keeps_a_request_from_being_taken_for_lost(
    backend, monkeypatch, patience, stays
):
    monkeypatch.setattr(in_process, "_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(in_process, "_HANGS_SECONDS", patience)
    attempt = Stays()
    model = backend._load(backend._default)
    stream = model.stream

    def slowly(*given):
        time.sleep(0.3)
        return stream(*given)

    model.stream = slowly

    sample(backend, "a", "Add.", attempt=attempt)

    assert (attempt.times > 1) == stays


def test_temperatures_in_turn_are_kept_apart(backend):
    mixed = sample(backend, "a", "Add.", temperatures=(0.0, 1.0))
    greedy = sample(backend, "a", "Add.", num_samples=1, temperature=0.0)

    assert mixed[0].text == mixed[2].text == greedy[0].text
    assert written(mixed[1]) == written(sample(backend, "a", "Add.")[1])
    assert mixed[1].text != mixed[3].text


@pytest.mark.parametrize(
    "name",
    [
        "../first",
        "/etc",
        "p/3",
        "somebody/else",
        "p/../../first",
        "p//2",
        "./p/2",
        "p/2/",
        "p/.3.new",
    ],
)
def test_a_plan_may_name_no_model_but_the_given_one_and_the_checkpoints(backend, name):
    with pytest.raises(SamplesExhausted, match="no model"):
        sample(backend, "a", "Add.", name)


def test_a_prompt_that_is_too_long_is_refused_for_good(backend):
    with pytest.raises(SamplesExhausted, match="64 positions"):
        sample(backend, "a", "x" * 100)


def test_who_waited_too_long_is_asked_again_later(backend):
    with pytest.raises(errors.Unavailable, match="busy"):
        sample(backend, "a", "Add.", seconds=-1.0)


def test_a_model_that_cannot_be_loaded_says_so_and_the_next_plan_is_answered(backend, models):
    broken = models / "c" / "p" / "9"
    broken.mkdir(exist_ok=True)

    with pytest.raises(errors.ConfigurationError, match="cannot load"):
        sample(backend, "a", "Add.", "p/9")
    assert len(sample(backend, "a", "Add.")) == 4
