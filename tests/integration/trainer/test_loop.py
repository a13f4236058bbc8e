"""The training loop against a real API: killed, resumed, raced, and divided over processes."""

import json
import random
import signal
import threading
import time
from contextlib import closing

import pytest
import torch
from structlog.testing import capture_logs

from infra import errors
from infra.contracts.base import Author, BatchState
from infra.contracts.prompting import PAPER, PromptForm, Sampled
from infra.contracts.ranking import LeaseRequest
from infra.prompting.stored import form_of
from ranker.batching import batches
from trainer.batches.client import LeaseClient
from trainer.checkpoints import checkpoint
from trainer.loop import run
from trainer.step import Trainer

BATCHES = 6
PACE = {"checkpoint_steps": 2, "max_steps": BATCHES}


def same(here, there):
    return here.keys() == there.keys() and all(torch.equal(here[k], there[k]) for k in here)


def lease(trainers, **fields):
    """Lease a batch as another trainer."""
    with closing(LeaseClient(trainers.url, "secret-key", threading.Event())) as client:
        return client.lease(LeaseRequest(**fields)).batches


def end_leases(work):
    """Do to leases what time does."""
    work.session.connection().exec_driver_sql(
        "UPDATE training_batches SET lease_until = now() - interval '1 s' WHERE state = 'leased'"
    )


def run_here(trainers, policy, stop=None, **fields):
    """Run a trainer in this process."""
    stop = stop or threading.Event()
    with closing(LeaseClient(trainers.url, "secret-key", stop)) as client:
        run(trainers.settings(policy, **fields), client, stop)


@pytest.mark.slow
@pytest.mark.parametrize("deaths", [1, pytest.param(4, marks=pytest.mark.thorough)])
def test_a_trainer_killed_at_any_instant_ends_with_the_same_weights(
    trainers, form_batches, trained_batches, deaths
):
    rng = random.Random(0)
    for policy in ("calm", "killed"):
        form_batches(BATCHES, policy)
    began = time.monotonic()
    assert trainers.train("calm", **PACE) == 0
    seconds = time.monotonic() - began

    # A whole run has about 130 effects, so that it dies at least once; a batch may be leased five
    # times, so that it dies at most four times.
    assert trainers.train("killed", dies_at=rng.randint(10, 60), **PACE) == -signal.SIGKILL
    for _ in range(deaths - 1):
        assert trainers.train("killed", **death(rng, seconds), **PACE) in (-signal.SIGKILL, 0)
    assert trainers.train("killed", **PACE) == 0

    assert trained_batches("killed") == trained_batches("calm") == BATCHES
    assert same(trainers.weights("killed", BATCHES), trainers.weights("calm", BATCHES))


def death(rng, seconds):
    """Between two effects, or anywhere, in the middle of one."""
    if rng.random() < 0.5:
        return {"dies_at": rng.randint(10, 90)}
    return {"dies_after": rng.uniform(0.1, 0.7) * seconds}


@pytest.mark.slow
def test_a_checkpoint_knows_its_batches_and_the_last_good_one_is_kept(
    trainers, form_batches, client
):
    form_batches(BATCHES, "default")

    run_here(trainers, "default", checkpoint_steps=1, max_steps=BATCHES, keep_checkpoints=1)

    root = trainers.root / "default"
    newest, before, *_ = client.checkpoints("default")
    kept = sorted(int(p.name) for p in root.iterdir() if p.name.isdigit())
    assert kept == [before.version, BATCHES]
    assert checkpoint.last_good(root) == before.version
    # The last one has the optimizer's state, so nothing before it is gone on from.
    assert [path.parent.name for path in root.glob("*/state")] == ["00000006"]
    assert not list((root / "steps").iterdir())
    state = json.loads((root / "00000006" / "trainer_state.json").read_text())
    assert state["batch_ids"] == [str(batch_id) for batch_id in newest.training_batch_ids]
    assert newest.metrics["loss"] > 0
    assert newest.metrics["wait_seconds"] >= 0


@pytest.mark.slow
def test_a_run_that_diverges_ends_and_what_went_well_is_kept(trainers, form_batches):
    form_batches(12, "default")
    often = {"checkpoint_steps": 1, "keep_checkpoints": 1}
    # Which of the steps gets a checkpoint depends on how long one takes to be written.
    run_here(trainers, "default", **often, max_steps=3, learning_rate=1e-4)
    assert checkpoint.last_good(trainers.root / "default") > 0

    with pytest.raises(errors.TrainingDiverged, match=r"far off.* is the newest checkpoint from"):
        run_here(trainers, "default", **often, max_steps=12, learning_rate=1.0)

    root = trainers.root / "default"
    good = checkpoint.last_good(root)
    newest = max(int(path.name) for path in root.iterdir() if path.name.isdigit())
    assert checkpoint.directory_of(root, good).is_dir()
    assert good < newest


@pytest.mark.slow
def test_the_time_without_a_batch_is_a_share_of_all_time_and_hides_nothing_of_the_step(
    trainers, form_batches, client
):
    form_batches(1, "default")
    running = threading.Thread(
        target=run_here, args=(trainers, "default"), kwargs={"checkpoint_steps": 5, "max_steps": 2}
    )
    running.start()
    # Nothing else comes, so there is time to record the first step before its turn.
    while not client.checkpoints("default"):
        assert running.is_alive()
        time.sleep(0.05)
    form_batches(1, "default")
    running.join()

    later, first = client.checkpoints("default")
    assert first.metrics["loss"] > 0
    for one in (first, later):
        assert 0 < one.metrics["idle_share"] < 1
        assert one.metrics["wait_seconds"] > 0


@pytest.mark.slow
def test_batches_of_a_step_are_added_up(trainers, form_batches, trained_batches, client):
    form_batches(5, "default")

    run_here(trainers, "default", batches_per_step=2, max_steps=3)

    assert trained_batches("default") == 5
    assert client.checkpoints("default")[0].version == 3


@pytest.mark.slow
def test_a_second_trainer_of_a_policy_is_told_who_trains_it(trainers, form_batches):
    form_batches(2, "default")
    assert lease(trainers, worker="first", lease_seconds=600)

    with pytest.raises(errors.PolicyBusy, match="'default' is trained by 'first'"):
        run_here(trainers, "default", worker="second", lease_seconds=3, max_steps=1)

    assert not list((trainers.root / "default").glob("0*"))


@pytest.mark.slow
def test_a_trainer_waits_for_the_lease_of_a_dead_one_to_end(
    trainers, form_batches, trained_batches, database, monkeypatch
):
    form_batches(2, "default")
    assert lease(trainers, worker="dead", lease_seconds=600)
    ask = LeaseClient.lease

    def ask_and_let_time_pass(client, request):
        try:
            return ask(client, request)
        except errors.PolicyBusy:
            with database.unit_of_work() as work:
                end_leases(work)
            raise

    monkeypatch.setattr(LeaseClient, "lease", ask_and_let_time_pass)
    with capture_logs() as logs:
        run_here(trainers, "default", worker="second", lease_seconds=3, max_steps=2)

    assert [entry["event"] for entry in logs].count("policy.busy") == 1
    assert trained_batches("default") == 2


def test_what_was_trained_on_a_lost_lease_is_discarded(
    trainers, form_batches, trained_batches, database, monkeypatch
):
    for policy in ("calm", "raced"):
        form_batches(3, policy)
    run_here(trainers, "calm", max_steps=3)
    taken = []
    step = Trainer.step

    def step_and_lose(trainer, groups):
        if not taken:
            # At once, or another heartbeat takes the lease back.
            with database.unit_of_work() as work:
                end_leases(work)
                other = LeaseRequest(worker="other", policy="raced", lease_seconds=1)
                taken.extend(batches.lease(work, other).batches)
        return step(trainer, groups)

    monkeypatch.setattr(Trainer, "step", step_and_lose)
    with capture_logs() as logs:
        # So long that no heartbeat says during the step what recording it is to say.
        run_here(trainers, "raced", lease_seconds=600, max_steps=3)

    assert len(taken) == 1
    assert "batches.not_recorded" in [entry["event"] for entry in logs]
    assert trained_batches("raced") == 3
    assert same(trainers.weights("raced", 3), trainers.weights("calm", 3))


@pytest.mark.slow
def test_a_step_that_diverges_records_nothing_and_says_where_to_go_on_from(
    trainers, form_batches, trained_batches, client
):
    form_batches(3, "default")
    form_batches(1, "anew")
    run_here(trainers, "default", max_steps=1)

    # The first such step makes weights that are finite and useless, so it is recorded.
    with pytest.raises(errors.TrainingDiverged, match=r"after version 2\. .*/00000001 is"):
        run_here(
            trainers, "default", learning_rate=1e37, warmup_steps=0, keep_checkpoints=1, max_steps=3
        )

    assert [c.version for c in client.checkpoints("default")] == [2, 1]
    left = [b for b in client.training_batches() if b.state is BatchState.LEASED]
    assert len(left) == 1
    good = trainers.root / "default" / "00000001"
    run_here(trainers, "anew", model=str(good), max_steps=1)
    assert trained_batches("anew") == 1


def test_a_missing_or_altered_checkpoint_is_not_trained_on(trainers, form_batches):
    form_batches(2, "default")
    run_here(trainers, "default", max_steps=1)
    weights = trainers.root / "default" / "00000001" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")

    with pytest.raises(errors.ConfigurationError, match="not what was recorded"):
        run_here(trainers, "default", max_steps=2)


@pytest.mark.slow
def test_a_trainer_told_to_stop_records_what_it_has(trainers, form_batches, client):
    form_batches(2, "default")
    process = trainers.start("default", checkpoint_steps=50)
    deadline = time.monotonic() + 60
    # Two batches, then none: what was trained is recorded without waiting for 50 steps.
    while len(client.checkpoints("default")) < 1:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.terminate()
    process.join(20)

    assert client.checkpoints("default")[0].version == 2


@pytest.mark.slow
@pytest.mark.parametrize("batches_per_step", [1, 2])
def test_a_batch_that_comes_with_the_word_to_stop_is_not_recorded_and_is_given_back(
    trainers, form_batches, trained_batches, client, monkeypatch, batches_per_step
):
    form_batches(batches_per_step + 1, "default")
    stop, came = threading.Event(), []
    ask = LeaseClient.lease

    def ask_and_be_told_to_stop(client, request):
        leased = ask(client, request)
        came.extend(batch.batch_id for batch in leased.batches)
        if len(came) > batches_per_step:
            stop.set()
        return leased

    with monkeypatch.context() as patch:
        patch.setattr(LeaseClient, "lease", ask_and_be_told_to_stop)
        run_here(
            trainers,
            "default",
            stop,
            batches_per_step=batches_per_step,
            checkpoint_steps=5,
            lease_seconds=600,
        )
    (first,) = client.checkpoints("default")
    assert len(came) == batches_per_step + 1
    assert set(first.training_batch_ids) == set(came[:-1])

    # Under another's name, which gets the batch only where its lease has ended.
    run_here(trainers, "default", worker="next", lease_seconds=3, max_steps=2)

    assert trained_batches("default") == len(came)


@pytest.mark.slow
def test_two_processes_train_what_one_trains(trainers, form_batches, trained_batches):
    """Weights, gradients and optimizer state are divided over them, groups too."""
    fields = {"batches_per_step": 2, "max_steps": 2, "max_row_tokens": 40}
    for policy in ("one", "two"):
        form_batches(4, policy)
    assert trainers.train("one", **fields) == 0

    trainers.train_together("two", 2, **fields | {"max_steps": 1})
    trainers.train_together("two", 2, **fields)

    assert trained_batches("two") == 4
    alone, together = trainers.weights("one", 2), trainers.weights("two", 2)
    assert alone.keys() == together.keys()
    for name in alone:
        torch.testing.assert_close(together[name], alone[name], atol=1e-5, rtol=0)


@pytest.mark.slow
def test_a_checkpoint_says_its_prompt_form_and_no_trainer_of_another_goes_on(
    trainers, form_batches, client
):
    raw = PromptForm(style="raw")
    form_batches(2, "default")
    run_here(trainers, "default", max_steps=1, prompt_form=raw)

    (recorded,) = client.checkpoints("default")
    assert recorded.prompt_form == raw
    assert form_of(recorded.path, PAPER) == raw
    with pytest.raises(errors.PromptMismatch, match="RRTF_TRAINER_PROMPT_FORM"):
        run_here(trainers, "default", max_steps=2)


def test_what_was_sampled_comes_with_the_lease_and_of_another_form_is_refused(
    trainers, form_batches, database
):
    sampled = Sampled(form=PAPER, prompt_token_ids=(1, 2), token_ids=(3,), logps=(-0.5,))
    form_batches(1, "default", sampled=sampled, completion="y = 0 # said")

    with pytest.raises(errors.PromptMismatch, match="token ids that are not the") as caught:
        run_here(trainers, "default", max_steps=1)

    assert caught.value.code == "prompt_mismatch"
    with database.unit_of_work() as work:
        end_leases(work)
    ((batch,),) = [lease(trainers, worker="another")]
    student = next(one for one in batch.groups[0].responses if one.author is Author.STUDENT)
    assert (student.sampled, student.written) == (sampled, "y = 0 # said")
