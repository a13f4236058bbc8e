"""Servers that hold the base model, and versions of the policy as LoRA adapters beside it."""

from pathlib import PurePosixPath

from infra.observability import logs
from sampler.servers.endpoints import Endpoint
from sampler.servers.replies import Reply
from sampler.servers.weights import Weights
from sampler.serving.control import Control, NotLoaded
from sampler.serving.versions import Version, prefix_of, seen_from_server

log = logs.get(__name__)

_ADAPTER = "adapter"
"""Folder of a checkpoint that holds the adapters."""


class _Adapters:
    """What vLLM and SGLang have in common."""

    one_at_a_time = False
    _load = "/load_lora_adapter"
    _unload = "/unload_lora_adapter"

    def __init__(self, endpoint: Endpoint, weights: Weights, control: Control) -> None:
        self._endpoint, self._weights, self._control = endpoint, weights, control

    async def look(self, version: Version) -> str | None:
        """Return the adapter's name, if the server lists it; the first version is the base."""
        listed = await self._control.models()
        return version.label if not version.number or version.label in listed else None

    def name_of(self, version: Version, mark: str) -> str:
        """Return the adapter's name, or the base model's."""
        return mark if version.number else self._endpoint.model

    async def bring(self, version: Version) -> str:
        """Load the adapter, and unload what is older than the newest few."""
        path = PurePosixPath(seen_from_server(version, self._weights.folder), _ADAPTER)
        said = await self._control.post(
            self._load,
            {"lora_name": version.label, "lora_path": str(path)},
            self._weights.load_seconds,
        )
        # Whoever did it before us may not have lived to see the answer.
        if not said.is_good and "already" not in str(said.body):
            raise NotLoaded(f"{self._endpoint.name} refused the adapter {path}: {said.reason}")
        await self._unload_old(version)
        return version.label

    async def _unload_old(self, version: Version) -> None:
        prefix = prefix_of(version.policy)
        ours = {name for name in await self._control.models() if name.startswith(prefix)}
        by_age = sorted(ours - {version.label}, key=_number)
        for name in by_age[: len(by_age) - self._weights.adapters + 1]:
            said = await self._control.post(
                self._unload, {"lora_name": name}, self._weights.load_seconds
            )
            log.info("adapter.unloaded", name=name, is_gone=said.is_good)

    async def vouch(self, version: Version, mark: str, reply: Reply) -> None:
        """Return: a server refuses the name of an adapter that it does not have."""


class VllmAdapters(_Adapters):
    """vLLM with `VLLM_ALLOW_RUNTIME_LORA_UPDATING`."""

    _load = "/v1/load_lora_adapter"
    _unload = "/v1/unload_lora_adapter"


class SglangAdapters(_Adapters):
    """SGLang with `--enable-lora`."""

    def name_of(self, version: Version, mark: str) -> str:
        """Return the base model's name with the adapter's behind it."""
        base = self._endpoint.model
        return f"{base}:{mark}" if version.number else base


def _number(label: str) -> int:
    return int(label.rpartition("@")[2])
