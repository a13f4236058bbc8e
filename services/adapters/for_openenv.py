"""An environment server for OpenEnv, whose clients step it: one problem, one answer, one reward.

    uvicorn services.adapters.for_openenv:app --port 8001

`GenericEnvClient` of OpenEnv needs no class of ours: `reset(problem="HumanEval/0")`, then
`step({"completion": "..."})`.
"""

import random
from typing import Any
from uuid import uuid4

from openenv.core.env_server import create_app
from openenv.core.env_server.interfaces import Environment
from openenv.core.env_server.types import Action, Observation, State

from infra import errors
from infra.contracts.views.api import ProblemView
from ranker.rewards import Scale
from services.adapters import judging
from services.reward import scorer

_AT_ONCE = 64
"""Most sessions, each of which has one completion judged at a time."""


class Answer(Action):
    """A model's answer to the problem."""

    completion: str


class Seen(Observation):
    """What is asked, and after a step what became of the answer."""

    problem: str = ""
    prompt: str = ""
    language: str = ""
    label: str | None = None
    """None before the step, and if it was not executed in time."""
    pass_fraction: float | None = None
    error: str = ""
    """Why there is no label; the reward is None then, and the step may be taken again."""


class ProgramEnvironment(Environment):
    """Asks for one program and has it judged; an episode has one step."""

    SUPPORTS_CONCURRENT_SESSIONS = True

    def __init__(self, scale: str = Scale.GRADED.value) -> None:
        """Take the scale of its rewards."""
        super().__init__()
        self._scale = scale
        self._problem: ProblemView | None = None
        self._state = State()

    def reset(
        self,
        seed: int | None = None,
        episode_id: str | None = None,
        problem: str | None = None,
        **_: Any,
    ) -> Seen:
        """Ask a stored problem, by its name or else one drawn by the seed.

        Raises:
            errors.NotFound: there is none of that name, or none at all.
        """
        client = scorer().client
        if problem is None:
            names = [summary.slug for summary in client.problems()]
            if not names:
                raise errors.NotFound("no problem is stored; import some first")
            problem = random.Random(seed).choice(names)  # noqa: S311 - drawn, not secret
        self._problem = client.find_problem_with_tests(problem)
        self._state = State(episode_id=episode_id or str(uuid4()), step_count=0)
        return self._seen()

    def step(self, action: Answer, timeout_s: float | None = None, **_: Any) -> Seen:
        """Have the answer judged, which ends the episode.

        Raises:
            errors.InvalidInput: no problem has been asked.
        """
        if self._problem is None:
            raise errors.InvalidInput("reset the environment before the first step")
        try:
            found = judging.judge(action.completion, str(self._problem.id), self._scale)
        except errors.NotInTime as error:
            return self._seen(error=error.detail)
        self._state.step_count += 1
        return self._seen(
            done=True,
            reward=found.reward,
            label=found.label,
            pass_fraction=found.pass_fraction,
        )

    @property
    def state(self) -> State:
        """Return the episode's id and how many steps it has had."""
        return self._state

    def _seen(self, **found: Any) -> Seen:
        assert self._problem is not None, "a problem was asked"
        return Seen(
            problem=self._problem.slug,
            prompt=self._problem.prompt,
            language=self._problem.language.value,
            **found,
        )


app = create_app(ProgramEnvironment, Answer, Seen, env_name="rrtf", max_concurrent_envs=_AT_ONCE)
