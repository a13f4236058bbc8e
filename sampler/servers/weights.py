"""How the weights of a policy get to the server that samples from it: what the list of model
servers says of it."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from infra.contracts.base import Contract

_PLACE = re.compile(r"\{([a-z_]+)\}")
_PLACES = {"path", "policy", "version", "name"}


class By(StrEnum):
    """By what a server gets a version of the policy."""

    NAME = "name"
    """It loads what a request names as its model, such as a path."""
    VLLM_ADAPTER = "vllm_adapter"
    """Each version is a LoRA adapter, loaded by `/v1/load_lora_adapter`."""
    SGLANG_ADAPTER = "sglang_adapter"
    """The same, by `/load_lora_adapter`."""
    VLLM_TRANSFER = "vllm_transfer"
    """In place, by vLLM's weight transfer with the backend `disk`."""
    SGLANG_DISK = "sglang_disk"
    """In place, by `/update_weights_from_disk`."""
    RESTART = "restart"
    """A command restarts it with other weights, under another name."""


class Weights(Contract):
    """How one server gets the weights of a policy."""

    by: By
    name: Annotated[str, Field(min_length=1, max_length=200)] = "{path}"
    """`by = "name"`: what a request calls a version; `{path}`, `{policy}` and `{version}` are
    replaced."""
    command: tuple[str, ...] = ()
    """`by = "restart"`: program and arguments; `{path}`, `{policy}`, `{version}` are replaced, and
    `{name}` by what `/v1/models` must list afterwards. It ends once the server is on its way."""
    initial: str | None = None
    """Name or path of the weights before the first checkpoint, for a server that has newer ones;
    without it such a server must be restarted by hand."""
    folder: str | None = None
    """Where the server sees the folder of checkpoints, if elsewhere than the trainer."""
    adapters: int = Field(2, ge=1)
    """Newest adapters that stay loaded; older ones are unloaded."""
    load_seconds: float = Field(600.0, gt=0)
    """Longest that a server may take over one step of loading."""
    wait_seconds: float = Field(1800.0, ge=0)
    """How long a server that is away is waited for, from its last completion on."""

    @field_validator("name", "command", mode="after")
    @classmethod
    def _places_are_known(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for text in (value,) if isinstance(value, str) else value:
            if unknown := set(_PLACE.findall(text)) - _PLACES:
                raise ValueError(f"{text!r} has no place for {min(unknown)!r}")
        return value

    @model_validator(mode="after")
    def _has_what_its_way_needs(self) -> Self:
        if (self.by is By.RESTART) != bool(self.command):
            raise ValueError('`by = "restart"`, and nothing else, needs a `command`')
        if self.by is By.NAME and not re.search(r"\{(path|version)\}", self.name):
            raise ValueError("`name` must hold `{path}` or `{version}`: versions need names apart")
        if self.by is not By.NAME and self.name != "{path}":
            raise ValueError('`name` is for `by = "name"`')
        if "{name}" in self.name:
            raise ValueError("`name` cannot hold itself")
        return self


def filled(text: str, places: Mapping[str, object]) -> str:
    """Put values into their places; other braces stay as they are, as a command may need them."""
    return _PLACE.sub(lambda found: str(places[found[1]]), text)
