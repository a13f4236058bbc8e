"""Servers that a command restarts with other weights."""

import asyncio
import os
import signal
import time
from collections.abc import Mapping

from infra.observability import logs
from sampler.servers.endpoints import Endpoint
from sampler.servers.replies import Reply
from sampler.servers.weights import Weights, filled
from sampler.serving.control import Control, NotLoaded, ServerAway
from sampler.serving.versions import Version, seen_from_server
from sampler.serving.way import CannotBring, OtherWeights

log = logs.get(__name__)

_POLL_SECONDS = 0.5
_OF_THE_SUITE = ("DATABASE_URL", "REDIS_URL")


class Restarted:
    """Each start has a name of its own, which the server lists."""

    one_at_a_time = True

    def __init__(self, endpoint: Endpoint, weights: Weights, control: Control) -> None:
        self._endpoint, self._weights, self._control = endpoint, weights, control

    async def look(self, version: Version) -> str | None:
        """Return the name that the server was started under; one that is away is started."""
        for name in await self._listed():
            is_first = not version.number and name == self._endpoint.model
            if is_first or version.is_label(name):
                return name
        return None

    def name_of(self, version: Version, mark: str) -> str:
        """Return the mark, which is the name."""
        del version
        return mark

    async def bring(self, version: Version) -> str:
        """Run the command, and wait until the server lists the name."""
        path = seen_from_server(version, self._weights.folder)
        if not version.number:
            if self._weights.initial is None:
                raise CannotBring(
                    f"{self._endpoint.name} does not serve {self._endpoint.model!r}, and its"
                    " `initial` weights are not named"
                )
            path = self._weights.initial
        name = version.fresh_label() if version.number else self._endpoint.model
        places = {
            "path": path,
            "policy": version.policy,
            "version": version.number,
            "name": name,
        }
        words = [filled(word, places) for word in self._weights.command]
        until = time.monotonic() + self._weights.load_seconds
        await self._run(words)
        while name not in await self._listed():
            if time.monotonic() > until:
                seconds = self._weights.load_seconds
                raise NotLoaded(f"{self._endpoint.name} does not list {name!r} after {seconds:g} s")
            await asyncio.sleep(_POLL_SECONDS)
        return name

    async def _listed(self) -> tuple[str, ...]:
        try:
            return await self._control.models()
        except ServerAway:
            return ()

    async def _run(self, words: list[str]) -> None:
        program = words[0]
        try:
            process = await asyncio.create_subprocess_exec(
                *words,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                env=_for_a_command(os.environ),
                start_new_session=True,
            )
        except OSError as error:
            raise NotLoaded(f"cannot run {program}: {error.strerror}") from error
        try:
            status = await asyncio.wait_for(process.wait(), self._weights.load_seconds)
        except TimeoutError:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
            raise NotLoaded(f"{program} has not ended, and was killed") from None
        if status:
            raise NotLoaded(f"{program} ended with {status}")
        log.info("server.restarted", endpoint=self._endpoint.name, command=words)

    async def vouch(self, version: Version, mark: str, reply: Reply) -> None:
        """Look at the name once more, for not every server refuses one that is not its own.

        Raises:
            OtherWeights: the server lists another by now.
        """
        del version, reply
        if mark not in await self._listed():
            raise OtherWeights(f"{self._endpoint.name} was started anew meanwhile")


def _for_a_command(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what a command is told: nothing that opens the suite."""
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith("RRTF_") and name not in _OF_THE_SUITE
    }
