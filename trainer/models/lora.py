"""Low-rank adapters: trained instead of all weights, saved beside weights they are merged into."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import Tensor, nn
from transformers import AutoModelForCausalLM

_BASE = "base_model.model."
_FROZEN = ".base_layer."


def add_adapter(model: nn.Module, rank: int, alpha: int) -> nn.Module:
    """Freeze a model and put trainable adapters of a rank beside all its linear layers."""
    config = LoraConfig(
        r=rank, lora_alpha=alpha, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    anything: Any = model
    adapted: nn.Module = get_peft_model(anything, config)
    return adapted


def load_adapter(model: nn.Module, directory: Path) -> nn.Module:
    """Freeze a model and put saved adapters beside its layers, to train on."""
    anything: Any = model
    adapted: nn.Module = PeftModel.from_pretrained(anything, directory, is_trainable=True)
    return adapted


def is_4bit(model: nn.Module) -> bool:
    """Tell whether the weights beside adapters are in 4 bits."""
    return bool(getattr(model, "is_loaded_in_4bit", False))


def dense_state(model: nn.Module) -> dict[str, Tensor]:
    """Return the state of a model on the CPU, those of 4 bits as the numbers they stand for."""
    from bitsandbytes.functional import dequantize_4bit

    state: dict[str, Tensor] = {}
    for name, weight in model.named_parameters():
        known: Any = getattr(weight, "quant_state", None)
        state[name] = (dequantize_4bit(weight.data, known) if known else weight.detach()).cpu()
    return state


def plain_base(model: nn.Module) -> nn.Module:
    """Return the model that adapters stand in, without its weights and without 4 bits."""
    adapted: Any = model
    config = copy.deepcopy(adapted.get_base_model().config)
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    with torch.device("meta"):
        base: nn.Module = AutoModelForCausalLM.from_config(config)
    return base


def merged(model: nn.Module, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the state of the plain model with its adapters added in.

    The live weights are left alone: adding to them and subtracting again would change their bits.
    """
    adapted: Any = model
    config = adapted.peft_config["default"]
    scaling = config.lora_alpha / config.r
    plain: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if ".lora_" in name:
            continue
        bare = name.removeprefix(_BASE)
        if bare.endswith(f"{_FROZEN}weight"):
            stem = name.removesuffix(f"{_FROZEN}weight")
            down = state[f"{stem}.lora_A.default.weight"].float()
            up = state[f"{stem}.lora_B.default.weight"].float()
            change = up @ down
            if change.shape != tensor.shape:  # GPT-2's layers keep weights the other way round.
                change = change.T
            tensor = (tensor.float() + scaling * change).to(tensor.dtype)
        plain[bare.replace(_FROZEN, ".")] = tensor
    return plain
