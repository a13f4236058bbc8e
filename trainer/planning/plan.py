"""What training a model takes of each card, said before anything is loaded.

Weights, gradients, optimizer and what sharded processes gather follow from numbers of parameters;
what a pass keeps is found by making it without contents (`trainer/planning/memory.py`).
"""

from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import nn

from infra import errors
from infra.contracts.base import JsonValue
from trainer.choices import Choices, choose
from trainer.models import model
from trainer.models.student import num_parameters, prepare, skeleton
from trainer.planning import memory
from trainer.planning.cards import Cards
from trainer.settings import Optimizer, TrainerSettings, WeightType

_NF4: Final = 0.5 + 1 / 64 + 4 / (64 * 256)
"""Bytes of a weight in 4 bits, with its share of a block's scale and of that scale's own."""
_8_BIT: Final = 1 + 4 / 256
"""Bytes of a mean in 8 bits, with its share of a block's scale."""
_TEMPORARY: Final = 3
"""Copies of its largest weight that a step makes where it moves one weight at a time."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Bytes on each card, and what they are for."""

    choices: Choices
    cards: Cards
    parameters: int
    trained: int
    """Parameters that learn: all, or those of adapters."""
    weights: int
    gradients: int
    optimizer: int
    reference: int
    """The first weights, where the mode compares with them."""
    gathered: int
    """Layers of which all parts are held while they are computed, by processes that share them."""
    activations: int
    """The most that a pass, or a step of the optimizer, holds beside all that."""
    checkpoint: int
    """Bytes of one checkpoint on the disk."""
    kept: int
    """Checkpoints that are kept."""

    @property
    def total(self) -> int:
        """The peak on a card."""
        return sum(self.parts().values())

    @property
    def fits(self) -> bool:
        """Whether a card has that much, and some to spare."""
        return self.total <= self.cards.usable

    def parts(self) -> dict[str, int]:
        """Return the bytes on a card by what they are for."""
        names = ("weights", "gradients", "optimizer", "reference", "gathered", "activations")
        return {name: getattr(self, name) for name in names}

    def said(self) -> dict[str, JsonValue]:
        """Return the memory in MiB, as a log says it."""
        parts = {name: round(size / 2**20) for name, size in self.parts().items() if size}
        return {
            "cards": self.cards.count,
            "card_mib": self.cards.memory >> 20,
            "parameters": self.parameters,
            "trained": self.trained,
            **parts,
            "total": round(self.total / 2**20),
            "checkpoint": round(self.checkpoint / 2**20),
            "fits": self.fits,
        }


def make_plan(settings: TrainerSettings, source: str | None, cards: Cards) -> Plan:
    """Return what training the model of a name or path takes.

    Raises:
        errors.ConfigurationError: the settings cannot be had together.
    """
    if settings.lora_4bit and cards.count > 1:
        raise errors.ConfigurationError("weights in 4 bits are not divided over several processes")
    parameters = num_parameters(source)
    choices = choose(settings, parameters, cards.on_gpu)
    with torch.device("meta"):
        student = _student(settings, source, choices, cards)
    sizes = _Sizes.of(student)
    kept_type = _bytes_of_weight(settings, choices, cards)
    trained_type = 4 if settings.lora_rank else kept_type
    frozen = sizes.all - sizes.trained
    if settings.lora_4bit:
        frozen_bytes = round(_NF4 * sizes.linear + kept_type * (frozen - sizes.linear))
    else:
        frozen_bytes = kept_type * frozen
    moments = round(_bytes_of_moments(choices, settings) * sizes.trained)
    compares = settings.loss_config().needs_reference and not settings.lora_rank
    held = memory.pass_bytes(
        student,
        _load(settings, choices, student),
        bf16=choices.bf16 or settings.weights is WeightType.BF16,
        offload=settings.offload_activations and cards.on_gpu,
    )
    if settings.lora_4bit:
        held += sizes.largest_linear * kept_type
    moving = 0 if cards.on_gpu else _TEMPORARY * sizes.largest * trained_type
    adapters = 4 * sizes.trained if settings.lora_rank else 0
    return Plan(
        choices=choices,
        cards=cards,
        parameters=parameters,
        trained=sizes.trained,
        weights=(frozen_bytes + trained_type * sizes.trained) // cards.count,
        gradients=trained_type * sizes.trained // cards.count,
        optimizer=moments // cards.count,
        reference=kept_type * parameters // cards.count if compares else 0,
        gathered=_gathered(sizes, choices, kept_type) if cards.count > 1 else 0,
        activations=max(held, moving),
        checkpoint=kept_type * parameters + adapters + moments,
        kept=settings.num_kept + 1,
    )


@dataclass(frozen=True, kw_only=True)
class _Sizes:
    """Numbers of parameters."""

    all: int
    trained: int
    block: int
    """Of the largest layer."""
    outside: int
    """Of all that is in no layer."""
    largest: int
    """Of the largest weight that is trained."""
    linear: int
    """Of the frozen matrices of all layers."""
    largest_linear: int

    @classmethod
    def of(cls, student: nn.Module) -> "_Sizes":
        blocks = model.blocks(student)
        counts = [sum(weight.numel() for weight in block.parameters()) for block in blocks]
        everything = [weight.numel() for weight in student.parameters()]
        trained = [weight.numel() for weight in student.parameters() if weight.requires_grad]
        linear = [
            module.weight.numel()
            for block in blocks
            for module in block.modules()
            if isinstance(module, nn.Linear) and not module.weight.requires_grad
        ]
        return cls(
            all=sum(everything),
            trained=sum(trained),
            block=max(counts),
            outside=sum(everything) - sum(counts),
            largest=max(trained),
            linear=sum(linear),
            largest_linear=max(linear, default=0),
        )


def _student(
    settings: TrainerSettings, source: str | None, choices: Choices, cards: Cards
) -> nn.Module:
    """Make the model without contents as it is computed with."""
    computed = _bytes_of_weight(settings, choices, cards)
    if cards.count > 1 and choices.bf16:
        computed = 2
    made = skeleton(source, torch.bfloat16 if computed == 2 else torch.float32)
    return prepare(made, settings, choices)


def _bytes_of_weight(settings: TrainerSettings, choices: Choices, cards: Cards) -> int:
    """Return the bytes of a weight; of a frozen one, where adapters are trained."""
    if settings.lora_rank:
        return 2 if choices.bf16 and cards.count == 1 else 4
    return 2 if settings.weights is WeightType.BF16 else 4


def _bytes_of_moments(choices: Choices, settings: TrainerSettings) -> float:
    """Return the bytes that the optimizer keeps for a weight: two means."""
    if choices.optimizer is Optimizer.ADAMW_8BIT:
        return 2 * _8_BIT
    return 4 if settings.weights is WeightType.BF16 else 8


def _gathered(sizes: _Sizes, choices: Choices, kept_type: int) -> int:
    """Return what is held of layers that are computed: one, the next, and what is in no layer."""
    computed = 2 if choices.bf16 else kept_type
    # A gradient is whole in the type of the pass, and in fp32 on its way to the others.
    whole = (computed + 4) * max(sizes.block, sizes.outside)
    return computed * (sizes.outside + 2 * sizes.block) + whole


def _load(settings: TrainerSettings, choices: Choices, student: Any) -> memory.Load:
    prompt, response = settings.most_tokens(model.max_positions(student))
    return memory.Load(
        most_prompt=prompt, most_response=response, max_row_tokens=choices.max_row_tokens
    )
