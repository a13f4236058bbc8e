"""Several processes beside one: losses, resuming with another number, and what saving costs.

    python -m tests.benchmarks.trainer.processes     # four processes, 134 million parameters

Losses are compared step by step. Steps with a checkpoint after each, the optimizer's state in it,
and steps without one take turns; their medians are of wall-clock time, so let nothing else run.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from tests.benchmarks.trainer.steps import Shape, make_group
from tests.torch_processes import in_processes
from trainer.models.tokenizer import byte_tokenizer
from trainer.processes import Processes
from trainer.settings import TrainerSettings
from trainer.step import Trainer

VOCABULARY = 32_000
SHAPES = [Shape(4, 24, 8, 24), Shape(3, 40, 12, 30), Shape(4, 16, 10, 20), Shape(2, 32, 16, 16)]
PATIENCE_SECONDS = 7200


def make_model(path, width, layers):
    """Write a model with random weights; return how many it has."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=width,
        intermediate_size=width * 8 // 3,
        num_hidden_layers=layers,
        num_attention_heads=width // 64,
        num_key_value_heads=width // 64,
    )
    model = LlamaForCausalLM(config)
    model.save_pretrained(path)
    byte_tokenizer().save_pretrained(path)
    return sum(weight.numel() for weight in model.parameters())


def trained(ours, model, root, resume_from, steps):
    """Take some steps and save; return the losses and the checkpoint."""
    settings = TrainerSettings(model=str(model), threads=1, term_norm_steps=0, learning_rate=1e-4)
    trainer = Trainer(settings, resume_from, ours)
    losses = [trainer.step(_groups(trainer))["loss"] for _ in range(steps)]
    path, _ = trainer.save(root)
    return losses, path


def timed(ours, model, root, rounds):
    """Return the seconds of steps without and with a checkpoint that is written beside them."""
    settings = TrainerSettings(model=str(model), threads=1, term_norm_steps=0, learning_rate=1e-4)
    trainer = Trainer(settings, None, ours)
    trainer.step(_groups(trainer))
    seconds = {False: [], True: []}
    for _ in range(rounds):
        for saves in seconds:
            began = time.perf_counter()
            saved = None
            if saves:
                saved = trainer.saver.begin(root, trainer.state, lambda *_: True, with_state=True)
            trainer.step(_groups(trainer))
            seconds[saves].append(time.perf_counter() - began)
            if saved:
                saved.result()
    return seconds


def _groups(trainer):
    first = trainer.state.version * len(SHAPES)
    return [make_group(shape, VOCABULARY, first + n) for n, shape in enumerate(SHAPES)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--rounds", type=int, default=5, help="of steps with and without saving")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        model = root / "model"
        print(f"{make_model(model, asked.width, asked.layers) / 1e6:.0f} million parameters")
        half = asked.steps // 2
        many = (asked.processes, PATIENCE_SECONDS)
        first, path = trained(Processes(), model, root / "one", None, half)
        rest, _ = trained(Processes(), model, root / "straight", path, asked.steps - half)
        (together, theirs), *_ = in_processes(*many, trained, model, root / "many", None, half)
        (after, _), *_ = in_processes(
            *many, trained, model, root / "after", path, asked.steps - half
        )
        alone, _ = trained(Processes(), model, root / "alone", theirs, asked.steps - half)
        show(f"{asked.processes} processes", first, together)
        show(f"one, resumed by {asked.processes}", rest, after)
        show(f"{asked.processes}, resumed by one", rest, alone)
        seconds, *_ = in_processes(*many, timed, model, root / "timed", asked.rounds)
    plain, saving = (statistics.median(seconds[saves]) for saves in (False, True))
    print(f"step {plain:.2f} s, with a checkpoint {saving:.2f} s: {saving / plain - 1:+.1%}")


def show(name, expected, found):
    """Print the largest difference of a step's loss from that of one process."""
    gap = max(abs(a - b) for a, b in zip(expected, found, strict=True))
    print(f"  {name:<24} {len(found)} steps, losses differ by at most {gap:.1e}", flush=True)


if __name__ == "__main__":
    main()
