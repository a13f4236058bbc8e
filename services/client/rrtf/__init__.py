"""The client of an RRTF suite: `rrtf.connect()` finds the suite, and labels programs there.

    import rrtf

    suite = rrtf.connect()
    labels = suite.label_file("samples.jsonl")
    labels.to_pandas()

`rrtf.reward` and `rrtf.adapters` are for trainers of others; `rrtf.contracts` has what the REST API
takes and gives.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from infra import errors
    from services.client import AsyncClient, Client
    from services.client.rrtf import contracts
    from services.client.rrtf.connecting import connect, connect_async
    from services.client.rrtf.labels import Labelled, Labels
    from services.client.rrtf.suite import Suite

__all__ = [
    "AsyncClient",
    "Client",
    "Labelled",
    "Labels",
    "Suite",
    "connect",
    "connect_async",
    "contracts",
    "errors",
]

_PLACES = {
    "AsyncClient": "services.client",
    "Client": "services.client",
    "Labelled": "services.client.rrtf.labels",
    "Labels": "services.client.rrtf.labels",
    "Suite": "services.client.rrtf.suite",
    "connect": "services.client.rrtf.connecting",
    "connect_async": "services.client.rrtf.connecting",
}
_MODULES = {"contracts": "services.client.rrtf.contracts", "errors": "infra.errors"}


def __getattr__(name: str) -> Any:
    # Imported when it is used first: contracts alone take a tenth of a second.
    if name in _MODULES:
        return import_module(_MODULES[name])
    if name in _PLACES:
        return getattr(import_module(_PLACES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
