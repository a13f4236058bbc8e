"""The training loop: lease, tensors, loss, finite?, step, checkpoint, complete."""

import math
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.optim import AdamW

from infra import errors, logs
from infra.contracts.base import JsonValue
from infra.contracts.ranking import (
    CompleteRequest,
    Lease,
    LeasedBatch,
    LeaseRequest,
    NewCheckpoint,
)
from trainer import checkpoint, loss
from trainer.client import Heartbeat, LeaseClient
from trainer.encoding import EncodedGroup, encode_group
from trainer.model import load_model, max_positions, small_student
from trainer.scoring import response_logps
from trainer.settings import TrainerSettings
from trainer.tokenizer import TextTokenizer, byte_tokenizer, load_tokenizer

log = logs.get(__name__)


class Trainer:
    """One student, its optimizer, and how far it is."""

    def __init__(self, settings: TrainerSettings, resume_from: Path | None) -> None:
        """Load the student, from a checkpoint if one is recorded."""
        if settings.threads:
            torch.set_num_threads(settings.threads)
        source = str(resume_from) if resume_from else settings.model
        self.tokenizer: TextTokenizer = load_tokenizer(source) if source else byte_tokenizer()
        self.model: nn.Module = load_model(source) if source else small_student(257, settings.seed)
        # Not train(): dropout would make the order of two responses a matter of chance.
        self.model.eval()
        self.optimizer = AdamW(
            self.model.parameters(),
            lr=settings.learning_rate,
            weight_decay=settings.weight_decay,
        )
        torch.manual_seed(settings.seed)
        self.state = checkpoint.TrainerState()
        if resume_from:
            self.state = checkpoint.restore(resume_from, self.optimizer)
        self._settings = settings
        self._config = loss.LossConfig.of(settings.preset)

    def step(self, groups: list[EncodedGroup]) -> dict[str, JsonValue]:
        """Take one optimizer step on some groups; return what is worth watching.

        Raises:
            errors.TrainingDiverged: the loss or a gradient is not finite; no weight has changed.
        """
        began = time.monotonic()
        # Counted over the whole step before anything is divided: a mean of means would weigh
        # small groups more.
        counts = loss.Denominators(pairs=0, ce=0)
        for group in groups:
            lengths = [len(response) for response in group.responses]
            counts += loss.denominators(lengths, group.pairs, group.best, self._config)
        self.optimizer.zero_grad(set_to_none=True)
        sums = _Sums()
        for group in groups:
            logps = response_logps(self.model, group.prompt, group.responses)
            terms = loss.group_terms(logps, group.pairs, group.best, self._config)
            share = loss.total(terms, counts, self._config)
            share.backward()  # type: ignore[no-untyped-call] # torch leaves it untyped
            sums.add(terms, share, sum(len(response) for response in group.responses))
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self._settings.max_grad_norm)
        if not (math.isfinite(sums.total) and math.isfinite(norm.item())):
            self.optimizer.zero_grad(set_to_none=True)
            raise errors.TrainingDiverged(f"loss {sums.total}, gradient norm {norm.item()}")
        self._set_learning_rate()
        self.optimizer.step()
        self.state.version += 1
        return sums.metrics(counts, self._config) | {
            "grad_norm": norm.item(),
            "learning_rate": self.optimizer.param_groups[0]["lr"],
            "groups": len(groups),
            "seconds": time.monotonic() - began,
        }

    def _set_learning_rate(self) -> None:
        warmup = min(1.0, (self.state.version + 1) / max(1, self._settings.warmup_steps))
        for group in self.optimizer.param_groups:
            group["lr"] = self._settings.learning_rate * warmup

    def encode(self, batch: LeasedBatch) -> list[EncodedGroup]:
        """Turn a batch into tensors' worth of token ids that fit the model."""
        longest = max_positions(self.model)
        max_response = min(self._settings.max_response_tokens, longest // 2)
        max_prompt = min(self._settings.max_prompt_tokens, longest - max_response)
        return [
            encode_group(group, self.tokenizer, max_prompt, max_response) for group in batch.groups
        ]


@dataclass
class _Sums:
    """What the groups of a step add up to."""

    total: float = 0.0
    rank: float = 0.0
    ce: float = 0.0
    active: int = 0
    ordered: int = 0
    tokens: int = 0

    def add(self, terms: loss.GroupTerms, share: torch.Tensor, tokens: int) -> None:
        self.total += share.item()
        self.rank += terms.rank_sum.item()
        self.ce += terms.ce_sum.item()
        self.active += terms.active_pairs
        self.ordered += terms.ordered_pairs
        self.tokens += tokens

    def metrics(self, counts: loss.Denominators, config: loss.LossConfig) -> dict[str, JsonValue]:
        pairs = max(1, counts.pairs)
        return {
            "loss": self.total,
            "rank_loss": config.rank_weight * self.rank / pairs,
            "ce_loss": config.ce_weight * self.ce / max(1, counts.ce),
            "pairs": counts.pairs,
            "active_pairs": self.active / pairs,
            "pair_accuracy": self.ordered / pairs,
            "response_tokens": self.tokens,
        }


def run(settings: TrainerSettings, client: LeaseClient, stop: threading.Event) -> None:
    """Train until told to stop, or for as many steps as the settings say.

    Raises:
        errors.TrainingDiverged: the last recorded checkpoint is the last good one.
    """
    root = settings.output_dir.absolute() / settings.policy
    trainer = _resume(settings, client, root)
    waiting_since = time.monotonic()
    while not stop.is_set():
        if settings.max_steps and trainer.state.version >= settings.max_steps:
            return
        leased = client.lease(
            LeaseRequest(
                worker=settings.worker,
                policy=settings.policy,
                lease_seconds=settings.lease_seconds,
                wait_seconds=settings.wait_seconds,
            )
        ).batches
        if not leased:
            continue
        waited = time.monotonic() - waiting_since
        if not _train(settings, client, trainer, root, leased[0], waited):
            # What the step changed is not ours to keep: go back to what is recorded.
            trainer = _resume(settings, client, root)
        waiting_since = time.monotonic()


def _train(
    settings: TrainerSettings,
    client: LeaseClient,
    trainer: Trainer,
    root: Path,
    batch: LeasedBatch,
    waited: float,
) -> bool:
    """Train one leased batch and record it; tell whether it counts."""
    with Heartbeat(client, [batch], settings.lease_seconds) as heart:
        metrics = trainer.step(trainer.encode(batch)) | {"wait_seconds": waited}
        trainer.state.batch_ids = [str(batch.batch_id)]
        if heart.lost.is_set():
            log.warning("batch.lease_lost", batch_id=str(batch.batch_id))
            return False
        path, digest = checkpoint.save(
            root, trainer.model, trainer.tokenizer, trainer.optimizer, trainer.state
        )
        request = CompleteRequest(
            policy=settings.policy,
            leases=(Lease(batch_id=batch.batch_id, epoch=batch.epoch),),
            checkpoint=NewCheckpoint(
                version=trainer.state.version, path=str(path), sha256=digest, metrics=metrics
            ),
        )
        try:
            client.complete(request)
        except (errors.LeaseLost, errors.Conflict) as error:
            log.warning("batch.not_recorded", batch_id=str(batch.batch_id), reason=error.detail)
            return False
    log.info("step", version=trainer.state.version, batch_id=str(batch.batch_id), **metrics)
    checkpoint.retain(root, settings.keep_checkpoints, pinned=[])
    return True


def _resume(settings: TrainerSettings, client: LeaseClient, root: Path) -> Trainer:
    """Start from the newest checkpoint that the API has recorded, whatever lies on the disk."""
    newest = client.newest_checkpoint(settings.policy)
    checkpoint.discard_after(root, newest.version if newest else 0)
    if newest is None:
        return Trainer(settings, None)
    path = Path(newest.path)
    if not path.is_dir() or checkpoint.sha256(path) != newest.sha256:
        raise errors.ConfigurationError(
            f"the newest checkpoint of {settings.policy!r} is not at {path}, or not what was"
            " recorded; restore it, or train another policy"
        )
    log.info("trainer.resumed", version=newest.version, path=str(path))
    return Trainer(settings, path)
