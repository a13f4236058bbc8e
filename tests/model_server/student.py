"""A small model behind the test server, batching what waits as model servers do.

It works in a process of its own, as the engines of model servers do, so that it need not share
Python's lock with the server's HTTP. Shape suffixes: B rows, L positions.
"""

import asyncio
import ctypes
import functools
import multiprocessing
import signal
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import torch

from tests.model_server.sources import Asked, Written
from trainer.models.model import small_student
from trainer.models.tokenizer import byte_tokenizer

SLOTS = 64
"""Rows of one batch."""
_MOST_PROMPT = 512
_PR_SET_PDEATHSIG = 1
_FIRST = Asked(
    prompt="pass", chat=False, num_samples=1, seed=0, temperature=1.0, top_p=1.0, max_tokens=64,
    stop=(),
)  # fmt: skip


@dataclass
class _Waiting:
    asked: Asked
    done: asyncio.Future[Written]


class _Engine:
    """The model, with random weights and one thread of torch."""

    def __init__(self) -> None:
        torch.set_num_threads(1)
        self._tokenizer: Any = byte_tokenizer()
        self._model: Any = small_student(257, seed=0).eval()

    @torch.inference_mode()
    def generate(self, batch: list[Asked]) -> list[Written]:
        """Write one completion for each; all get as many tokens as the longest wants."""
        prompts = [
            self._tokenizer.encode(asked.prompt, add_special_tokens=False)[-_MOST_PROMPT:]
            for asked in batch
        ]
        longest = max(map(len, prompts))
        ids_BL = torch.tensor([[0] * (longest - len(one)) + one for one in prompts])
        mask_BL = torch.tensor([[0] * (longest - len(one)) + [1] * len(one) for one in prompts])
        new = max(asked.max_tokens for asked in batch)
        out_BL = self._model.generate(
            input_ids=ids_BL,
            attention_mask=mask_BL,
            do_sample=True,
            temperature=max(asked.temperature for asked in batch) or 1.0,
            # No row ends early: the benchmark counts completions of one length.
            min_new_tokens=new,
            max_new_tokens=new,
            pad_token_id=0,
        )
        written = out_BL[:, longest:].tolist()
        return [
            Written(self._tokenizer.decode(ids[: asked.max_tokens]), "length", new)
            for asked, ids in zip(batch, written, strict=True)
        ]


def _end_with_the_server() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@functools.cache
def _engine() -> _Engine:
    return _Engine()


def _generate(batch: list[Asked]) -> list[Written]:
    return _engine().generate(batch)


class Student:
    """Completes one full batch after the other."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._process = ProcessPoolExecutor(1, context, _end_with_the_server)
        # Loaded before the first question, and at its speed.
        self._process.submit(_generate, [_FIRST]).result()
        self._waiting: list[_Waiting] = []
        self._loop: asyncio.Task[None] | None = None

    async def complete(self, asked: Asked) -> list[Written]:
        rows = [
            _Waiting(asked, asyncio.get_running_loop().create_future())
            for _ in range(asked.num_samples)
        ]
        self._waiting += rows
        if self._loop is None:
            self._loop = asyncio.create_task(self._run())
        return list(await asyncio.gather(*(row.done for row in rows)))

    async def _run(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:SLOTS], self._waiting[SLOTS:]
            loop = asyncio.get_running_loop()
            asked = [row.asked for row in batch]
            for row, written in zip(
                batch, await loop.run_in_executor(self._process, _generate, asked), strict=True
            ):
                if not row.done.cancelled():
                    row.done.set_result(written)
        self._loop = None
