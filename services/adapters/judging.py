"""What every adapter does: reads stored problems, and has one completion judged by one of them."""

import asyncio
from collections.abc import Iterator
from typing import Any, NamedTuple

from infra import errors
from infra.contracts.views.api import ProblemView
from ranker.rewards import Scale
from services.reward import scorer
from services.scoring.completions import Completion


class Judgement(NamedTuple):
    """What became of a completion; there is always something to say of it."""

    label: str
    """Of its program; `no_program` where it holds none."""
    pass_fraction: float
    reward: float


def problems(prefix: str = "") -> Iterator[ProblemView]:
    """Read the stored problems whose names begin so, oldest first."""
    client = scorer().client
    for summary in client.problems():
        if summary.slug.startswith(prefix):
            yield client.get_problem(summary.id)


def judge(completion: Completion, truth: Any, scale: str = Scale.GRADED.value) -> Judgement:
    """Have a completion executed.

    Raises:
        errors.NotInTime: it could not be executed in time, so nothing is known of it.
        errors.InvalidInput: the truth's tests are none, or cannot be run.
    """
    (one,) = scorer().score([completion], [truth], Scale(scale))
    if one.reward is None or one.pass_fraction is None:
        raise errors.NotInTime("the completion was not executed in time; are executors running?")
    return Judgement(one.label or "no_program", one.pass_fraction, one.reward)


async def judge_later(completion: Completion, truth: Any, scale: str) -> Judgement:
    """The same, for who waits for other things meanwhile."""
    return await asyncio.to_thread(judge, completion, truth, scale)
