"""Writes a variant of a model into a folder, and tells how far its weights are off."""

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, AutoTokenizer

from infra import errors
from infra.prompting.stored import FILE
from sampler.models.quantize import convert
from sampler.quantization.variants import Kind, Variant

MODEL: Final = "model"
"""Folder of a variant that holds the model."""
OFF: Final = "off.json"
"""File that says by how much each weight matrix is off: root mean squares."""
_TYPES: Final = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
_GROUP: Final = 128
"""Weights of a row that share a scale in GPTQ, as is usual."""


def make(variant: Variant, source: str, folder: Path, texts: Sequence[Sequence[int]]) -> None:
    """Write a variant, and how far its weights are off those in fp32.

    Args:
        variant: Which.
        source: Hugging Face causal model, by name or path.
        folder: Where; it must not be there.
        texts: Token ids that the rounding is calibrated on, for a variant that needs them.

    Raises:
        errors.ConfigurationError: the model cannot be loaded, or not be put into this form.
    """
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        _write(variant, source, partial / MODEL, texts)
        off = _off(variant, source, partial / MODEL)
    except (OSError, ValueError, RuntimeError, NotImplementedError) as error:
        raise errors.ConfigurationError(f"{source!r} as {variant.name}: {error}") from error
    (partial / OFF).write_text(json.dumps(off, indent=1) + "\n")
    partial.replace(folder)


def loaded(variant: Variant, folder: Path) -> Any:
    """Load what `make` has written, as torch runs it; not for CTranslate2."""
    if variant.kind is Kind.GPTQ:
        return _gptq().load(str(folder), device="cpu").model.eval()
    return AutoModelForCausalLM.from_pretrained(folder, dtype="auto").eval()


def matrices(model: nn.Module) -> dict[str, Tensor]:
    """Return the weight matrices of a model by name, as numbers in fp32 where it has integers.

    What is tied is there once. A model of GPTQ must not have been used before.
    """
    found: dict[str, Tensor] = {}
    for name, weight in model.named_parameters():
        if weight.dim() == 2:
            found[name] = _dense(weight).detach().float()
    for name, module in model.named_modules():
        if hasattr(module, "dequantize_weight"):
            found[f"{name}.weight"] = module.dequantize_weight().detach().float().T
    return found


def _dense(weight: Any) -> Tensor:
    """Return what a weight stands for; quantized ones of torchao and bitsandbytes say it."""
    dense: Tensor = weight
    if hasattr(weight, "tensor_data_names"):
        dense = weight.dequantize()
    elif hasattr(weight, "quant_state"):
        from bitsandbytes.functional import dequantize_4bit

        dense = dequantize_4bit(weight.data, weight.quant_state)
    return dense


def _write(variant: Variant, source: str, folder: Path, texts: Sequence[Sequence[int]]) -> None:
    match variant.kind:
        case Kind.CTRANSLATE2:
            convert(source, folder)
            return
        case Kind.GPTQ:
            _write_gptq(variant, source, folder, texts)
        case Kind.TORCHAO:
            from torchao.quantization import Int8WeightOnlyConfig
            from transformers import TorchAoConfig

            AutoModelForCausalLM.from_pretrained(
                source,
                dtype=torch.float32,
                quantization_config=TorchAoConfig(Int8WeightOnlyConfig(version=2)),
            ).save_pretrained(folder)
        case Kind.BITSANDBYTES:
            from transformers import BitsAndBytesConfig

            AutoModelForCausalLM.from_pretrained(
                source,
                dtype=torch.bfloat16,
                device_map={"": "cpu"},
                quantization_config=BitsAndBytesConfig(
                    load_in_4bit=True,
                    bnb_4bit_quant_type="nf4",
                    bnb_4bit_compute_dtype=torch.bfloat16,
                ),
            ).save_pretrained(folder)
        case Kind.DENSE:
            dtype = _TYPES[variant.name]
            AutoModelForCausalLM.from_pretrained(source, dtype=dtype).save_pretrained(folder)
    AutoTokenizer.from_pretrained(source).save_pretrained(folder)
    form = Path(source) / FILE
    if form.is_file():
        shutil.copy(form, folder)


def _write_gptq(
    variant: Variant, source: str, folder: Path, texts: Sequence[Sequence[int]]
) -> None:
    from gptqmodel import QuantizeConfig

    if not texts:
        raise errors.ConfigurationError(f"{variant.name} needs texts to be calibrated on")
    how = QuantizeConfig(
        bits=variant.bits,
        group_size=_GROUP,
        desc_act=False,
        device="cpu",
        offload_to_disk=False,
    )
    source = str(Path(source).resolve()) if Path(source).is_dir() else source
    model = _gptq().load(source, how, dtype=torch.float32)
    rows = [{"input_ids": list(ids), "attention_mask": [1] * len(ids)} for ids in texts]
    # It writes a folder of logs wherever one stands.
    with tempfile.TemporaryDirectory() as elsewhere, contextlib.chdir(elsewhere):
        model.quantize(rows, batch_size=1)
    model.save(str(folder))


def _gptq() -> Any:
    # With fewer than two the library refuses to start, as it would by itself on two cores.
    os.environ.setdefault("GPTQMODEL_CPU_WORKERS", "2")
    from gptqmodel import GPTQModel

    return GPTQModel


def _off(variant: Variant, source: str, folder: Path) -> dict[str, dict[str, float]]:
    full = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32)
    exact = matrices(full)
    if variant.kind is Kind.CTRANSLATE2:
        rounded = {name: _by_rows(exact[name]) for name in _multiplied(full) if name in exact}
    else:
        rounded = matrices(loaded(variant, folder))
    return {
        name: {
            "error": float((rounded[name] - weight).square().mean().sqrt()),
            "weight": float(weight.square().mean().sqrt()),
            "count": weight.numel(),
        }
        for name, weight in exact.items()
        if name in rounded
    }


def _by_rows(weight: Tensor) -> Tensor:
    """Round as CTranslate2 does, by its documentation: a scale for each row, symmetric, 8 bits.

    What it has written cannot be read back through its interface.
    """
    scale = 127.0 / weight.abs().amax(dim=1, keepdim=True).clamp_min(1e-12)
    return (weight * scale).round() / scale


def _multiplied(model: Any) -> list[str]:
    """Return the names of matrices that inputs are multiplied by, and of the table of words."""
    words = model.get_input_embeddings()
    return [
        f"{name}.weight"
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) or module is words
    ]
