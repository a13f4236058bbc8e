"""Settings of the sampler."""

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import NoDecode, SettingsConfigDict

from infra.contracts.prompting import PAPER, FormOption
from infra.settings import Settings
from sampler.backends import Backend, Replay
from sampler.models.in_process import InProcess
from sampler.models.int8 import Int8

IN_PROCESS = "transformers"
"""Name of the backend that runs a model in this process."""


class SamplerSettings(Settings):
    """Where completions come from."""

    model_config = SettingsConfigDict(env_prefix="RRTF_SAMPLER_", frozen=True)

    replay: Path | None = None
    """File of recorded completions for the backend `replay`."""
    quantized: Path | None = None
    """Folder of a converted model for the backend `ctranslate2`."""
    model: str | None = None
    """Name or path of a Hugging Face causal model for the backend `transformers`."""
    checkpoints: Path | None = None
    """Folder below which a plan may name a checkpoint for the backend `transformers`."""
    prompt_form: Annotated[FormOption, NoDecode] = PAPER
    """How models of this process are shown problems, by name (`raw`, `paper`, `instruct`,
    `thinking`) or as JSON with options; a checkpoint that records its own is shown them so."""
    batch_tokens: int = Field(32_768, ge=1)
    """Most positions of one batch, prompts and new tokens together."""
    device: str = "cpu"
    """Device of torch that the backend `transformers` runs on."""
    threads: int = Field(0, ge=0)
    """Threads of torch; 0 leaves the choice to torch."""
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
            found["ctranslate2"] = Int8(self.quantized, self.prompt_form)
        if self.model or self.checkpoints:
            found[IN_PROCESS] = InProcess(
                self.model,
                self.checkpoints,
                self.batch_tokens,
                self.device,
                self.threads,
                self.prompt_form,
            )
        return found
