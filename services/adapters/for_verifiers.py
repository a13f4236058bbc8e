"""The stored problems as a taskset of verifiers, each with its reward: see `rrtf_problems`."""

from collections.abc import Iterator

import verifiers.v1 as vf

from ranker.rewards import Scale
from services.adapters import judging


class ProblemConfig(vf.TaskConfig):
    """How answers are rewarded, under `--env.taskset.task.*`."""

    scale: str = Scale.GRADED.value


class ProblemsConfig(vf.TasksetConfig):
    """Which problems, under `--env.taskset.*`."""

    task: ProblemConfig = ProblemConfig()
    prefix: str = ""
    """Only problems whose names begin so."""


class ProblemData(vf.TaskData):
    """A problem, as far as a model sees it; its tests stay where they are."""

    problem: str


class Problem(vf.Task[ProblemData, vf.State, ProblemConfig]):
    """Asks for a program; the last message holds it."""

    @property
    def key(self) -> str:
        """The problem's name."""
        return str(self.data.problem)

    @vf.reward
    async def executed(self, trace: vf.Trace) -> float:
        """Reward what became of the program.

        Raises:
            errors.NotInTime: it could not be executed in time; verifiers records that as an error.
        """
        return (await self._judged(trace)).reward

    @vf.metric
    async def pass_fraction(self, trace: vf.Trace) -> float:
        """Return the share of tests passed."""
        return (await self._judged(trace)).pass_fraction

    async def _judged(self, trace: vf.Trace) -> judging.Judgement:
        return await judging.judge_later(trace.last_reply, self.data.problem, self.config.scale)


class Problems(vf.Taskset[Problem, ProblemsConfig]):
    """The stored problems."""

    def load(self) -> Iterator[Problem]:
        """Read them, oldest first."""
        for found in judging.problems(self.config.prefix):
            data = ProblemData(id=found.slug, prompt=found.prompt, problem=found.slug)
            yield Problem(data, self.config.task)
