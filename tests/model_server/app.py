"""A small OpenAI-compatible server over real HTTP, with faults to order."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from tests.model_server.faults import Fault, Schedule
from tests.model_server.sources import Asked, Source, Starter, Written


@dataclass
class Seen:
    """One request, as it arrived, and whether it was answered in full."""

    path: str
    body: dict[str, Any]
    headers: dict[str, str]
    fault: Fault | None
    served: bool = False


@dataclass
class ModelServer:
    """One server: what it serves, what goes wrong, what it has seen."""

    source: Source = field(default_factory=Starter)
    faults: Schedule = field(default_factory=Schedule)
    key: str | None = None
    model: str = "tiny"
    retry_after: str = "1"
    slow_seconds: float = 30.0
    seen: list[Seen] = field(default_factory=list)
    keeps_record: bool = True
    url: str = ""
    _before: list[Written] = field(default_factory=list)

    @property
    def served(self) -> list[Seen]:
        return [one for one in self.seen if one.served]

    def app(self) -> FastAPI:
        made = FastAPI()
        made.post("/v1/completions")(self._answer)
        made.post("/v1/chat/completions")(self._answer)
        made.post("/alone")(self._alone)

        @made.get("/v1/models")
        async def models() -> dict[str, Any]:
            return {"object": "list", "data": [{"id": self.model, "object": "model"}]}

        return made

    async def _answer(self, request: Request) -> Response:
        body = await request.json()
        seen = Seen(request.url.path, body, dict(request.headers), self.faults.next())
        if self.keeps_record:
            self.seen.append(seen)
        sent = request.headers.get("authorization", "")
        if seen.fault is Fault.REFUSED or (self.key and sent != f"Bearer {self.key}"):
            said = {"error": {"message": f"wrong API key: {sent}", "code": "invalid_api_key"}}
            return JSONResponse(said, 401)
        if seen.fault is Fault.RATE_LIMIT:
            said = {"error": {"message": "too many requests", "type": "rate_limit"}}
            return JSONResponse(said, 429, {"Retry-After": self.retry_after})
        if seen.fault is Fault.SERVER_ERROR:
            return JSONResponse({"error": {"message": "out of memory"}}, 500)
        if seen.fault is Fault.SLOW:
            await asyncio.sleep(self.slow_seconds)
        text = json.dumps(await self._reply(seen, body)).encode()
        if seen.fault is Fault.MALFORMED:
            return Response(text[: len(text) // 2], media_type="application/json")
        if seen.fault is Fault.CUT:
            headers = {"Content-Length": str(len(text))}
            return StreamingResponse(_cut(text), headers=headers, media_type="application/json")
        seen.served = seen.fault in (None, Fault.DUPLICATED, Fault.WRONG_N)
        return Response(text, media_type="application/json")

    async def _alone(self, request: Request) -> float:
        """Return how many completions a second the source writes with no HTTP around it."""
        body = await request.json()
        seeds = iter(range(body["number"]))

        async def ask() -> None:
            for seed in seeds:
                await self.source.complete(
                    Asked(
                        prompt=body["prompt"],
                        chat=False,
                        num_samples=1,
                        seed=seed,
                        temperature=0.8,
                        top_p=0.95,
                        max_tokens=body["max_tokens"],
                        stop=(),
                    )
                )

        began = time.perf_counter()
        await asyncio.gather(*(ask() for _ in range(body["in_flight"])))
        return float(body["number"] / (time.perf_counter() - began))

    async def _reply(self, seen: Seen, body: dict[str, Any]) -> dict[str, Any]:
        chat = seen.path.endswith("/chat/completions")
        stop = body.get("stop") or ()
        asked = Asked(
            prompt=body["messages"][-1]["content"] if chat else body["prompt"],
            chat=chat,
            num_samples=body.get("n", 1),
            seed=body.get("seed") or 0,
            temperature=body.get("temperature", 1.0),
            top_p=body.get("top_p", 1.0),
            max_tokens=body.get("max_tokens") or body.get("max_completion_tokens") or 16,
            stop=(stop,) if isinstance(stop, str) else tuple(stop),
        )
        written = await self.source.complete(asked)
        if seen.fault is Fault.DUPLICATED and self._before:
            written = [self._before[0]] * len(written)
        if seen.fault is Fault.WRONG_N:
            more = self.faults.made[Fault.WRONG_N] % 2
            written = [*written, written[0]] if more else written[:-1]
        self._before = written or self._before
        choices = [
            {
                "index": index,
                "finish_reason": one.finish_reason,
                **(
                    {"message": {"role": "assistant", "content": one.text}}
                    if chat
                    else {"text": one.text}
                ),
            }
            for index, one in enumerate(written)
        ]
        prompt_tokens = len(asked.prompt) // 4 + 1
        written_tokens = sum(one.num_tokens for one in written)
        return {
            "id": f"cmpl-{len(self.seen)}",
            "object": "chat.completion" if chat else "text_completion",
            "created": int(time.time()),
            "model": body["model"],
            "choices": choices,
            "usage": {
                "prompt_tokens": prompt_tokens,
                "completion_tokens": written_tokens,
                "total_tokens": prompt_tokens + written_tokens,
            },
        }


async def _cut(text: bytes) -> AsyncIterator[bytes]:
    yield text[: len(text) // 2]
    # Ending before the promised length makes the server close the connection.


@contextmanager
def serving(server: ModelServer) -> Iterator[ModelServer]:
    """Serve in a thread on a free port; `server.url` says where."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1024)
        config = uvicorn.Config(
            server.app(), log_config=None, lifespan="off", timeout_graceful_shutdown=1
        )
        running = uvicorn.Server(config)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        while not running.started:
            time.sleep(0.01)
        server.url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        yield server
        running.should_exit = True
        thread.join()
