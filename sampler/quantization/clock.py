"""Takes the time of variants in turns, so that whatever else the machine does slows all alike."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from infra.contracts.base import Contract
from sampler.quantization.measuring import give_back_memory
from sampler.quantization.running import Runner

BATCH: Final = 16
"""Prompts that are answered at once to count tokens a second."""
_WRITTEN: Final = 64
"""Tokens behind each, where positions allow."""
_WARM: Final = 4
"""Tokens that are written before the clock runs."""
TURNS: Final = 5


class Times(Contract):
    """What one turn of a variant took."""

    variant: str
    turn: int
    alone_seconds: float
    """One completion alone."""
    together_seconds: float
    """`batch` completions at once."""
    batch: int
    new_tokens: int
    """Of each completion."""
    load: float
    """Processes that wanted a processor in the minute before, ours among them."""


def in_turns(
    names: Sequence[str],
    opened: Callable[[str], Runner],
    prompts: Sequence[Sequence[int]],
    turns: int = TURNS,
) -> Iterator[Times]:
    """Yield the times of every variant, all of them once in each turn.

    One variant is in memory at a time; each turn begins with another one.

    Args:
        names: Variants.
        opened: Loads one by its name.
        prompts: Of problems; the first ones are completed.
        turns: How often each is measured.
    """
    for turn in range(turns):
        first = turn % len(names)
        for name in (*names[first:], *names[:first]):
            yield _times(name, turn, opened(name), prompts[:BATCH])
            give_back_memory()


def _times(name: str, turn: int, runner: Runner, prompts: Sequence[Sequence[int]]) -> Times:
    count = min(_WRITTEN, runner.positions - max(map(len, prompts)))
    alone, together = (_seconds(runner, part, count) for part in (prompts[:1], prompts))
    return Times(
        variant=name,
        turn=turn,
        alone_seconds=alone,
        together_seconds=together,
        batch=len(prompts),
        new_tokens=count,
        load=os.getloadavg()[0],
    )


def _seconds(runner: Runner, prompts: Sequence[Sequence[int]], count: int) -> float:
    runner.write(prompts, min(_WARM, count))
    before = time.perf_counter()
    runner.write(prompts, count)
    return time.perf_counter() - before


def as_json(times: Sequence[Times]) -> dict[str, Any]:
    """Return all turns, with the processors that there were."""
    return {
        "processors": len(os.sched_getaffinity(0)),
        "turns": [one.model_dump(mode="json") for one in times],
    }
