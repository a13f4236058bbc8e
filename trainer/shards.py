"""Reads weights straight into the shards of several processes, none of which has them whole."""

from pathlib import Path
from typing import Any

import torch
from accelerate import init_empty_weights
from huggingface_hub import snapshot_download
from torch import Tensor, nn
from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader
from torch.distributed.checkpoint.state_dict_loader import load
from transformers import AutoConfig, AutoModelForCausalLM, GenerationConfig

from infra.observability import logs

log = logs.get(__name__)


def without_weights(source: str, dtype: torch.dtype) -> nn.Module | None:
    """Return a model, by name or path, whose weights are not in memory yet.

    None, with a log line that says so, where its files name weights in another way than the model
    does: transformers alone knows how to turn one into the other.
    """
    config = AutoConfig.from_pretrained(source)
    with init_empty_weights():
        model: Any = AutoModelForCausalLM.from_config(config, dtype=dtype)
    model.tie_weights()
    in_files: Any = _reader(source).read_metadata().state_dict_metadata
    missing = [
        name
        for name, weight in _each_once(model).items()
        if name not in in_files or in_files[name].size != weight.shape
    ]
    if missing:
        log.warning("weights.read_whole", source=source, example=missing[0], count=len(missing))
        return None
    if model.can_generate() and (_folder_of(source) / "generation_config.json").exists():
        model.generation_config = GenerationConfig.from_pretrained(source)
    empty: nn.Module = model
    return empty


def is_empty(model: nn.Module) -> bool:
    """Tell whether a model's weights are not in memory yet."""
    return any(weight.is_meta for weight in model.parameters())


def read_into(model: nn.Module, source: str, device: torch.device) -> None:
    """Give a model that is divided over processes its weights; each reads its part of the files."""
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    model.to_empty(device=device)
    anything: Any = model
    anything.tie_weights()
    for name, buffer in model.named_buffers():
        buffer.copy_(buffers[name])
    load(_each_once(model), storage_reader=_reader(source))


def _each_once(model: nn.Module) -> dict[str, Tensor]:
    """Return all that files hold of a model, each tensor under its first name."""
    weights: dict[str, Tensor] = dict(model.named_parameters())
    kept = model.state_dict(keep_vars=True)
    return weights | {name: b for name, b in model.named_buffers() if name in kept}


def _reader(source: str) -> HuggingFaceStorageReader:
    return HuggingFaceStorageReader(str(_folder_of(source)))


def _folder_of(source: str) -> Path:
    """Return where the files of a model lie; what is not on this machine is fetched."""
    if Path(source).is_dir():
        return Path(source)
    return Path(snapshot_download(source, allow_patterns=["*.safetensors", "*.json"]))
