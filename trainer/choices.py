"""What the size of a model decides, unless a setting says otherwise.

Learning rates are those that published runs of such sizes use: 2e-5 for all weights of 1 to 15
billion parameters (RRHF, WizardCoder), ten times that for adapters (QLoRA).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from infra.contracts.base import JsonValue
from trainer.settings import Optimizer, TrainerSettings

_LARGE: Final = 10_000_000
"""Parameters below which a model is a small student, and all is as exact as can be."""
_ADAPTER_FACTOR: Final = 10
"""How much faster adapters of a large model learn than all of its weights."""


class _Row(NamedTuple):
    below: float
    """Parameters that a model of this row does not reach."""
    learning_rate: float
    gradient_checkpointing: bool
    max_row_tokens: int
    optimizer: Optimizer


_TABLE: Final = (
    _Row(_LARGE, 1e-3, False, 4_096, Optimizer.ADAMW),
    _Row(5e8, 1e-4, False, 8_192, Optimizer.ADAMW),
    _Row(2e10, 2e-5, True, 8_192, Optimizer.ADAMW),
    _Row(float("inf"), 1e-5, True, 8_192, Optimizer.ADAMW_8BIT),
)


@dataclass(frozen=True, kw_only=True)
class Choices:
    """How a model is trained, where a setting may leave it to the model's size."""

    learning_rate: float
    bf16: bool
    gradient_checkpointing: bool
    max_row_tokens: int
    optimizer: Optimizer
    reasons: Mapping[str, str]
    """Why each is as it is."""

    def said(self) -> dict[str, JsonValue]:
        """Return each choice with its reason, as a log says them."""
        return {name: f"{getattr(self, name)} ({why})" for name, why in self.reasons.items()}


def choose(settings: TrainerSettings, parameters: int, on_gpu: bool) -> Choices:
    """Return what the settings say, and for a model of so many parameters where they do not."""
    row = next(row for row in _TABLE if parameters < row.below)
    large, adapters = parameters >= _LARGE, settings.lora_rank > 0
    by_size = f"by size: {count(parameters)} parameters"
    by_size_alone = Choices(
        learning_rate=row.learning_rate * (_ADAPTER_FACTOR if large and adapters else 1),
        bf16=large and on_gpu,
        gradient_checkpointing=row.gradient_checkpointing,
        max_row_tokens=row.max_row_tokens,
        optimizer=row.optimizer,
        reasons={
            "learning_rate": f"{by_size}, adapters alone" if adapters else by_size,
            "bf16": f"{by_size}, on a {'GPU' if on_gpu else 'CPU'}",
            "gradient_checkpointing": by_size,
            "max_row_tokens": by_size,
            "optimizer": by_size,
        },
    )
    names = by_size_alone.reasons
    given = {name: value for name in names if (value := getattr(settings, name)) is not None}
    why = {name: f"set by {variable(name)}" for name in given}
    return replace(by_size_alone, **given, reasons={**names, **why})


def variable(name: str) -> str:
    """Return the environment variable of a trainer's setting."""
    return f"{TrainerSettings.model_config['env_prefix']}{name.upper()}"


def count(parameters: int) -> str:
    """Say a number of parameters in words."""
    if parameters >= 10**9:
        return f"{parameters / 1e9:.1f} billion"
    return f"{parameters / 1e6:.1f} million"
