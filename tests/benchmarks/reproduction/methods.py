"""What is compared: what each method trains on, and how."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from infra.contracts.base import Author, Label
from infra.contracts.problems import Problem
from infra.contracts.ranking import RankedGroup
from ranker.ranking import Preset, Rules
from services.evaluation.programs.sampling import run
from tests.benchmarks.reproduction.groups import (
    Labelled,
    ranked,
    rejection_sampled,
    teachers_alone,
)
from trainer.modes.config import Mode


class Method(StrEnum):
    """A way to train a student on the same problems."""

    TEACHERS = "cross-entropy on teachers"
    REJECTION = "rejection sampling"
    BEST = "cross-entropy on the best"
    RRHF = "RRHF"
    DPO = "DPO"
    RLOO = "RLOO, online"
    GRPO = "GRPO, online"
    PAPER = "RRTF, paper"
    RRTF = "RRTF, default"
    STEPS = "RRTF, teachers say their steps"


MODES = {
    Method.TEACHERS: Mode.RFT,
    Method.REJECTION: Mode.RFT,
    Method.BEST: Mode.RFT,
    Method.RRHF: Mode.RRHF,
    Method.DPO: Mode.DPO,
    Method.RLOO: Mode.RLOO,
    Method.GRPO: Mode.GRPO,
    Method.PAPER: Mode.PAPER,
    Method.RRTF: Mode.RRTF,
    Method.STEPS: Mode.RRTF,
}
ONLINE = (Method.RLOO, Method.GRPO)
"""Methods that sample anew, without teachers, before each epoch."""

RATES = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3)
"""Learning rates of which each method gets the best one, found on problems of their own."""
BATCH = 16
"""Problems to a step."""


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How long a student trains, and where it goes on from."""

    epochs: int
    problems: int
    """That it trains on. A method with more groups than problems takes more to a step, so that
    all take as many steps."""
    seed: int
    resume: Path | None = None


def groups_of(
    method: Method, collected: Sequence[tuple[Problem, Sequence[Labelled]]]
) -> list[RankedGroup]:
    """Return what a method trains on, from problems with their labelled programs."""
    found: list[RankedGroup | None] = []
    for problem, every in collected:
        # The same teachers' programs are there twice: plain, and with a comment for each step.
        steps = method is Method.STEPS
        programs = [p for p in every if p.author is Author.STUDENT or p.steps == steps]
        match method:
            case Method.TEACHERS:
                found += teachers_alone(problem, programs)
            case Method.REJECTION:
                found += rejection_sampled(problem, programs)
            case Method.RRHF:
                found.append(ranked(problem, programs, Rules(all_pairs=True, tie_bonus=0.0)))
            case Method.PAPER:
                found.append(ranked(problem, programs, Rules(preset=Preset.LINEAR)))
            case Method.RLOO | Method.GRPO:
                own = [item for item in programs if item.author is Author.STUDENT]
                # Where nothing passes there is still better and worse.
                rules = Rules(all_pairs=True, min_best=Label.COMPILE_ERROR)
                found.append(ranked(problem, own, rules))
            case Method.BEST | Method.DPO | Method.RRTF | Method.STEPS:
                found.append(ranked(problem, programs, Rules()))
    return [group for group in found if group is not None]


def train(
    method: Method,
    groups: Sequence[RankedGroup],
    student: Path,
    out: Path,
    effort: Effort,
    rate: float,
) -> Path:
    """Train a student in a process of its own; return the folder of its weights.

    Raises:
        errors.Unavailable: training failed; it has said why on standard error.
    """
    out.mkdir(parents=True, exist_ok=True)
    given = out / "groups.jsonl"
    given.write_text("".join(group.model_dump_json() + "\n" for group in groups))
    to_a_step = max(1, round(len(groups) * BATCH / effort.problems))
    command = [sys.executable, "-m", "trainer.offline", "--model", str(student)]
    command += ["--groups", str(given), "--out", str(out), "--mode", MODES[method]]
    command += ["--epochs", str(effort.epochs), "--batch-groups", str(to_a_step)]
    command += ["--learning-rate", str(rate), "--seed", str(effort.seed), "--threads", "1"]
    run([*command, *(["--resume", str(effort.resume)] if effort.resume else [])])
    (trained,) = (path for path in out.iterdir() if path.name.isdigit())
    return trained
