"""A model as it is trained: its attention, its adapters, what it keeps for the backward pass."""

from pathlib import Path

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM

from trainer.choices import Choices
from trainer.models import lora, model
from trainer.settings import TrainerSettings

BYTE_VOCABULARY = 257
"""Of the small model that is made where none is named: all bytes, and an end."""


def skeleton(source: str | None, dtype: torch.dtype = torch.float32) -> nn.Module:
    """Make the model of a name or path by its configuration, with weights of no meaning.

    Under torch's meta device or fake tensors it takes no memory.
    """
    config = AutoConfig.from_pretrained(source) if source else model.small_config(BYTE_VOCABULARY)
    made: nn.Module = AutoModelForCausalLM.from_config(config, dtype=dtype)
    return made


def num_parameters(source: str | None) -> int:
    """Count the weights of a model by its configuration alone."""
    with torch.device("meta"):
        return sum(weight.numel() for weight in skeleton(source).parameters())


def prepare(
    student: nn.Module,
    settings: TrainerSettings,
    choices: Choices,
    adapter: Path | None = None,
) -> nn.Module:
    """Make a model ready to train, with saved adapters or with new ones, drawn by the seed.

    Raises:
        errors.ConfigurationError: the architecture cannot attend as the settings say.
    """
    model.set_attention(student, settings.attention)
    if choices.gradient_checkpointing:
        model.keep_no_activations(student)
    if settings.compile:
        model.compile_blocks(student)
    if adapter:
        student = lora.load_adapter(student, adapter)
    elif settings.lora_rank:
        torch.manual_seed(settings.seed)
        student = lora.add_adapter(student, settings.lora_rank, settings.lora_alpha)
    model.switch_off_dropout(student)
    return student.train()
