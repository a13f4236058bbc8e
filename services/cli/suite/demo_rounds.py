"""The demonstration's second half: rounds that make a small student better, measured."""

from collections.abc import Sequence
from pathlib import Path

from services.cli.console import PlainConsole
from services.cli.stored.training import line, train_rounds
from services.cli.suite.up import RunningSuite
from services.client import Client
from services.exercises import files
from services.exercises.exercise import Split
from services.round_plan import Plan, Round, difference

POLICY = "demo"
MAX_STALENESS = 32
"""Optimizer steps; a round takes 15."""
_TRAINING, _HELD_OUT = 240, 120
_PLAN = Plan(policy=POLICY, rounds=2, problems_per_round=120, samples=8, max_tokens=96)


def run_rounds(
    console: PlainConsole, suite: RunningSuite, client: Client, out: Path
) -> list[Round]:
    """Draw problems that the student has not seen, and run rounds on them.

    Raises:
        errors.Unavailable: the sampler could not answer, or a batch was not trained.
    """
    problems = files.write_problems(out, Split.TRAINING, 0, _TRAINING)
    held_out = files.write_problems(out, Split.HELD_OUT, 0, _HELD_OUT)
    console.print(
        f"rounds: {_PLAN.problems_per_round} problems each, {_PLAN.samples} samples of the student"
        f" and 2 teachers for each; {_HELD_OUT} other problems to evaluate on",
    )
    return train_rounds(
        client,
        _PLAN,
        problems,
        out / files.TEACHERS,
        held_out,
        out,
        lambda text: console.print(text, highlight=False),
        suite.check,
    )


def report_rounds(console: PlainConsole, rounds: Sequence[Round], out: Path) -> bool:
    """Say what the rounds gave; tell whether the student has become better."""
    best = max(rounds, key=lambda item: item.greedy.mean)
    rise = difference(rounds[0], best)
    console.print(line(rounds[0], rounds[0]), highlight=False)
    console.print(line(best, rounds[0]), highlight=False)
    if rise.low <= 0:
        console.print("the student has not become better")
        return False
    console.print(f"the best checkpoint: {out / 'best'}")
    return True
