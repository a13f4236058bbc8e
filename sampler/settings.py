"""Settings of the sampler."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from infra.settings import Settings
from sampler.backends import Backend, Replay
from sampler.int8 import Int8


class SamplerSettings(Settings):
    """Where completions come from."""

    model_config = SettingsConfigDict(env_prefix="RRTF_SAMPLER_", frozen=True)

    replay: Path | None = None
    """File of recorded completions for the backend `replay`."""
    quantized: Path | None = None
    """Folder of a converted model for the backend `ctranslate2`."""
    groups: int = Field(16, ge=1, le=256)
    """Requests for samples that one worker answers at once."""

    def backends(self) -> dict[str, Backend]:
        """Open every backend of this process's own that is configured, by name.

        Raises:
            errors.ConfigurationError: one of them cannot be opened.
        """
        found: dict[str, Backend] = {}
        if self.replay:
            found["replay"] = Replay(self.replay)
        if self.quantized:
            found["ctranslate2"] = Int8(self.quantized)
        return found
