"""Trainers as processes of their own, against a real API with ready batches."""

import multiprocessing
import os
import signal
import socket
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from infra import errors
from infra.contracts.base import Outcome
from ranker import records
from ranker.batching import batches
from ranker.ranking import Rules
from trainer.batches.client import LeaseClient
from trainer.loop import run
from trainer.modes.config import PairLoss
from trainer.settings import TrainerSettings

torch.set_num_threads(1)

# Forked, so that torch is imported once for all of them.
# Forked by a process without threads: a fork of this one inherits the locks that its threads hold.
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["trainer.loop", "transformers.models.llama.modeling_llama"])
EFFECTS = ("open", "os.", "shutil.", "socket.connect")
"""Audit events at which something outside the process may have changed."""


@pytest.fixture
def form_batches(client, database, make_group, results_for):
    """Make ready batches of one ranked group each; the same programs for every policy."""

    def form(count, policy, **student):
        for number in range(count):
            good, bad = f"y = {number}\n", f"y = x - {number}\nreturn\n" * (1 + number % 2)
            group_id = make_group(
                ("teacher", good), ("student", bad), policy=policy, student=student
            )
            ids = [item.id for item in client.candidates(group_id)]
            outcomes = {ids[0]: [Outcome.PASSED] * 2, ids[1]: [Outcome.WRONG_ANSWER] * 2}
            with database.unit_of_work() as work:
                records.record_results(work, results_for(outcomes), Rules())
                batches.form(work, 1)

    return form


def kill_at(number):
    """Let this process die at its n-th effect, without any chance to tidy up."""
    left = [number]

    def count(event, _):
        if event.startswith(EFFECTS):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


def _train(url, settings, environment, dies_at):
    os.environ.update(environment)
    if dies_at:
        kill_at(dies_at)
    stop = threading.Event()
    try:
        run(settings, LeaseClient(url, "secret-key", stop), stop)
    except errors.SuiteError as error:
        sys.exit(f"{error.code}: {error.detail}")


@dataclass
class Trainers:
    """Starts trainers; each writes to its policy's folder below `root`."""

    url: str
    root: Path

    def settings(self, policy, **fields):
        quick = {
            "wait_seconds": 0.2,
            "term_norm_steps": 0,
            "warmup_steps": 2,
            "tracker": "none",
            "keep_checkpoints": 9,
            # A hinge would cost nothing on most of these pairs.
            "pair_loss": PairLoss.BRADLEY_TERRY,
        }
        return TrainerSettings(output_dir=self.root, policy=policy, **quick | fields)

    def start(self, policy, *, environment=None, dies_at=0, **fields):
        settings = self.settings(policy, **fields)
        process = PROCESSES.Process(
            target=_train, args=(self.url, settings, environment or {}, dies_at)
        )
        process.start()
        return process

    def train(self, policy, *, dies_after=120.0, **fields):
        """Run a trainer to its end, or kill it after some seconds; return its exit code."""
        process = self.start(policy, **fields)
        process.join(dies_after)
        if process.exitcode is None:
            process.kill()
            process.join()
        return process.exitcode

    def train_together(self, policy, count, **fields):
        """Run the processes of one trainer to their end, as torchrun would start them."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        shared = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(count)}
        processes = [
            self.start(
                policy, environment=shared | {"RANK": str(n), "LOCAL_RANK": str(n)}, **fields
            )
            for n in range(count)
        ]
        for process in processes:
            process.join(120)
        assert [process.exitcode for process in processes] == [0] * count

    def weights(self, policy, version):
        return load_file(self.root / policy / f"{version:08d}" / "model.safetensors")


@pytest.fixture
def trainers(api, tmp_path):
    return Trainers(api, tmp_path)


@pytest.fixture
def trained_batches(client):
    """Check that every batch of a policy went into exactly one checkpoint; return their number."""

    def audit(policy):
        of_policy = {batch.id for batch in client.training_batches() if batch.policy == policy}
        recorded = [
            batch_id
            for checkpoint in client.checkpoints(policy)
            for batch_id in checkpoint.training_batch_ids
        ]
        assert len(recorded) == len(set(recorded))
        assert set(recorded) == of_policy
        return len(recorded)

    return audit
