"""The setting that says which model servers there are; apart, for who needs no model to read it."""

from collections.abc import Sequence
from pathlib import Path

from pydantic_settings import SettingsConfigDict

from infra import errors
from infra.settings import QueueSettings, Settings, load
from sampler.attempts import SHARE
from sampler.servers.endpoints import Endpoint, read_endpoints

_TAKEN = frozenset({"replay", "transformers", "ctranslate2"})
"""Names of backends that are no servers."""


class EndpointSettings(Settings):
    """Where the list of model servers is."""

    model_config = SettingsConfigDict(env_prefix="RRTF_SAMPLER_", frozen=True)

    endpoints: Path | None = None
    """TOML file of model servers; each is a backend under its own name."""

    def read(self) -> list[Endpoint]:
        """Read the model servers that may be asked.

        Raises:
            errors.ConfigurationError: an entry is wrong, a key is missing, or a name is taken.
        """
        found = read_endpoints(self.endpoints) if self.endpoints else []
        for endpoint in found:
            endpoint.secret()
            if endpoint.name in _TAKEN:
                raise errors.ConfigurationError(f"{endpoint.name!r} is no name for an endpoint")
        return found

    def named(self, names: Sequence[str]) -> list[Endpoint]:
        """Read the model servers of these names, in their order.

        Raises:
            errors.ConfigurationError: as for `read`.
            errors.NotFound: there is none of a name.
        """
        known = {one.name: one for one in self.read()}
        for name in names:
            if name not in known:
                there = ", ".join(sorted(known)) or "none"
                raise errors.NotFound(
                    f"RRTF_SAMPLER_ENDPOINTS lists no endpoint {name!r}; there are: {there}"
                )
        return [known[name] for name in names]

    def read_for_tasks(self) -> list[Endpoint]:
        """Read the model servers that tasks may ask, each of which takes only so long.

        Raises:
            errors.ConfigurationError: as for `read`, or a request may take so long that a task has
                hardly time to send one.
        """
        found = self.read()
        longest = load(QueueSettings).task_seconds * SHARE
        for endpoint in found:
            if endpoint.timeout_seconds > longest:
                raise errors.ConfigurationError(
                    f"the endpoint {endpoint.name!r} has a timeout_seconds of"
                    f" {endpoint.timeout_seconds:g}, and a task has time for {longest:g}:"
                    " lower it, or raise RRTF_QUEUE_TASK_SECONDS"
                )
        return found
