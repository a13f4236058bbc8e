"""A scorer and a task for inspect_ai: programs are executed by the suite, not in its sandbox.

inspect eval services/adapters/for_inspect.py@stored_problems --model ... -T prefix=HumanEval/
"""

from typing import Any

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import TaskState, generate

from infra import errors
from ranker.rewards import Scale
from services.adapters import judging


@scorer(metrics=[mean(), stderr()])
def executed(scale: str = Scale.GRADED.value) -> Scorer:
    """Score a completion by what its program did; one that was not executed in time is unscored.

    The target is the truth: the name of a stored problem, or tests as JSON.
    """

    async def score(state: TaskState, target: Target) -> Score:
        answer = state.output.completion
        try:
            found = await judging.judge_later(answer, target.text, scale)
        except errors.NotInTime as error:
            return Score.unscored(reason="scoring_failed", answer=answer, explanation=error.detail)
        facts: dict[str, Any] = {"label": found.label, "pass_fraction": found.pass_fraction}
        return Score(value=found.reward, answer=answer, explanation=found.label, metadata=facts)

    return score


@task
def stored_problems(prefix: str = "", scale: str = Scale.BINARY.value) -> Task:
    """Ask for programs for the stored problems whose names begin so."""
    samples = [
        Sample(id=problem.slug, input=problem.prompt, target=problem.slug)
        for problem in judging.problems(prefix)
    ]
    return Task(dataset=MemoryDataset(samples), solver=generate(), scorer=executed(scale))
