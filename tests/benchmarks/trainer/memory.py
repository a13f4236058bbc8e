"""Peak memory of training steps beside what `rrtf train --plan` predicts of them.

    python -m tests.benchmarks.trainer.memory                       # six configurations, minutes
    python -m tests.benchmarks.trainer.memory --choices FOLDER      # of a config.json, on 1x80

Each is a real trainer in a process of its own: it loads a model from the disk and takes two steps
on groups that fill the largest pass. The peak is what the process holds beyond what it held after
its imports and a step of a tiny model.
"""

import argparse
import multiprocessing
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, GPTBigCodeConfig, LlamaConfig, Qwen2Config

from infra.contracts.base import Label
from trainer.choices import variable
from trainer.models.model import max_positions
from trainer.models.tokenizer import byte_tokenizer
from trainer.modes.groups import EncodedGroup
from trainer.planning.cards import Cards
from trainer.planning.memory import Load
from trainer.planning.plan import make_plan
from trainer.settings import TrainerSettings
from trainer.step import Trainer

_ROTARY = {
    "hidden_size": 512,
    "intermediate_size": 1408,
    "num_hidden_layers": 6,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "max_position_embeddings": 4096,
}
MODELS = {
    "llama-50m": LlamaConfig(vocab_size=32_000, **_ROTARY),
    "qwen2-48m": Qwen2Config(vocab_size=60_000, tie_word_embeddings=True, **_ROTARY),
    "gpt_bigcode-31m": GPTBigCodeConfig(
        vocab_size=16_000, n_positions=4096, n_embd=512, n_layer=8, n_head=8
    ),
}
CASES = {
    "all weights": ("llama-50m", {}),
    "60,000 tokens, tied": ("qwen2-48m", {"gradient_checkpointing": True}),
    "multi-query": ("gpt_bigcode-31m", {}),
    "bf16": ("llama-50m", {"bf16": True}),
    "adapters": ("llama-50m", {"lora_rank": 16}),
    "mask over all pairs": ("llama-50m", {"attention": "sdpa"}),
}
CHOICES = (
    {},
    {"gradient_checkpointing": False},
    {"offload_activations": True},
    {"max_row_tokens": 4096},
    {"bf16": False},
    {"optimizer": "adamw_8bit"},
    {"weights": "bf16"},
    {"weights": "bf16", "optimizer": "adamw_8bit"},
    {"lora_rank": 16},
    {"lora_rank": 16, "lora_4bit": True},
)
_SIZES = {"max_prompt_tokens": 256, "max_response_tokens": 192, "max_row_tokens": 1024}


def settings_of(name: str, model: Path) -> TrainerSettings:
    """Return the settings of a case."""
    fixed = {"threads": 1, "term_norm_steps": 0, "model": str(model)}
    return TrainerSettings(**fixed | _SIZES | CASES[name][1])


def write_model(folder: Path, name: str) -> Path:
    """Write the model of a case with random weights, unless it is there."""
    kind = CASES[name][0]
    path = folder / kind
    if not path.exists():
        torch.manual_seed(0)
        AutoModelForCausalLM.from_config(MODELS[kind]).save_pretrained(path)
        byte_tokenizer().save_pretrained(path)
    return path


def predicted(name: str, model: Path) -> int:
    """Return the bytes that the plan says."""
    return make_plan(settings_of(name, model), str(model), Cards.here()).total


def measured(name: str, model: Path) -> int:
    """Train in a process of its own; return the most bytes that it took for that."""
    # What is freed goes back to the system at once, so that its pieces do not count as held.
    os.environ["MALLOC_MMAP_THRESHOLD_"] = str(2**16)
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_peak, name, model).result()


def _peak(name: str, model: Path) -> int:
    torch.set_num_threads(1)
    tiny = Trainer(TrainerSettings(threads=1, term_norm_steps=0))
    tiny.step([_group(8, [4, 4])])
    del tiny
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    settings = settings_of(name, model)
    trainer = Trainer(settings)
    prompt, response = settings.most_tokens(max_positions(trainer.model))
    load = Load(
        most_prompt=prompt,
        most_response=response,
        max_row_tokens=trainer.choices.max_row_tokens,
    )
    group = _group(*load.lengths(trainer.scorer.layout))
    for _ in range(2):
        trainer.step([group, group])
    return _status("VmHWM") - before


def _group(prompt: int, lengths: list[int]) -> EncodedGroup:
    generator = torch.Generator().manual_seed(0)
    start, *responses = (
        torch.randint(1, 250, (length,), generator=generator).tolist()
        for length in (prompt, *lengths)
    )
    others = range(1, len(lengths))
    return EncodedGroup(
        prompt=start,
        responses=responses,
        pairs=[(0, worse, 1.0) for worse in others],
        best=0,
        scores=[1.0] + [0.0] * len(others),
        labels=[Label.ALL_PASS] + [Label.PARTIAL_PASS] * len(others),
        is_teacher=[True] + [False] * len(others),
    )


def _status(field: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise LookupError(field)


def compare_choices(model: str) -> None:
    """Print what each choice is planned to take."""
    print("| | weights | gradients | optimizer | activations | total, GiB |\n" + "|---" * 6 + "|")
    for fields in CHOICES:
        plan = make_plan(TrainerSettings(**fields), model, Cards.parse("1x80"))
        sizes = (plan.weights, plan.gradients, plan.optimizer, plan.activations, plan.total)
        said = " ".join(f"`{variable(name)}={value}`" for name, value in fields.items())
        numbers = " | ".join(f"{size / 2**30:.1f}" for size in sizes)
        print(f"| {said or 'as the size decides'} | {numbers} |", flush=True)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--choices", metavar="FOLDER", help="compare settings for a model")
    given = parser.parse_args()
    if given.choices:
        compare_choices(given.choices)
        return
    asked = given.cases or list(CASES)
    print("| model | | predicted, MiB | measured, MiB | |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name in asked:
            model = write_model(Path(folder), name)
            plan, peak = predicted(name, model), measured(name, model)
            print(
                f"| {CASES[name][0]} | {name} | {plan / 2**20:,.0f} | {peak / 2**20:,.0f}"
                f" | {100 * (plan / peak - 1):+.0f} % |",
                flush=True,
            )


if __name__ == "__main__":
    main()
