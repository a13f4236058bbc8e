"""Settings of a trainer."""

import socket
from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from infra.contracts.candidates import DEFAULT_POLICY, PolicyName
from infra.settings import Settings
from trainer.loss import Preset


class TrainerSettings(Settings):
    """What is trained, how, and how long."""

    model_config = SettingsConfigDict(env_prefix="RRTF_TRAINER_", frozen=True)

    policy: PolicyName = DEFAULT_POLICY
    output_dir: Path = Path("checkpoints")
    model: str | None = None
    """Name or path of a Hugging Face causal model; without one, a small one is made."""
    preset: Preset = Preset.DEFAULT
    learning_rate: float = Field(1e-3, gt=0)
    """For the small model; a large one wants about 2e-5."""
    warmup_steps: int = Field(5, ge=0)
    weight_decay: float = Field(0.0, ge=0)
    max_grad_norm: float = Field(1.0, gt=0)
    max_prompt_tokens: int = Field(768, ge=1)
    max_response_tokens: int = Field(1024, ge=1)
    seed: int = 0
    threads: int = Field(0, ge=0)
    """Threads of torch; 0 leaves the choice to torch."""
    lease_seconds: float = Field(120.0, ge=3, le=3600)
    wait_seconds: float = Field(10.0, ge=0, le=30)
    """How long the API may wait for a batch before it answers with none."""
    keep_checkpoints: int = Field(3, ge=1)
    max_steps: int = Field(0, ge=0)
    """Optimizer steps after which the trainer ends; 0 for no end."""
    worker: str = Field(default_factory=socket.gethostname)
