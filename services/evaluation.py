"""How often a model solves problems: greedy, and within k samples, with confidence intervals.

Sampling runs in a process of its own (`python -m sampler.generate`), labelling in the executor's
pool; neither needs a service.
"""

import json
import math
import os
import random
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from infra import errors, importers
from infra.contracts.base import Label
from infra.contracts.problems import Problem
from infra.contracts.prompting import PAPER, PromptForm
from infra.local import process
from infra.record_files import BadLine

_RESAMPLES = 2_000
_CONFIDENCE = 0.95


class Estimate(NamedTuple):
    """A mean over problems with its 95 % bootstrap interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.1%} [{self.low:.1%}, {self.high:.1%}]"


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How a model is sampled."""

    samples: int = 1
    temperature: float = 0.0
    top_p: float = 1.0
    max_tokens: int = 1024
    seed: int = 0
    stop: tuple[str, ...] = ()
    form: PromptForm = PAPER
    """How problems are shown to a model that records no form of its own."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What was found for one model."""

    problems: int
    greedy: Estimate
    pass_at: Mapping[int, Estimate]
    labels: Mapping[Label, int]
    """Of the greedy completions."""
    solved: tuple[bool, ...]
    """Whether the greedy completion passed, by problem; for paired comparison."""
    samples: int
    """Sampled completions of each problem."""
    right: tuple[int, ...]
    """How many of them passed, by problem."""


def pass_at_k(n: int, c: int, k: int) -> float:
    """Return the chance that k of n completions, c of them right, hold a right one.

    Unbiased (Chen et al. 2021, arXiv 2107.03374): 1 - C(n-c, k) / C(n, k), as a product.

    Raises:
        ValueError: there are fewer than k completions.
    """
    if not 0 <= c <= n or not 1 <= k <= n:
        raise ValueError(f"pass@{k} needs at least {k} completions, and has {n} with {c} right")
    return 1.0 - math.prod(1.0 - k / i for i in range(n - c + 1, n + 1)) if c else 0.0


def bootstrap(values: Sequence[float], seed: int = 0) -> Estimate:
    """Return the mean with the percentile interval of means of problems drawn with replacement.

    Raises:
        ValueError: there are no values.
    """
    if not values:
        raise ValueError("no problem was evaluated")
    rng = random.Random(seed)  # noqa: S311 - resampling, not secrets
    size = len(values)
    means = sorted(sum(rng.choices(values, k=size)) / size for _ in range(_RESAMPLES))
    tail = (1.0 - _CONFIDENCE) / 2
    return Estimate(
        sum(values) / size,
        means[round(tail * (_RESAMPLES - 1))],
        means[round((1.0 - tail) * (_RESAMPLES - 1))],
    )


def paired_difference(before: Sequence[bool], after: Sequence[bool], seed: int = 0) -> Estimate:
    """Return how much the pass rate rose over the same problems, with its interval."""
    return bootstrap([float(b) - float(a) for a, b in zip(before, after, strict=True)], seed)


def sample(
    model: str, problems: Path, out: Path, sampling: Sampling, threads: int = 0
) -> list[dict[str, Any]]:
    """Sample a file of problems in a process of its own; return the lines it wrote.

    Raises:
        errors.Unavailable: the sampler failed; it has said why on standard error.
    """
    command = [sys.executable, "-m", "sampler.generate", "--model", model]
    command += ["--problems", str(problems), "--out", str(out), "--threads", str(threads)]
    for name in ("samples", "temperature", "top_p", "max_tokens", "seed"):
        command += [f"--{name.replace('_', '-')}", str(getattr(sampling, name))]
    command += ["--prompt-form", sampling.form.model_dump_json()]
    for text in sampling.stop:
        command += ["--stop", text]
    run(command)
    return [record for _, record in importers.read_records(out) if not isinstance(record, BadLine)]


def run(command: Sequence[str]) -> None:
    """Run a room's program to its end; it dies with us.

    Raises:
        errors.Unavailable: it failed; it has said why on standard error.
    """
    status, _ = process.run(command, env=os.environ)
    if status:
        raise errors.Unavailable(f"`{' '.join(command[1:4])}` ended with status {status}")


def labels_of(
    problems: Sequence[Problem], records: Sequence[Mapping[str, Any]], slots: int | None = None
) -> list[tuple[Label, float]]:
    """Label programs, equal ones once; return label and pass fraction of each record.

    Raises:
        errors.SandboxError: a program has no verdict even at the second try.
    """
    from executor import label  # The image of services, where most commands run, has none.

    keys = [(str(record["task_id"]), str(record["program"])) for record in records]
    found: dict[tuple[str, str], tuple[Label, float]] = {}
    for _ in range(2):
        # A failure of the sandbox is no failure of the program: it is asked again.
        left = [key for key in dict.fromkeys(keys) if key not in found]
        wanted = [{"task_id": slug, "program": program} for slug, program in left]
        for item in label(problems, wanted, slots=slots):
            if item.verdict is not None:
                key = (item.record["task_id"], item.record["program"])
                found[key] = (item.verdict.label, item.verdict.pass_fraction)
    missing = [key for key in keys if key not in found]
    if missing:
        raise errors.SandboxError(f"{len(missing)} programs were not labelled, so nothing is known")
    return [found[key] for key in keys]


def evaluate(
    model: str,
    problems: Path,
    folder: Path,
    *,
    sampled: Sampling | None,
    ks: Sequence[int] = (1, 10),
    max_tokens: int = 1024,
    slots: int | None = None,
    threads: int = 0,
    form: PromptForm = PAPER,
) -> Evaluation:
    """Evaluate a model on a file of problems.

    Args:
        model: Name or path.
        problems: HumanEval, MBPP or our own problems.
        folder: Where the completions are kept.
        sampled: How to sample for pass@k; None for the greedy rate alone.
        ks: The k of pass@k.
        max_tokens: Of a greedy completion.
        slots: Candidates executed at once.
        threads: Of torch; 0 leaves the choice to torch.
        form: How problems are shown to a model that records no form of its own.

    Raises:
        errors.InvalidInput: a problem is none, or there are fewer samples than some k.
        errors.SandboxError: programs could not be labelled.
    """
    if sampled and sampled.samples < max(ks):
        raise errors.InvalidInput(f"pass@{max(ks)} needs at least {max(ks)} samples a problem")
    known = read_problems(problems)
    folder.mkdir(parents=True, exist_ok=True)
    stop = sampled.stop if sampled else ()
    greedy = Sampling(max_tokens=max_tokens, stop=stop, form=form)
    records = sample(model, problems, folder / "greedy.jsonl", greedy, threads)
    num_greedy = len(records)
    if sampled:
        sampled = replace(sampled, form=form)
        records += sample(model, problems, folder / "sampled.jsonl", sampled, threads)
    found = labels_of(known, records, slots)
    passed = [outcome is Label.ALL_PASS for outcome, _ in found]
    right: Counter[str] = Counter()
    for record, good in zip(records[num_greedy:], passed[num_greedy:], strict=True):
        right[record["task_id"]] += good
    return Evaluation(
        problems=len(known),
        greedy=bootstrap([float(good) for good in passed[:num_greedy]]),
        pass_at={
            k: bootstrap([pass_at_k(sampled.samples, right[p.slug], k) for p in known])
            for k in (ks if sampled else ())
            if sampled
        },
        labels=Counter(outcome for outcome, _ in found[:num_greedy]),
        solved=tuple(passed[:num_greedy]),
        samples=sampled.samples if sampled else 0,
        right=tuple(right[p.slug] for p in known),
    )


def read_problems(path: Path) -> list[Problem]:
    """Read a file of problems of which each must be usable.

    Raises:
        errors.InvalidInput: the file cannot be read, a line is no problem, or there is none.
    """
    found = []
    for item in importers.read_problems(path):
        if isinstance(item, BadLine):
            raise errors.InvalidInput(f"{path}, line {item.number}: {item.reason}")
        found.append(item)
    if not found:
        raise errors.InvalidInput(f"{path} contains no problem")
    return found


def summary(evaluation: Evaluation) -> dict[str, Any]:
    """Return an evaluation as JSON."""
    return {
        "problems": evaluation.problems,
        "greedy": evaluation.greedy._asdict(),
        "pass_at": {str(k): estimate._asdict() for k, estimate in evaluation.pass_at.items()},
        "labels": {name.value: count for name, count in evaluation.labels.items()},
        "solved": list(evaluation.solved),
        "samples": evaluation.samples,
        "right": list(evaluation.right),
    }


def write_summary(evaluation: Evaluation, path: Path) -> None:
    """Write an evaluation as JSON."""
    path.write_text(json.dumps(summary(evaluation)) + "\n")
