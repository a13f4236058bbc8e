"""Settings of the sampler."""

from pathlib import Path

from pydantic_settings import SettingsConfigDict

from infra.settings import Settings
from sampler.backends import Backend, Replay


class SamplerSettings(Settings):
    """Where completions come from."""

    model_config = SettingsConfigDict(env_prefix="RRTF_SAMPLER_", frozen=True)

    replay: Path | None = None
    """File of recorded completions for the backend `replay`."""

    def backends(self) -> dict[str, Backend]:
        """Open every backend that is configured, by name.

        Raises:
            errors.ConfigurationError: one of them cannot be opened.
        """
        return {"replay": Replay(self.replay)} if self.replay else {}
