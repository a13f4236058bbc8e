"""Finds the suite: by arguments, by the environment, or in the data directory of `rrtf up`."""

from pathlib import Path

from infra.local.home import default_home, running_api
from infra.settings import ClientSettings, load
from services.client import AsyncClient, Client
from services.client.rrtf.suite import Suite


def connect(url: str | None = None, key: str | None = None) -> Suite:
    """Return the suite at an address, which gets `key` and no other suite's.

    Without an address it is the one that `RRTF_CLIENT_URL` and `RRTF_CLIENT_KEY` name, and else
    the one that `rrtf up` runs on this machine, in the data directory that `RRTF_HOME` names.

    Raises:
        errors.ConfigurationError: the address is none.
        errors.Unavailable: nothing answers there; raised by the first call.
    """
    return Suite(Client(*_found(url, key)))


def connect_async(url: str | None = None, key: str | None = None) -> AsyncClient:
    """Return an asynchronous client of the suite that `connect` would find."""
    return AsyncClient(*_found(url, key))


def address(home: Path | None = None) -> tuple[str, str | None]:
    """Return the address and the key of the suite that the environment names.

    A key from the data directory goes to the address beside it and nowhere else.
    """
    settings = load(ClientSettings)
    named = settings.key.get_secret_value() if settings.key else None
    running = running_api(home or default_home())
    if running is None or ("url" in settings.model_fields_set and settings.url != running[0]):
        return settings.url, named
    return running[0], named or running[1]


def _found(url: str | None, key: str | None) -> tuple[str, str | None]:
    known, its_key = address()
    if url is None or url == known:
        return known, key or its_key
    # A key is for the address that it was given with.
    return url, key
