"""A server of a policy that has no model: each answer says by which weights it was written.

Its control routes take and answer what the documentation of vLLM and SGLang says.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Body, FastAPI
from fastapi.responses import JSONResponse

from sampler.servers.weights import By

BASE = "base"
Whole = Annotated[dict[str, Any], Body()]
Part = Annotated[dict[str, Any], Body(embed=True)]
"""A field of the request that is an object itself."""


def nothing() -> None:
    pass


@dataclass
class PolicyServer:
    """One server, by the way in which it gets weights."""

    by: By
    url: str = ""
    served_name: str = BASE
    """Of a server that is restarted for each version."""
    path: str = BASE
    """Of the weights that are loaded in place."""
    label: str = "default"
    adapters: dict[str, str] = field(default_factory=dict)
    is_paused: bool = False
    session: str | None = None
    """Of vLLM's weight transfer: `open`, `loaded`."""
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    refuses: bool = False
    before_it_writes: Callable[[], None] = nothing
    once_it_wrote: Callable[[], None] = nothing
    answers_as: str | None = None
    """Model that it says has answered, whatever was named."""
    answers: int = 0

    def begin_anew(self) -> None:
        """Forget everything, as a process that was killed and started again."""
        self.path, self.label, self.adapters, self.session = BASE, "default", {}, None
        self.is_paused, self.served_name = False, BASE

    def app(self) -> FastAPI:
        made = FastAPI()
        made.get("/v1/models")(self._models)
        made.post("/v1/completions")(self._complete)
        match self.by:
            case By.VLLM_ADAPTER | By.SGLANG_ADAPTER:
                before = "/v1" if self.by is By.VLLM_ADAPTER else ""
                made.post(f"{before}/load_lora_adapter")(self._load_adapter)
                made.post(f"{before}/unload_lora_adapter")(self._unload_adapter)
            case By.SGLANG_DISK:
                made.get("/model_info")(self._model_info)
                made.post("/update_weights_from_disk")(self._from_disk)
            case By.VLLM_TRANSFER:
                made.get("/weight_info")(lambda: {"weight_version": self.label})
                made.get("/is_paused")(lambda: {"is_paused": self.is_paused})
                made.post("/pause")(self._pause)
                made.post("/resume")(self._resume)
                made.post("/update_weight_version")(self._relabel)
                made.post("/init_weight_transfer_engine")(self._init)
                made.post("/start_weight_update")(self._start)
                made.post("/update_weights")(self._update)
                made.post("/finish_weight_update")(self._finish)
            case By.RESTART:
                made.post("/test/restart")(self._restart)
            case By.NAME:
                pass
        return made

    def _models(self) -> JSONResponse:
        if self.by is By.NAME:  # As `transformers serve` where nothing was ever downloaded.
            return JSONResponse({"detail": "Cache directory not found"}, 500)
        names = [self.served_name, *self.adapters]
        rows = [{"id": name, "object": "model"} for name in names]
        return JSONResponse({"object": "list", "data": rows})

    def _complete(self, body: Whole) -> JSONResponse:
        named = body["model"]
        self.before_it_writes()
        path = self._path_of(named)
        if path is None:
            said = {"message": f"The model `{named}` does not exist.", "type": "NotFoundError"}
            return JSONResponse({"error": said}, 404)
        self.once_it_wrote()
        self.answers += 1
        text = f"def add(a, b):\n    return a + b  # {path}\n"
        return JSONResponse(
            {
                "id": "cmpl-1",
                "object": "text_completion",
                "created": int(time.time()),
                "model": self.answers_as or named + "@main" * (self.by is By.NAME),
                "choices": [{"index": 0, "text": text, "finish_reason": "stop"}],
            }
        )

    def _path_of(self, named: str) -> str | None:
        match self.by:
            case By.NAME:
                return named
            case By.VLLM_ADAPTER:
                return BASE if named == BASE else self.adapters.get(named)
            case By.SGLANG_ADAPTER:
                base, _, adapter = named.partition(":")
                return None if base != BASE else self.adapters.get(adapter) if adapter else BASE
            case By.RESTART:
                return self.path  # As llama.cpp's, it does not look at the name.
            case _:
                return self.path if named == BASE else None

    def _heard(self, route: str, body: dict[str, Any]) -> JSONResponse | None:
        self.told.append((route, body))
        if not self.refuses:
            return None
        return JSONResponse({"success": False, "message": "no such folder"}, 400)

    def _load_adapter(self, body: Whole) -> JSONResponse:
        name, path = body["lora_name"], body["lora_path"]
        if refusal := self._heard("load", body):
            return refusal
        if name in self.adapters:
            said = f"The lora adapter '{name}' has already been loaded."
            return JSONResponse({"error": {"message": said, "code": 400}}, 400)
        self.adapters[name] = path
        return JSONResponse({"success": True, "loaded_adapters": self.adapters})

    def _unload_adapter(self, body: Whole) -> JSONResponse:
        self.told.append(("unload", body))
        known = self.adapters.pop(body["lora_name"], None)
        return JSONResponse({"success": known is not None}, 200 if known else 400)

    def _model_info(self) -> dict[str, Any]:
        return {"model_path": self.path, "is_generation": True, "weight_version": self.label}

    def _from_disk(self, body: Whole) -> JSONResponse:
        if refusal := self._heard("update", body):
            return refusal
        self.path, self.label = body["model_path"], body["weight_version"]
        return JSONResponse({"success": True, "message": "", "num_paused_requests": 0})

    def _pause(self, mode: str = "abort") -> dict[str, str]:
        self.told.append(("pause", {"mode": mode}))
        self.is_paused = True
        return {"status": "paused"}

    def _resume(self) -> dict[str, str]:
        self.told.append(("resume", {}))
        self.is_paused = False
        return {"status": "resumed"}

    def _relabel(self, new_version: Annotated[str, Body(embed=True)]) -> dict[str, Any]:
        self.label = new_version
        return {"success": True, "new_version": new_version}

    def _init(self, init_info: Part) -> dict[str, str]:
        self.told.append(("init", init_info))
        return {"message": "Weight transfer initialized"}

    def _start(self) -> JSONResponse:
        if self.session is not None:
            return JSONResponse({"detail": "A weight update is already active"}, 500)
        self.told.append(("start", {}))
        self.session = "open"
        return JSONResponse({"message": "Weight update started"})

    def _update(self, update_info: Part) -> JSONResponse:
        if self.session != "open" or not self.is_paused:
            return JSONResponse({"detail": "start_weight_update must be called before"}, 500)
        if refusal := self._heard("update", update_info):
            self.session = None
            return refusal
        self.path, self.session = update_info["path"], "loaded"
        return JSONResponse({"message": "Weights updated"})

    def _finish(
        self, weight_version: Annotated[str | None, Body(embed=True)] = None
    ) -> JSONResponse:
        before, self.session = self.session, None
        if before != "loaded":
            return JSONResponse({"detail": "No checkpoint was loaded"}, 500)
        self.label = weight_version or self.label
        return JSONResponse({"message": "Weight update finished"})

    def _restart(self, body: Whole) -> JSONResponse:
        if refusal := self._heard("restart", body):
            return refusal
        self.begin_anew()
        self.path, self.served_name = body["path"], body["name"]
        return JSONResponse({})
