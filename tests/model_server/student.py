"""A small model behind the test server, batching what waits as model servers do.

Shape suffixes: B rows, L positions.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import torch

from tests.model_server.sources import Asked, Written
from trainer.model import small_student
from trainer.tokenizer import byte_tokenizer

SLOTS = 64
"""Rows of one batch."""
_MOST_PROMPT = 512


@dataclass
class _Waiting:
    asked: Asked
    done: asyncio.Future[Written]


class Student:
    """Completes with random weights, one full batch after the other, in one thread of torch."""

    def __init__(self) -> None:
        torch.set_num_threads(1)
        self._tokenizer: Any = byte_tokenizer()
        self._model: Any = small_student(257, seed=0).eval()
        self._thread = ThreadPoolExecutor(1)
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
            for row, written in zip(
                batch, await loop.run_in_executor(self._thread, self._generate, batch), strict=True
            ):
                if not row.done.cancelled():
                    row.done.set_result(written)
        self._loop = None

    @torch.inference_mode()
    def _generate(self, batch: list[_Waiting]) -> list[Written]:
        prompts = [
            self._tokenizer.encode(row.asked.prompt, add_special_tokens=False)[-_MOST_PROMPT:]
            for row in batch
        ]
        longest = max(map(len, prompts))
        ids_BL = torch.tensor([[0] * (longest - len(one)) + one for one in prompts])
        mask_BL = torch.tensor([[0] * (longest - len(one)) + [1] * len(one) for one in prompts])
        new = max(row.asked.max_tokens for row in batch)
        out_BL = self._model.generate(
            input_ids=ids_BL,
            attention_mask=mask_BL,
            do_sample=True,
            temperature=max(row.asked.temperature for row in batch) or 1.0,
            # No row ends early: the benchmark counts completions of one length.
            min_new_tokens=new,
            max_new_tokens=new,
            pad_token_id=0,
        )
        written = out_BL[:, longest:].tolist()
        return [
            Written(self._tokenizer.decode(ids[: row.asked.max_tokens]), "length", new)
            for row, ids in zip(batch, written, strict=True)
        ]
