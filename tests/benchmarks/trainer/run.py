"""Time and peak memory of one training step in each layout, beside a plain padded step.

    python -m tests.benchmarks.trainer.run            # on a CPU, some five minutes
    python -m tests.benchmarks.trainer.run --all      # seven more shapes, half an hour
    python -m tests.benchmarks.trainer.run --device cuda --model gpt_bigcode-1b --bf16

Contenders take turns within every round, and ratios are medians over rounds; on a CPU it is the
time of one thread that counts, so that other work on the machine matters little. Memory is what a
step takes beyond weights and gradients, each measured in a process of its own.
"""

import argparse
import multiprocessing
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch

from tests.benchmarks.trainer.rates import of_peak
from tests.benchmarks.trainer.steps import (
    LARGE,
    MIDDLE,
    SMALL,
    Shape,
    contenders,
    humaneval_groups,
    make_group,
    make_model,
    many_groups_step,
    our_step,
)
from trainer.models.model import set_attention
from trainer.rows.layout import Layout

HEADLINE = [Shape(8, 256, 32, 256), Shape(8, 512, 64, 64)]
OTHERS = [
    Shape(8, 128, 32, 32),
    Shape(8, 128, 64, 256),
    Shape(8, 1024, 64, 64),
    Shape(8, 1024, 256, 256),
    Shape(32, 128, 32, 32),
    Shape(32, 256, 32, 64),
    Shape(32, 512, 64, 64),
]
GROWING = [Shape(n, 128, 32, 32) for n in (8, 16, 32)]
PART = 256
"""Tokens of a pass of the two-pass step: three responses of these groups."""


def synchronise(device):
    if device == "cuda":
        torch.cuda.synchronize()


def seconds(step, model, group, device):
    synchronise(device)
    # On a CPU one thread works, and only what it was given counts.
    clock = time.perf_counter if device == "cuda" else time.thread_time
    began = clock()
    step(model, group)
    synchronise(device)
    return clock() - began


def measure(model, shape, rounds, device):
    """Print one table: time, ratio and largest difference of a score for every contender."""
    group = make_group(shape, model.config.vocab_size)
    ways = contenders(shape)
    scores, times = {}, {name: [] for name in ways}
    for name, step in ways.items():
        set_attention(model, "sdpa")
        scores[name] = step(model, group)
    for _ in range(rounds):
        for name, step in ways.items():
            set_attention(model, "sdpa")
            times[name].append(seconds(step, model, group, device))
    plain = times["plain (RRHF)"]
    print(f"\n{shape}", flush=True)
    for name, taken in times.items():
        ratio = statistics.median(p / t for p, t in zip(plain, taken, strict=True))
        off = (scores[name] - scores["plain (RRHF)"]).abs().max().item()
        line = f"  {name:<14} {statistics.median(taken) * 1000:>9.1f} ms {ratio:>6.2f}x"
        print(f"{line}   scores differ by {off:.0e}{rate(model, group, taken, device)}", flush=True)


def packing(model, rounds, device):
    """Print tokens a second on groups as long as HumanEval's, alone in a pass and together."""
    # A mask over all pairs of 4,096 positions is slow on a CPU: one full pass, and not three.
    groups = list(humaneval_groups(24 if device == "cuda" else 8, model.config.vocab_size))
    tokens = sum(len(group.prompt) + sum(group.lengths) for group in groups)
    print(f"\n{len(groups)} groups as long as HumanEval's, {tokens} tokens")
    for layout, attention in ((Layout.SHARED, "split"), (Layout.PACKED, "sdpa")):
        ways = {
            name: many_groups_step(layout, attention, together)
            for name, together in (("one a pass", False), ("together", True))
        }
        times = {name: [] for name in ways}
        for number in range(rounds + 1):
            for name, step in ways.items():
                taken = seconds(step, model, groups, device)
                # The first of each meets its shapes for the first time.
                times[name] += [taken] if number else []
        alone = times["one a pass"]
        for name, taken in times.items():
            ratio = statistics.median(a / t for a, t in zip(alone, taken, strict=True))
            speed = tokens / statistics.median(taken)
            print(f"  {layout:<7} {name:<11} {speed:>9.0f} tokens/s {ratio:>6.2f}x", flush=True)


def rate(model, group, taken, device):
    """Say which share of a GPU's matrix rate went into tokens that a plain step would count."""
    if device != "cuda":
        return ""
    tokens = len(group.prompt) + sum(group.lengths)
    weights = sum(parameter.numel() for parameter in model.parameters())
    flops = 6 * weights * tokens / statistics.median(taken)
    peak = of_peak(flops)
    share = "" if peak is None else f", {peak:.0%} of the peak"
    rate = tokens / statistics.median(taken)
    return f"   {rate:>8.0f} tokens/s, {flops / 1e12:.0f} TFLOP/s{share}"


def peak_bytes(step, model, group, device):
    """Take a step; return the most memory it held beyond what was there before."""
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        step(model, group)
        return torch.cuda.max_memory_allocated() - before
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    step(model, group)
    return _status("VmHWM") - before


def _status(field):
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise LookupError(field)


def in_own_process(name, shape):
    """Measure in a new process, whose allocator keeps nothing of what was freed before."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_peak_of, name, shape).result()


def _peak_of(name, shape):
    torch.set_num_threads(1)
    model = make_model(SMALL)
    group = make_group(shape, model.config.vocab_size)
    # What is allocated once and for all is no part of the step.
    first = make_group(Shape(1, 16, 8, 8), model.config.vocab_size)
    growing(name, shape)(model, first)
    return peak_bytes(growing(name, shape), model, group, "cpu")


def growing(name, shape):
    """Return a contender; the two-pass one is bounded alike whatever the number of responses."""
    return our_step(Layout.SHARED, "split", PART) if name == "two-pass" else contenders(shape)[name]


def memory(model, device):
    """Print how peak memory grows with the number of responses."""
    print(f"\npeak memory of a step beyond weights and gradients, MiB ({GROWING[0]} and more)")
    print(f"  {'':<14}" + "".join(f"{f'N={shape.responses}':>9}" for shape in GROWING))
    for name in contenders(GROWING[0]):
        print(f"  {name:<14}", end="")
        for shape in GROWING:
            if device == "cuda":
                group = make_group(shape, model.config.vocab_size)
                set_attention(model, "sdpa")
                peak = peak_bytes(growing(name, shape), model, group, device)
            else:
                peak = in_own_process(name, shape)
            print(f"{peak / 2**20:>9.0f}", end="", flush=True)
        print()


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--model", default=SMALL, choices=[SMALL, MIDDLE, LARGE])
    parser.add_argument("--bf16", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--all", action="store_true", help="all shapes, and not only the first two")
    parser.add_argument("--memory", action="store_true", help="memory alone")
    parser.add_argument("--packing", action="store_true", help="groups of many prompts alone")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    model = make_model(asked.model, asked.device, asked.bf16)
    print(f"{asked.model}, {asked.device}, {'bf16' if asked.bf16 else 'fp32'}")
    if not asked.memory:
        packing(model, asked.rounds, asked.device)
    if asked.packing:
        return
    shapes = [] if asked.memory else HEADLINE + OTHERS if asked.all else HEADLINE
    for shape in shapes:
        measure(model, shape, asked.rounds, asked.device)
    memory(model, asked.device)


if __name__ == "__main__":
    main()
