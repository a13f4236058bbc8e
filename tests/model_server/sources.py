"""Where the test server's completions come from; anything with the method of `Source` will do."""

import asyncio
import contextlib
import re
from dataclasses import dataclass
from typing import Protocol

from services.starter import load


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What one request asks for, chat or not."""

    prompt: str
    """The prompt, or the last message of the chat."""
    chat: bool
    num_samples: int
    seed: int
    temperature: float
    top_p: float
    max_tokens: int
    stop: tuple[str, ...]


@dataclass(frozen=True)
class Written:
    text: str
    finish_reason: str
    num_tokens: int


class Source(Protocol):
    async def complete(self, asked: Asked) -> list[Written]:
        """Write `asked.num_samples` completions."""


class Starter:
    """Writes the starter problems' recorded programs, chosen by the seed; a chat gets a fence."""

    def __init__(self, author: str = "student") -> None:
        programs: dict[str, list[str]] = {}
        for candidate in load.candidates():
            if candidate.author == author:
                programs.setdefault(candidate.task_id, []).append(candidate.program)
        self._programs = [
            (problem.prompt, programs[problem.slug])
            for problem in load.problems()
            if problem.slug in programs
        ]

    async def complete(self, asked: Asked) -> list[Written]:
        found = [programs for prompt, programs in self._programs if prompt in asked.prompt]
        programs = found[0] if found else [f"# {asked.prompt[:40]!r}\npass\n"]
        texts = [
            programs[(asked.seed + number) % len(programs)] for number in range(asked.num_samples)
        ]
        return [self._written(asked, text) for text in texts]

    @staticmethod
    def _written(asked: Asked, text: str) -> Written:
        if asked.chat:
            text = f"Here is a program.\n\n```python\n{text}```\n"
        cuts = [place for place in map(text.find, asked.stop) if place >= 0]
        tokens = re.findall(r"\w+|\W", text[: min(cuts, default=len(text))])
        cut = tokens[: asked.max_tokens]
        return Written("".join(cut), "stop" if len(cut) == len(tokens) else "length", len(cut))


class Batched:
    """Takes as long as a batching server: so many at once, each so many seconds.

    With `first_running` none of the first ends before so many have come, for a minute at most.
    """

    def __init__(self, source: Source, slots: int, seconds: float, first_running: int = 0) -> None:
        self._source = source
        self._slots = asyncio.Semaphore(slots)
        self._seconds = seconds
        self._first_running = first_running
        self._have_come = asyncio.Event()
        self.running = 0
        self.most_running = 0

    async def complete(self, asked: Asked) -> list[Written]:
        async with self._slots:
            self.running += 1
            self.most_running = max(self.most_running, self.running)
            if self.running >= self._first_running:
                self._have_come.set()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._have_come.wait(), 60)
            await asyncio.sleep(self._seconds)
            self.running -= 1
        return await self._source.complete(asked)
