"""Step time, share of the GPU's matrix rate, and memory of a large model: `make bench-gpu`.

    python -m tests.benchmarks.trainer.gpu                # one GPU, ten minutes
    python -m tests.benchmarks.trainer.gpu --size tiny    # tries the script itself, on a CPU too

A model of the shape of Qwen2.5-Coder with random weights takes whole steps of the trainer, with
those of the optimizer, in every mode and layout. Tokens are those of shared rows, the prompt once;
what padding and repeated prompts cost therefore shows as a lower rate, and so do the first pass of
two and the reference's.
"""

import argparse
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch
from transformers import Qwen2Config, Qwen2ForCausalLM
from transformers.utils import is_flash_attn_2_available

from infra import errors
from infra.contracts.base import Label
from tests.benchmarks.trainer.rates import of_peak
from tests.benchmarks.trainer.steps import Shape, make_group
from trainer.models.model import set_attention
from trainer.models.tokenizer import byte_tokenizer
from trainer.modes.config import Mode
from trainer.modes.groups import EncodedGroup
from trainer.rows.layout import Layout
from trainer.settings import TrackerKind, TrainerSettings
from trainer.step import Trainer

SIZES = {
    "tiny": (64, 2, 2, 2, 128, 512),
    "1.5b": (1536, 28, 12, 2, 8960, 151_936),
    "3b": (2048, 36, 16, 2, 11_008, 151_936),
}
"""Width, layers, heads, key heads, inner width, vocabulary."""
SHAPES = {"tiny": Shape(4, 24, 4, 12), "1.5b": Shape(8, 512, 64, 256), "3b": Shape(8, 512, 64, 256)}
"""Of a group, about as HumanEval's are."""
WAYS = (
    ("split", Layout.SHARED),
    ("flex_attention", Layout.SHARED),
    ("flash_attention_2", Layout.PACKED),
    ("sdpa", Layout.PADDED),
)
GROUPS = 4
STEPS = 3


def make_model(name: str, folder: Path) -> None:
    """Write a model of random weights, with a tokenizer, where the trainer can load them."""
    width, layers, heads, key_heads, inner, vocabulary = SIZES[name]
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=vocabulary,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=key_heads,
        intermediate_size=inner,
        max_position_embeddings=32_768,
        tie_word_embeddings=True,
    )
    torch.set_default_dtype(torch.bfloat16)
    Qwen2ForCausalLM(config).save_pretrained(folder)
    torch.set_default_dtype(torch.float32)
    byte_tokenizer().save_pretrained(folder)


def groups_of(name: str) -> list[EncodedGroup]:
    """Groups that every mode learns something from: a teacher, passes and failures."""
    found = []
    for seed in range(GROUPS):
        group = make_group(SHAPES[name], SIZES[name][-1], seed)
        count = len(group.responses)
        labels = [Label.ALL_PASS if n % 2 == 0 else Label.PARTIAL_PASS for n in range(count)]
        scores = [1.0 if label is Label.ALL_PASS else 0.5 for label in labels]
        found.append(
            replace(
                group,
                labels=labels,
                scores=scores,
                pairs=[(0, worse, 0.5) for worse in range(1, count, 2)],
                best=0,
                is_teacher=[n == 0 for n in range(count)],
            )
        )
    return found


def measured(trainer: Trainer, groups: list[EncodedGroup]) -> tuple[float, float]:
    """Return the median seconds of a step, and the most GiB that were held in one."""
    is_gpu = trainer.processes.device.type == "cuda"
    taken = []
    for number in range(1 + STEPS):
        if is_gpu:
            torch.cuda.synchronize()
            torch.cuda.reset_peak_memory_stats()
        began = time.perf_counter()
        trainer.step(groups)
        if is_gpu:
            torch.cuda.synchronize()
        if number:  # The first one makes the optimizer's state, and compiles.
            taken.append(time.perf_counter() - began)
    peak = torch.cuda.max_memory_allocated() if is_gpu else 0
    return statistics.median(taken), peak / 2**30


def row(trainer: Trainer, mode: Mode, way: tuple[str, Layout], groups: list[EncodedGroup]) -> str:
    """Measure one way in one mode; return its row of the table."""
    attention, layout = way
    name = f"| {mode} | {layout}, {attention} |"
    if attention.startswith("flash") and not is_flash_attn_2_available():
        return f"{name} not installed | | | |"
    try:
        set_attention(trainer.model, attention)
        trainer.scorer = replace(trainer.scorer, layout=layout)
        seconds, gib = measured(trainer, groups)
    except (errors.ConfigurationError, torch.OutOfMemoryError, RuntimeError) as error:
        torch.cuda.empty_cache()
        return f"{name} {type(error).__name__}: {str(error).splitlines()[0][:80]} | | | |"
    tokens = sum(len(group.prompt) + sum(group.lengths) for group in groups)
    weights = sum(parameter.numel() for parameter in trainer.model.parameters())
    share = of_peak(6 * weights * tokens / seconds) if gib else None
    rate = f"{tokens / seconds:.0f}"
    return (
        f"{name} {seconds:.3f} | {rate} | {'' if share is None else f'{share:.0%}'} | {gib:.1f} |"
    )


def main() -> None:
    """Print one table; what there was no time for is said."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--size", default="1.5b", choices=SIZES)
    parser.add_argument("--minutes", type=float, default=9.0)
    asked = parser.parse_args()
    if asked.size != "tiny" and not torch.cuda.is_available():
        raise SystemExit("there is no GPU; --size tiny tries the script")
    ends = time.monotonic() + 60 * asked.minutes
    groups = groups_of(asked.size)
    where = torch.cuda.get_device_name() if torch.cuda.is_available() else "a CPU"
    print(
        f"{asked.size}, bf16, {where}, torch {torch.__version__}; {GROUPS} x {SHAPES[asked.size]}"
    )
    print("| mode | layout | s/step | tokens/s | of the peak | GiB |\n|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        make_model(asked.size, Path(folder))
        for mode in Mode:
            trainer = None  # Frees the one before.
            settings = TrainerSettings(
                model=folder,
                mode=mode,
                bf16=True,
                threads=1,
                learning_rate=1e-6,
                max_row_tokens=8192,
                term_norm_steps=0,
                tracker=TrackerKind.NONE,
            )
            for way in WAYS:
                if time.monotonic() > ends:
                    print(f"| {mode} | {way[1]}, {way[0]} | no time | | | |", flush=True)
                    continue
                trainer = trainer or Trainer(settings)
                print(row(trainer, mode, way, groups), flush=True)


if __name__ == "__main__":
    main()
