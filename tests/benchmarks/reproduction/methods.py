"""What is compared: what each method trains on, and how."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from infra.contracts.base import Author
from infra.contracts.problems import Problem
from infra.contracts.ranking import RankedGroup
from ranker.ranking import Preset, Rules
from services.evaluation.sampling import run
from tests.benchmarks.reproduction.groups import (
    Labelled,
    preferences,
    ranked,
    rejection_sampled,
    teachers_alone,
)

DPO = Path(__file__).with_name("dpo.py")


class Method(StrEnum):
    """A way to train a student on the same problems, samples and teachers."""

    TEACHERS = "cross-entropy on teachers"
    REJECTION = "rejection sampling"
    RRHF = "RRHF"
    DPO = "DPO (TRL)"
    PAPER = "RRTF, paper"
    RRTF = "RRTF, default"
    STEPS = "RRTF, teachers say their steps"


RATES = dict.fromkeys(Method, (1e-4, 3e-4, 1e-3)) | {Method.DPO: (3e-5, 1e-4, 3e-4)}
"""Learning rates of which each method gets the best one, found on problems of their own."""


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How long every method trains."""

    epochs: int
    batch_groups: int = 16
    seed: int = 0


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
            case Method.DPO | Method.RRTF | Method.STEPS:
                found.append(ranked(problem, programs, Rules()))
    return [group for group in found if group is not None]


def train(
    method: Method,
    groups: Sequence[RankedGroup],
    student: Path,
    out: Path,
    effort: Effort,
    rate: float,
    trl: Path,
) -> Path:
    """Train a student in a process of its own; return the folder of its weights.

    Raises:
        errors.Unavailable: training failed; it has said why on standard error.
    """
    out.mkdir(parents=True, exist_ok=True)
    given = out / "groups.jsonl"
    if method is Method.DPO:
        pairs = [json.dumps(pair) for group in groups for pair in preferences(group)]
        given.write_text("\n".join(pairs))
        command = [os.fspath(trl), str(DPO), str(student), str(given), str(out / "trained")]
        run([*command, str(effort.epochs), str(rate), str(effort.seed)])
        return out / "trained"
    given.write_text("".join(group.model_dump_json() + "\n" for group in groups))
    mode = {Method.PAPER: "paper", Method.RRHF: "rrhf"}.get(method, "rrtf")
    command = [sys.executable, "-m", "trainer.offline", "--model", str(student)]
    command += ["--groups", str(given), "--out", str(out), "--mode", mode, "--threads", "1"]
    command += ["--epochs", str(effort.epochs), "--batch-groups", str(effort.batch_groups)]
    run([*command, "--learning-rate", str(rate), "--seed", str(effort.seed)])
    (trained,) = (path for path in out.iterdir() if path.name.isdigit())
    return trained
