"""The student: a small GPT-BigCode from its configuration, or any causal model by name."""

from importlib.util import find_spec
from typing import Any

import torch
from torch import nn
from transformers import (
    AutoModelForCausalLM,
    BitsAndBytesConfig,
    GPTBigCodeConfig,
    GPTBigCodeForCausalLM,
)

from infra import errors
from infra.observability import logs
from trainer.rows.split import SPLIT

log = logs.get(__name__)


def small_student(
    vocabulary_size: int, seed: int, *, width: int = 128, layers: int = 2, positions: int = 2048
) -> nn.Module:
    """Make a GPT-BigCode (StarCoder's architecture); by default of 0.6 million parameters."""
    torch.manual_seed(seed)
    model: nn.Module = GPTBigCodeForCausalLM(
        small_config(vocabulary_size, width=width, layers=layers, positions=positions)
    )
    return model


def small_config(
    vocabulary_size: int, *, width: int = 128, layers: int = 2, positions: int = 2048
) -> GPTBigCodeConfig:
    """Return the configuration of such a model."""
    return GPTBigCodeConfig(
        vocab_size=vocabulary_size,
        n_positions=positions,
        n_embd=width,
        n_layer=layers,
        n_head=width // 32,
        n_inner=4 * width,
        multi_query=True,
        # Dropout would make the order of two responses a matter of chance.
        attn_pdrop=0.0,
        embd_pdrop=0.0,
        resid_pdrop=0.0,
        bos_token_id=0,
        eos_token_id=0,
        pad_token_id=0,
    )


def load_model(path: str, dtype: torch.dtype = torch.float32) -> nn.Module:
    """Load any Hugging Face causal language model, by name or path."""
    model: nn.Module = AutoModelForCausalLM.from_pretrained(path, dtype=dtype)
    return model


def load_4bit(path: str, device: torch.device, computed: torch.dtype) -> nn.Module:
    """Load a model whose layers hold 4 bits for each weight (NF4), and compute in another type.

    Raises:
        errors.ConfigurationError: bitsandbytes is not installed.
    """
    if find_spec("bitsandbytes") is None:
        raise errors.ConfigurationError(
            "weights in 4 bits need bitsandbytes: pip install 'rrtf-suite[low-bit]'"
        )
    model: nn.Module = AutoModelForCausalLM.from_pretrained(
        path,
        dtype=computed,
        device_map={"": device},
        quantization_config=BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=computed,
        ),
    )
    return model


def max_positions(model: nn.Module) -> int:
    """Return the longest row the model takes."""
    config: Any = model.config
    config = config.get_text_config()
    return int(getattr(config, "n_positions", None) or config.max_position_embeddings)


def set_attention(model: nn.Module, implementation: str) -> None:
    """Choose how a model attends.

    Raises:
        errors.ConfigurationError: the model's architecture cannot, or a package is missing.
    """
    chooser: Any = model
    if implementation == SPLIT and not chooser._supports_attention_backend:
        log.error(
            "attention.fallback",
            reason="the architecture takes no attention but its own",
            architecture=type(model).__name__,
            attention=chooser.config._attn_implementation,
        )
        return
    try:
        chooser.set_attn_implementation(implementation)
    except (ValueError, ImportError) as error:
        raise errors.ConfigurationError(f"attention {implementation!r}: {error}") from None


def switch_off_dropout(model: nn.Module) -> None:
    """Set every dropout to zero, leaving the configuration that is saved as it was.

    With dropout the order of two responses would be a matter of chance. The model itself stays in
    training mode, because gradient checkpointing works in no other.
    """
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        for name, value in vars(module).items():
            if isinstance(value, float) and "drop" in name:
                setattr(module, name, 0.0)


def keep_no_activations(model: nn.Module) -> None:
    """Compute activations a second time in the backward pass instead of keeping them."""
    switch: Any = model
    switch.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})


def compile_blocks(model: nn.Module) -> None:
    """Compile the layers, all by one piece of code, at their first pass; takes a C++ compiler."""
    for block in blocks(model):
        block.compile(dynamic=True)


def blocks(model: nn.Module) -> list[nn.Module]:
    """Return the layers that are sharded one by one."""
    names = set(getattr(model, "_no_split_modules", None) or ())
    return [module for module in model.modules() if type(module).__name__ in names]
