"""Settings of the sampler."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from infra import errors
from infra.settings import Settings
from sampler.backends import Backend, Replay
from sampler.endpoints import Endpoint, read_endpoints


class SamplerSettings(Settings):
    """Where completions come from."""

    model_config = SettingsConfigDict(env_prefix="RRTF_SAMPLER_", frozen=True)

    replay: Path | None = None
    """File of recorded completions for the backend `replay`."""
    endpoints: Path | None = None
    """TOML file of model servers; each is a backend under its own name."""
    groups: int = Field(16, ge=1, le=256)
    """Requests for samples that one worker answers at once."""

    def backends(self) -> dict[str, Backend]:
        """Open every backend of this process's own that is configured, by name.

        Raises:
            errors.ConfigurationError: one of them cannot be opened.
        """
        return {"replay": Replay(self.replay)} if self.replay else {}

    def remote(self) -> list[Endpoint]:
        """Read the model servers that may be asked.

        Raises:
            errors.ConfigurationError: an entry is wrong, a key is missing, or a name is taken.
        """
        found = read_endpoints(self.endpoints) if self.endpoints else []
        for endpoint in found:
            endpoint.secret()
            if endpoint.name in ("replay", "transformers", "ctranslate2"):
                raise errors.ConfigurationError(f"{endpoint.name!r} is no name for an endpoint")
        return found
