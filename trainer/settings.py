"""Settings of a trainer."""

import math
import socket
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field
from pydantic_settings import NoDecode, SettingsConfigDict

from infra.contracts.candidates import DEFAULT_POLICY, PolicyName
from infra.contracts.prompting import PAPER, FormOption
from infra.settings import Settings
from trainer.modes.config import (
    SETTABLE,
    Imitated,
    LossConfig,
    Mode,
    PairLoss,
    PairMode,
    Scores,
)


class TrackerKind(StrEnum):
    """Where the metrics of steps are written, beside the log and the checkpoint's record."""

    TENSORBOARD = "tensorboard"
    WANDB = "wandb"
    MLFLOW = "mlflow"
    NONE = "none"


class TrainerSettings(Settings):
    """What is trained, how, and how long."""

    model_config = SettingsConfigDict(env_prefix="RRTF_TRAINER_", frozen=True)

    policy: PolicyName = DEFAULT_POLICY
    output_dir: Path = Path("checkpoints")
    model: str | None = None
    """Name or path of a Hugging Face causal model; without one, a small one is made."""

    prompt_form: Annotated[FormOption, NoDecode] = PAPER
    """How the policy is shown problems, by name (`raw`, `paper`, `instruct`, `thinking`) or as JSON
    with options; what was sampled from another form is refused."""

    mode: Mode = Mode.RRTF
    rank_weight: float | None = Field(None, ge=0)
    """This and the next thirteen: unset, the mode decides."""
    ce_weight: float | None = Field(None, ge=0)
    gap_weights: bool | None = None
    ce_mean_over_tokens: bool | None = None
    length_penalty: float | None = Field(None, ge=0)
    pair_loss: PairLoss | None = None
    margin: float | None = Field(None, ge=0)
    beta: float | None = Field(None, gt=0)
    pairs: PairMode | None = None
    tie_bonus: float | None = Field(None, ge=0)
    imitated: Imitated | None = None
    scores: Scores | None = None
    kl_weight: float | None = Field(None, ge=0)
    clip: float | None = Field(None, gt=0, lt=1)

    batches_per_step: int = Field(1, ge=1, le=64)
    """Leased batches whose gradients are added up before the optimizer moves."""
    learning_rate: float = Field(1e-3, gt=0)
    """For the small model; a large one wants about 2e-5."""
    warmup_steps: int = Field(5, ge=0)
    decay_steps: int = Field(0, ge=0)
    """Step at which a cosine has brought the learning rate to its final share; 0 for no decay."""
    final_learning_rate_share: float = Field(0.1, ge=0, le=1)
    weight_decay: float = Field(0.0, ge=0)
    max_grad_norm: float = Field(1.0, gt=0)
    max_steps: int = Field(0, ge=0)
    """Optimizer steps after which the trainer ends; 0 for no end."""

    max_prompt_tokens: int = Field(768, ge=1)
    max_response_tokens: int = Field(1024, ge=1)
    max_row_tokens: int = Field(4096, ge=1)
    """Most tokens in one forward pass; a larger group is scored twice, in bounded memory."""
    attention: Literal["split", "sdpa", "eager", "flex_attention", "flash_attention_2"] = "split"
    bf16: bool = False
    """Multiply matrices in half precision; weights, sums and log-probabilities stay in fp32."""
    gradient_checkpointing: bool = False
    lora_rank: int = Field(0, ge=0)
    """Rank of the adapters that are trained instead of all weights; 0 trains all weights."""
    lora_alpha: int = Field(16, gt=0)
    seed: int = 0
    threads: int = Field(0, ge=0)
    """Threads of torch; 0 leaves the choice to torch."""

    worker: str = Field(default_factory=socket.gethostname)
    """Name in leases. A trainer that starts gives back what its name held before."""
    lease_seconds: float = Field(120.0, ge=3, le=3600)
    wait_seconds: float = Field(10.0, ge=0, le=30)
    """How long the API may wait for a batch before it answers with none."""
    max_staleness: int | None = Field(None, ge=0)
    """Most optimizer steps between the weights that wrote a candidate and those that learn."""
    checkpoint_steps: int = Field(1, ge=1)
    """Fewest optimizer steps between checkpoints: more while the one before is still written.
    Batches count as trained once a checkpoint has them."""
    state_seconds: float = Field(600.0, ge=0)
    """Seconds between checkpoints that also hold the optimizer's state, twice as large as weights;
    a trainer that was killed takes the steps since then again."""
    keep_checkpoints: int = Field(3, ge=1)
    """With `max_staleness`, as many more: what may be trained on may still be sampled from."""
    tracker: TrackerKind = TrackerKind.TENSORBOARD
    term_norm_steps: int = Field(25, ge=0)
    """Steps between two measurements of the gradient norm of each loss term; 0 for never."""

    def loss_config(self) -> LossConfig:
        """Return the mode's configuration with what was set apart from it."""
        chosen = {name: getattr(self, name) for name in SETTABLE}
        given = {name: value for name, value in chosen.items() if value is not None}
        return replace(LossConfig.of(self.mode), **given)

    @property
    def num_kept(self) -> int:
        """Newest checkpoints that are not removed."""
        return self.keep_checkpoints + math.ceil((self.max_staleness or 0) / self.checkpoint_steps)
