"""The student: a small GPT-BigCode from its configuration, or any causal model by name."""

from typing import Any

import torch
from torch import nn
from transformers import AutoModelForCausalLM, GPTBigCodeConfig, GPTBigCodeForCausalLM

from infra import errors, logs
from trainer.attention import SPLIT

log = logs.get(__name__)


def small_student(
    vocabulary_size: int, seed: int, *, width: int = 128, layers: int = 2, positions: int = 2048
) -> nn.Module:
    """Make a GPT-BigCode (StarCoder's architecture); by default of 0.6 million parameters."""
    torch.manual_seed(seed)
    config = GPTBigCodeConfig(
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
    model: nn.Module = GPTBigCodeForCausalLM(config)
    return model


def load_model(path: str, dtype: torch.dtype = torch.float32) -> nn.Module:
    """Load any Hugging Face causal language model, by name or path."""
    model: nn.Module = AutoModelForCausalLM.from_pretrained(path, dtype=dtype)
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


def blocks(model: nn.Module) -> list[nn.Module]:
    """Return the layers that are sharded one by one."""
    names = set(getattr(model, "_no_split_modules", None) or ())
    return [module for module in model.modules() if type(module).__name__ in names]
