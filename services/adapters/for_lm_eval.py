"""A metric and a task for lm-evaluation-harness: programs are executed by the suite.

lm_eval --include_path services/adapters/lm_eval_tasks --tasks rrtf --model ...
"""

from collections.abc import Sequence
from typing import Any

from datasets import Dataset, DatasetDict

from ranker.rewards import Scale
from services.adapters import judging


def executed(
    references: Sequence[Any], predictions: Sequence[Any], scale: str = Scale.BINARY.value
) -> dict[str, float]:
    """Return the mean reward of predictions and the share of tests they passed.

    A reference is the name of a stored problem, or tests as JSON; its prediction is one completion
    or a list of them.

    Raises:
        errors.NotInTime: one could not be executed in time; no number stands for that.
    """
    found = [
        judging.judge(completion, truth, scale)
        for truth, given in zip(references, predictions, strict=True)
        for completion in ([given] if isinstance(given, str) else given)
    ]
    return {
        "executed": sum(one.reward for one in found) / len(found),
        "pass_fraction": sum(one.pass_fraction for one in found) / len(found),
    }


def stored_problems(prefix: str = "", **_: object) -> DatasetDict:
    """Return the stored problems whose names begin so, as the split `test`."""
    rows = [
        {"prompt": problem.prompt, "problem": problem.slug} for problem in judging.problems(prefix)
    ]
    return DatasetDict({"test": Dataset.from_list(rows)})
