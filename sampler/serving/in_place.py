"""Servers whose weights are replaced while they run; they keep a label of those they have."""

from abc import ABC, abstractmethod
from http import HTTPStatus
from typing import Any

from sampler.servers.endpoints import Endpoint
from sampler.servers.replies import Reply
from sampler.servers.weights import Weights
from sampler.serving.control import Control, NotLoaded, Said, ServerAway
from sampler.serving.versions import Version, prefix_of, seen_from_server
from sampler.serving.way import CannotBring, OtherWeights


class _InPlace(ABC):
    """What vLLM and SGLang have in common."""

    one_at_a_time = True

    def __init__(self, endpoint: Endpoint, weights: Weights, policy: str, control: Control) -> None:
        self._endpoint, self._weights, self._control = endpoint, weights, control
        self._prefix = prefix_of(policy)

    def name_of(self, version: Version, mark: str) -> str:
        """Return the model's name, which stays."""
        del version, mark
        return self._endpoint.model

    async def look(self, version: Version) -> str | None:
        """Return the label; a server that has none of ours has what it was started with."""
        label = await self._label()
        is_first = not version.number and not label.startswith(self._prefix)
        return label if is_first or version.is_label(label) else None

    async def vouch(self, version: Version, mark: str, reply: Reply) -> None:
        """Look at the label once more: it was right before the request, and never comes back.

        Raises:
            OtherWeights: others came meanwhile, or the server began anew.
        """
        del version, reply
        if await self._label() != mark:
            raise OtherWeights(f"{self._endpoint.name} has got other weights meanwhile")

    def _path(self, version: Version) -> str:
        if version.number:
            return seen_from_server(version, self._weights.folder)
        if self._weights.initial is None:
            raise CannotBring(
                f"{self._endpoint.name} has weights of a later version; start it anew, or name"
                " those it begins with as `initial`"
            )
        return self._weights.initial

    @abstractmethod
    async def _label(self) -> str:
        """Ask the server for the label of its weights."""

    def _label_in(self, said: Said) -> str:
        if not said.is_good or not isinstance(said.body, dict):
            raise ServerAway(f"{self._endpoint.name} says nothing of its weights: {said.reason}")
        return str(said.body.get("weight_version", ""))

    async def _told(self, path: str, body: dict[str, Any]) -> None:
        await self._control.told(path, body, self._weights.load_seconds)


class SglangDisk(_InPlace):
    """SGLang: one request loads the weights and sets the label, while others wait."""

    async def _label(self) -> str:
        said = await self._control.get("/model_info")
        if said.status == HTTPStatus.NOT_FOUND:
            said = await self._control.get("/get_model_info")  # Its name before 2026.
        return self._label_in(said)

    async def bring(self, version: Version) -> str:
        """Load a checkpoint; requests under way end with the weights they began with."""
        path, label = self._path(version), version.fresh_label()
        await self._told(
            "/update_weights_from_disk",
            {"model_path": path, "weight_version": label, "abort_all_requests": False},
        )
        return label


class VllmTransfer(_InPlace):
    """vLLM with `--weight-transfer-config '{"backend": "disk"}'` and `VLLM_SERVER_DEV_MODE=1`."""

    async def look(self, version: Version) -> str | None:
        """Return the label; a server that somebody left paused answers nothing."""
        said = await self._control.get("/is_paused")
        is_paused = said.is_good and isinstance(said.body, dict) and said.body.get("is_paused")
        return None if is_paused else await super().look(version)

    async def _label(self) -> str:
        said = await self._control.get("/weight_info")
        if said.status == HTTPStatus.NOT_FOUND:
            raise CannotBring(f"{self._endpoint.name} has no /weight_info: vLLM is too old for it")
        return self._label_in(said)

    async def bring(self, version: Version) -> str:
        """Load a checkpoint, between the end of the requests under way and the next."""
        path, label = self._path(version), version.fresh_label()
        await self._told("/pause?mode=wait", {})
        # A reload that breaks off leaves weights of both, which must pass for neither.
        await self._told("/update_weight_version", {"new_version": f"{self._prefix}loading"})
        await self._told("/init_weight_transfer_engine", {"init_info": {}})
        await self._begin()
        await self._told("/update_weights", {"update_info": {"path": path}})
        await self._told("/finish_weight_update", {"weight_version": label})
        await self._told("/resume", {})
        return label

    async def _begin(self) -> None:
        try:
            await self._told("/start_weight_update", {})
        except NotLoaded:
            # One that a killed sampler began may be open still: ending it without weights drops it.
            seconds = self._weights.load_seconds
            await self._control.post("/finish_weight_update", {}, seconds)
            await self._told("/start_weight_update", {})
