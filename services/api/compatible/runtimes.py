"""What executors offer, as Piston's interface tells it: languages and their versions."""

import asyncio
import re
import time

from infra import errors
from infra.contracts.base import Language
from infra.contracts.inline import Survey, Surveying
from services.api.inline_requests import InlineRequests
from services.api.routers.execute import ask_one

_SURVEY_SECONDS = 60.0
_AGAIN_SECONDS = 5.0
"""How long a survey's failure is the answer, before executors are asked again."""
_WAIT_SECONDS = 30.0


class Runtimes:
    """What executors offer, asked for when it is first needed and again after a minute.

    However many want to know, one question is under way; what was answered before serves until
    there is a new answer.
    """

    def __init__(self) -> None:
        self._versions: dict[Language, str] | None = None
        self._failure: errors.SuiteError = errors.NotInTime()
        self._until = 0.0
        self._survey: asyncio.Task[None] | None = None

    async def versions(self, executors: InlineRequests) -> dict[Language, str]:
        """Return the version of each language.

        Raises:
            errors.NotInTime: no executor answered, now or some seconds ago.
            errors.QueueFull: too much inline work is under way.
            errors.Unavailable: Redis cannot be reached, or the executor failed.
        """
        if self._survey is None and time.monotonic() >= self._until:
            self._survey = asyncio.create_task(self._ask(executors))
        if self._versions is None and self._survey is not None:
            # Who is gone before the answer comes must not take it from the others.
            await asyncio.shield(self._survey)
        if self._versions is None:
            raise self._failure.with_traceback(None)
        return self._versions

    async def _ask(self, executors: InlineRequests) -> None:
        try:
            answer = await ask_one(executors, Surveying(), _WAIT_SECONDS)
            if not isinstance(answer, Survey):
                raise errors.Unavailable("the executor could not say what it offers; try again")
            self._versions = {language: _number(told) for language, told in answer.versions.items()}
            self._until = time.monotonic() + _SURVEY_SECONDS
        except errors.SuiteError as error:
            self._failure = error
            self._until = time.monotonic() + _AGAIN_SECONDS
        finally:
            self._survey = None


def _number(told: str) -> str:
    """Find the version in what a toolchain says of itself; Piston's always has three parts."""
    # With a point if there is one: machines have numbers in their names, as x86_64 has.
    found = re.search(r"\d+(?:\.\d+)+", told) or re.search(r"\b\d+\b", told)
    parts = (found.group().split(".") if found else [])[:3]
    return ".".join(parts + ["0"] * (3 - len(parts)))
