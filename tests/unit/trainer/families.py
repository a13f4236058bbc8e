"""Tiny models of the families that people train, from their own configuration classes.

Windows are narrower than the rows of the tests, and every special thing of a family is switched on
as in its released models: soft caps, sinks, biases, latent attention, experts.
"""

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from tests.unit.trainer.students import VOCABULARY
from trainer.models.model import switch_off_dropout

WINDOW = 8

_ROTARY = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 256,
}  # fmt: skip
_LATENT = {
    "q_lora_rank": 16, "kv_lora_rank": 16, "qk_rope_head_dim": 8, "qk_nope_head_dim": 8,
    "v_head_dim": 8, "num_key_value_heads": 4, "moe_intermediate_size": 16, "n_routed_experts": 4,
    "num_experts_per_tok": 2, "n_group": 1, "topk_group": 1, "first_k_dense_replace": 1,
}  # fmt: skip
_BOTH = ["sliding_attention", "full_attention"]

SHARED = {
    "gpt_bigcode": ("gpt_bigcode", {
        "n_positions": 256, "n_embd": 32, "n_layer": 2, "n_head": 4, "multi_query": True,
    }),
    "starcoder2": ("starcoder2", {"sliding_window": WINDOW, "use_bias": True}),
    "llama": ("llama", {}),
    "deepseek_coder": ("llama", {"rope_parameters": {
        "rope_type": "linear", "factor": 4.0, "rope_theta": 1e5,
    }}),
    "mistral": ("mistral", {"sliding_window": WINDOW}),
    "qwen2": ("qwen2", {
        "use_sliding_window": True, "sliding_window": WINDOW, "layer_types": _BOTH,
    }),
    "qwen2_5_coder": ("qwen2", {"use_sliding_window": False, "tie_word_embeddings": True}),
    "qwen3": ("qwen3", {}),
    "gemma2": ("gemma2", {
        "sliding_window": WINDOW, "attn_logit_softcapping": 2.0, "final_logit_softcapping": 5.0,
        "query_pre_attn_scalar": 8,
    }),
    "gemma3": ("gemma3_text", {
        "sliding_window": WINDOW, "layer_types": _BOTH, "query_pre_attn_scalar": 8,
    }),
    "gemma3_vision": ("gemma3", {
        "text_config": _ROTARY | {
            "sliding_window": WINDOW, "layer_types": _BOTH, "query_pre_attn_scalar": 8,
            "vocab_size": VOCABULARY, "initializer_range": 0.3,
        },
        "vision_config": {
            "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1,
            "num_attention_heads": 2, "image_size": 16, "patch_size": 8,
        },
        "mm_tokens_per_image": 4, "image_token_index": 96,
    }),
    "deepseek_v2": ("deepseek_v2", _LATENT | {"n_shared_experts": 1}),
    "deepseek_v3": ("deepseek_v3", _LATENT),
    "gpt_oss": ("gpt_oss", {
        "sliding_window": WINDOW, "num_local_experts": 4, "num_experts_per_tok": 2,
    }),
    "granite": ("granite", {
        "embedding_multiplier": 2.0, "attention_multiplier": 0.3, "residual_multiplier": 0.5,
        "logits_scaling": 2.0,
    }),
    "phi": ("phi", {"partial_rotary_factor": 0.5}),
    "phi3": ("phi3", {"sliding_window": WINDOW, "pad_token_id": 0}),
    "phi4": ("phi3", {"partial_rotary_factor": 0.5, "pad_token_id": 0}),
}  # fmt: skip
"""Families that are trained in shared rows: the type of their configuration, and settings."""

PADDED = {
    "llama4": ("llama4_text", {
        "attention_chunk_size": WINDOW, "num_local_experts": 2, "intermediate_size_mlp": 64,
        "layer_types": ["chunked_attention", "full_attention"],
    }),
    "qwen3_next": ("qwen3_next", {
        "layer_types": ["linear_attention", "full_attention"], "num_experts": 4,
        "num_experts_per_tok": 2, "moe_intermediate_size": 16, "linear_num_value_heads": 2,
        "linear_num_key_heads": 2, "linear_key_head_dim": 8, "linear_value_head_dim": 8,
        "shared_expert_intermediate_size": 16,
    }),
    "mamba": ("mamba", {"state_size": 4}),
}  # fmt: skip
"""Families whose layers cannot tell the responses of a row apart."""


def family_config(name):
    """The configuration of a tiny model."""
    kind, own = (SHARED | PADDED)[name]
    chosen = _ROTARY | own | {"vocab_size": VOCABULARY, "initializer_range": 0.3}
    return AutoConfig.for_model(kind, **chosen)


def family(name):
    """A model of a family, without dropout, in training mode."""
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(family_config(name), attn_implementation="eager")
    for part, weight in model.named_parameters():
        if part.endswith("sinks"):
            torch.nn.init.normal_(weight)
    switch_off_dropout(model)
    return model.train()
