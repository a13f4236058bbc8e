"""Rewards from executed tests, for trainers of others: TRL's GRPOTrainer and verl.

    from services.reward import reward                      # GRPOTrainer(reward_funcs=reward, ...)

    custom_reward_function.path=.../services/reward.py      # verl; `name` is compute_score, or
                                                            # compute_scores for its batch manager

The API is the one that `RRTF_CLIENT_URL` and `RRTF_CLIENT_KEY` name; nothing is stored there.
"""

import functools
import math
import os
from collections.abc import Sequence
from typing import Any

from infra import errors
from infra.contracts.base import STANDARD_IMAGE, Label, Language
from infra.settings import ClientSettings, load
from ranker.rewards import Scale
from services.client import Client
from services.scoring.completions import Completion, Scorer
from services.scoring.truths import Truth


def scorer() -> Scorer:
    """Return this process's scorer, over the API that the environment names."""
    return _scorer_of(os.getpid())


@functools.cache
def _scorer_of(_: int) -> Scorer:
    # A process that was forked must not share its parent's connections.
    settings = load(ClientSettings)
    key = settings.key.get_secret_value() if settings.key else None
    return Scorer(Client(settings.url, key))


def reward(
    completions: Sequence[Completion],
    problem: Sequence[str | None] | None = None,
    tests: Sequence[Any] | None = None,
    ground_truth: Sequence[Truth] | None = None,
    entry_point: Sequence[str | None] | None = None,
    language: Sequence[str | None] | None = None,
    image: Sequence[str | None] | None = None,
    prompts: Sequence[Completion] | None = None,
    scale: str = Scale.GRADED.value,
    **_: object,
) -> list[float | None]:
    """Reward completions in [0, 1], as TRL calls a reward function.

    The data set has a column `problem` (names of stored problems), a column `tests` (lists of
    tests, or their JSON) and, where functions are called, `entry_point`, or a column `ground_truth`
    as verl has it; `language` is Python and `image` the standard library's if it has no such
    column. A row that has None in all three is not ours to reward. A completion that goes on where
    a plain prompt ends is put behind it; one that could not be executed in time has no reward.

    Raises:
        errors.InvalidInput: the data set has none of these columns, or a row's tests are none.
    """
    count = len(completions)
    truths = [
        _truth(*row)
        for row in zip(
            *(
                [None] * count if column is None else column
                for column in (problem, ground_truth, tests, entry_point, language, image, prompts)
            ),
            strict=True,
        )
    ]
    ours = [place for place, truth in enumerate(truths) if truth is not None]
    if count and not ours:
        raise errors.InvalidInput(
            "the data set needs a column `problem`, `tests` or `ground_truth`"
        )
    rewards: list[float | None] = [None] * count
    scored = scorer().score(
        [completions[place] for place in ours], [truths[place] for place in ours], Scale(scale)
    )
    for place, one in zip(ours, scored, strict=True):
        rewards[place] = one.reward
    return rewards


def _truth(
    problem: str | None,
    ground_truth: Truth,
    tests: Any,
    entry_point: str | None,
    language: str | None,
    image: str | None,
    prompt: Completion,
) -> Truth:
    """Return what a row is judged by, or None."""
    if problem is not None or ground_truth is not None:
        return ground_truth if problem is None else problem
    if tests is None:
        return None
    return {
        "tests": tests,
        "entry_point": entry_point,
        "language": language or Language.PYTHON.value,
        "image": image or STANDARD_IMAGE,
        "prompt": prompt if isinstance(prompt, str) else "",
    }


def compute_score(
    data_source: object,
    solution_str: str,
    ground_truth: Truth,
    extra_info: object = None,
    scale: str = Scale.GRADED.value,
    **_: object,
) -> dict[str, float]:
    """Reward one completion, as verl calls a custom reward function; see `compute_scores`."""
    (score,) = compute_scores([data_source], [solution_str], [ground_truth], [extra_info], scale)
    return score


def compute_scores(
    data_sources: Sequence[object],
    solution_strs: Sequence[str],
    ground_truths: Sequence[Truth],
    extra_infos: object = None,
    scale: str = Scale.GRADED.value,
    **_: object,
) -> list[dict[str, float]]:
    """Reward completions, as verl's batch reward manager calls a custom reward function.

    One that could not be executed in time has no number: its `score`, `acc` and `pass_fraction` are
    NaN, and `services.adapters.for_verl` leaves it out of what is learnt.

    Raises:
        errors.InvalidInput: a truth's tests are none, or cannot be run.
    """
    del data_sources, extra_infos  # The tests say all.
    return [
        {"score": math.nan, "acc": math.nan, "pass_fraction": math.nan}
        if one.reward is None or one.pass_fraction is None
        else {
            "score": one.reward,
            "acc": float(one.label is Label.ALL_PASS),
            "pass_fraction": one.pass_fraction,
        }
        for one in scorer().score(solution_strs, ground_truths, Scale(scale))
    ]
