"""Measures a variant: size, perplexity, and where its choices differ from those in fp32."""

import ctypes
import gc
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from infra.contracts.base import Contract
from infra.contracts.problems import Problem
from infra.prompting.encoding import continue_ids, end_id, prompt_ids
from infra.prompting.wording import answer_of
from sampler.quantization.running import Runner


class Decision(Contract):
    """A token that the model in fp32 chose, beside the one that came next."""

    chosen: int
    second: int
    margin: float
    """Logit of the one less that of the other."""


class Chosen(Contract):
    """All decisions of one completion."""

    task_id: str
    prompt: tuple[int, ...]
    token_ids: tuple[int, ...]
    decisions: tuple[Decision, ...]


def resident_bytes() -> int:
    """Return the memory that this process holds."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("Linux tells it of every process")


def give_back_memory() -> None:
    """Return to the kernel what is not used any more, or it would count as this process's."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)


def stored_bytes(folder: Path) -> int:
    """Return the size of the files of weights below a folder."""
    files = (path for end in ("*.safetensors", "*.bin") for path in folder.rglob(end))
    return sum(path.stat().st_size for path in files)


def perplexity(runner: Runner, problems: Sequence[Problem]) -> dict[str, Any]:
    """Return how likely the reference programs are, by token: the model's answers if it had none.

    Problems without one, and those that are longer than the model's positions, are left out.
    """
    loss, tokens, used = 0.0, 0, 0
    for problem in problems:
        program = problem.reference_program
        if program is None:
            continue
        before = prompt_ids(runner.form, runner.tokenizer, problem)
        text = answer_of(runner.form, problem, program)
        end = end_id(runner.form, runner.tokenizer)
        answer = continue_ids(runner.tokenizer, before, text) + ([] if end is None else [end])
        ids = [*before, *answer]
        if len(ids) > runner.positions:
            continue
        logps = runner.logits(ids[:-1])[len(before) - 1 :].log_softmax(-1)
        loss -= sum(float(logps[place, token]) for place, token in enumerate(answer))
        tokens, used = tokens + len(answer), used + 1
    return {
        "perplexity": math.exp(loss / tokens) if tokens else None,
        "tokens": tokens,
        "problems": used,
    }


def decisions(
    runner: Runner, slugs: Sequence[str], prompts: Sequence[Sequence[int]], written: Sequence[Any]
) -> Iterator[Chosen]:
    """Yield, for each completion of a variant, how much each token was ahead of the next one."""
    for slug, prompt, item in zip(slugs, prompts, written, strict=True):
        ids = tuple(item.token_ids)
        found = []
        if ids:
            best = runner.logits([*prompt, *ids][:-1])[len(prompt) - 1 :].topk(2, dim=-1)
            # By one pass over the whole text, whose sums are taken in another order than when it
            # was written: a near tie may then stand the other way round.
            found = [
                Decision(chosen=first, second=second, margin=high - low)
                for (first, second), (high, low) in zip(
                    best.indices.tolist(), best.values.tolist(), strict=True
                )
            ]
        yield Chosen(task_id=slug, prompt=tuple(prompt), token_ids=ids, decisions=tuple(found))


def shifts(runner: Runner, chosen: Sequence[Chosen]) -> dict[str, Any]:
    """Return by how much a variant moves the margins of the decisions in fp32, and how many turn.

    Every text is that of the model in fp32, so all are asked the same.
    """
    squares, turned, count = 0.0, 0, 0
    for one in chosen:
        if not one.token_ids:
            continue
        logits = runner.logits([*one.prompt, *one.token_ids][:-1])[len(one.prompt) - 1 :]
        for place, decision in enumerate(one.decisions):
            margin = float(logits[place, decision.chosen] - logits[place, decision.second])
            squares += (margin - decision.margin) ** 2
            turned += margin < 0
            count += 1
    return {
        "moved": math.sqrt(squares / count) if count else 0.0,
        "turned": turned,
        "decisions": count,
    }
