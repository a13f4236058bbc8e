"""The student: a small GPT-BigCode from its configuration, or any causal model by name."""

from typing import Any

import torch
from torch import nn
from transformers import AutoModelForCausalLM, GPTBigCodeConfig, GPTBigCodeForCausalLM


def small_student(vocabulary_size: int, seed: int) -> nn.Module:
    """Make a GPT-BigCode (StarCoder's architecture) of about 0.6 million parameters."""
    torch.manual_seed(seed)
    config = GPTBigCodeConfig(
        vocab_size=vocabulary_size,
        n_positions=2048,
        n_embd=128,
        n_layer=2,
        n_head=4,
        n_inner=512,
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


def load_model(path: str) -> nn.Module:
    """Load any Hugging Face causal language model, by name or path."""
    model: nn.Module = AutoModelForCausalLM.from_pretrained(path, torch_dtype=torch.float32)
    return model


def max_positions(model: nn.Module) -> int:
    """Return the longest row the model takes."""
    config: Any = model.config
    return int(getattr(config, "n_positions", None) or config.max_position_embeddings)
