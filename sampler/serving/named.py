"""Servers that load whatever model a request names."""

from sampler.backends import SamplesExhausted
from sampler.servers.endpoints import Endpoint
from sampler.servers.replies import Reply
from sampler.servers.weights import Weights, filled
from sampler.serving.control import Control
from sampler.serving.versions import Version, seen_from_server


class Named:
    """Each version has a name of its own, so no other can answer for it."""

    one_at_a_time = False

    def __init__(self, endpoint: Endpoint, weights: Weights, control: Control) -> None:
        self._endpoint, self._weights, self._control = endpoint, weights, control

    def name_of(self, version: Version, mark: str) -> str:
        """Return the mark, which is the name."""
        del version
        return mark

    def _name(self, version: Version) -> str:
        if not version.number:
            return self._endpoint.model
        places = {
            "path": seen_from_server(version, self._weights.folder),
            "policy": version.policy,
            "version": version.number,
        }
        return filled(self._weights.name, places)

    async def look(self, version: Version) -> str:
        """Return the version's name: a server that is there loads it, and may list nothing.

        The first version is what the list of servers calls the model.
        """
        await self._control.is_there()
        return self._name(version)

    async def bring(self, version: Version) -> str:
        """Return the name: the first request brings the version."""
        return self._name(version)

    async def vouch(self, version: Version, mark: str, reply: Reply) -> None:
        """Compare the name in the reply, to which a server may have added a revision.

        Raises:
            SamplesExhausted: the server answers with a model of its own, whatever is named.
        """
        if version.number and reply.model != mark and not reply.model.startswith(f"{mark}@"):
            raise SamplesExhausted(
                f"{self._endpoint.name} was asked for the model {mark!r}, and says that"
                f" {reply.model!r} has answered"
            )
