"""Trains on a file of ranked groups, with no service: `python -m trainer.offline`.

The paper's own mode: everything is sampled, executed and ranked first, then trained for some
epochs. The file, or folder, is what `rrtf export --shape ranked` writes, or pages of
`GET /v1/ranked-groups`; a group without pairs trains cross-entropy alone.
"""

import argparse
import random
import sys
from collections.abc import Sequence
from pathlib import Path

from infra import errors
from infra.contracts.base import new_id
from infra.contracts.prompting import PAPER, parse_form
from infra.contracts.ranking import LeasedBatch, RankedGroup
from infra.observability import logs
from infra.records import ranked_files
from infra.records.record_files import BadLine
from trainer.modes.config import Mode
from trainer.planning.announcement import announce
from trainer.settings import TrainerSettings
from trainer.step import Trainer

log = logs.get(__name__)


def read_groups(path: Path) -> list[RankedGroup]:
    """Read ranked groups.

    Raises:
        errors.InvalidInput: the file cannot be read, a line is no ranked group, or there is none.
    """
    groups: list[RankedGroup] = []
    for item in ranked_files.read(path):
        if isinstance(item, BadLine):
            raise errors.InvalidInput(f"{path}, line {item.number}: {item.reason}")
        groups.append(item)
    if not groups:
        raise errors.InvalidInput(f"{path} contains no ranked group")
    return groups


def train(
    settings: TrainerSettings,
    groups: Sequence[RankedGroup],
    epochs: int,
    batch_groups: int,
    resume_from: Path | None = None,
) -> Path:
    """Train for some epochs, in an order drawn by the seed; return the checkpoint.

    A checkpoint to resume from gives weights and optimizer; the first weights, which some modes
    compare with, stay those of the settings.

    Raises:
        errors.TrainingDiverged: the loss or a gradient is not finite.
    """
    announce(settings, resume_from, 1)
    trainer = Trainer(settings, resume_from)
    encoded = trainer.encode(LeasedBatch(batch_id=new_id(), epoch=0, groups=tuple(groups)))
    rng = random.Random(settings.seed)  # noqa: S311 - the order of groups is no secret
    for epoch in range(epochs):
        order = rng.sample(encoded, len(encoded))
        for start in range(0, len(order), batch_groups):
            metrics = trainer.step(order[start : start + batch_groups])
        log.info("epoch", epoch=epoch + 1, of=epochs, version=trainer.state.version, **metrics)
    path, _ = trainer.save(settings.output_dir)
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, train, write; return 1 when something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m trainer.offline", description=__doc__)
    parser.add_argument("--model", required=True, help="name or path of a causal model")
    parser.add_argument("--resume", type=Path, help="a checkpoint of this model to go on from")
    parser.add_argument("--groups", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder for the checkpoint")
    parser.add_argument(
        "--prompt-form", type=parse_form, default=PAPER, help="a name, or JSON with options"
    )
    parser.add_argument("--mode", type=Mode, choices=list(Mode), default=Mode.RRTF)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--batch-groups", type=int, default=16)
    parser.add_argument("--learning-rate", type=float, help="without one, the model's size decides")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=0)
    given = parser.parse_args(arguments)
    logs.configure("trainer")
    try:
        settings = TrainerSettings(
            model=given.model,
            output_dir=given.out,
            prompt_form=given.prompt_form,
            mode=given.mode,
            learning_rate=given.learning_rate,
            seed=given.seed,
            threads=given.threads,
        )
        groups = read_groups(given.groups)
        path = train(settings, groups, given.epochs, given.batch_groups, given.resume)
    except errors.SuiteError as error:
        log.error("offline.stopped", code=error.code, reason=error.detail)
        return 1
    log.info("offline.done", checkpoint=str(path))
    return 0


if __name__ == "__main__":
    sys.exit(main())
