"""The demonstration's second half: rounds that make a small student better, measured."""

import time
from collections.abc import Sequence
from pathlib import Path

from services.cli.console import PlainConsole
from services.cli.stored.progress import progress_line
from services.cli.stored.training import line, train_rounds
from services.cli.suite.running import RunningSuite
from services.client import Client
from services.exercises import files
from services.exercises.exercise import Split
from services.loop.round_plan import Plan, Round, difference

POLICY = "demo"
MAX_STALENESS = 32
"""Optimizer steps; a round takes 16."""
_LINE_SECONDS = 4.0
_TRAINING, _HELD_OUT = 120, 60
_PLAN = Plan(policy=POLICY, rounds=2, problems_per_round=60, samples=8, max_tokens=96)


def run_rounds(
    console: PlainConsole, suite: RunningSuite, client: Client, out: Path
) -> list[Round]:
    """Draw problems that the student has not seen, and run rounds on them.

    Raises:
        errors.Unavailable: the sampler could not answer, or a batch was not trained.
    """
    problems = files.write_problems(out, Split.TRAINING, 0, _TRAINING)
    held_out = files.write_problems(out, Split.HELD_OUT, 0, _HELD_OUT)
    progress = _Progress(console, client, suite)
    console.print(
        f"{_PLAN.rounds} rounds: {_PLAN.problems_per_round} problems each, {_PLAN.samples} samples"
        f" of the student and 2 teachers for each; {_HELD_OUT} other problems to evaluate on",
    )
    return train_rounds(
        client,
        _PLAN,
        problems,
        out / files.TEACHERS,
        held_out,
        out,
        lambda text: console.print(text, highlight=False),
        progress.check,
    )


class _Progress:
    """Says every few seconds how far a round is, while it is waited for."""

    def __init__(self, console: PlainConsole, client: Client, suite: RunningSuite) -> None:
        self._console, self._client, self._suite = console, client, suite
        self._said = time.monotonic()

    def check(self) -> None:
        """Look whether all is well, and say a line if it is time for one.

        Raises:
            errors.Unavailable: a part of the suite was given up.
        """
        self._suite.check()
        if time.monotonic() - self._said > _LINE_SECONDS:
            self._console.print(f"  {progress_line(self._client.stats())}")
            self._said = time.monotonic()


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
