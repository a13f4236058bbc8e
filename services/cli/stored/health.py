"""Which part of a suite is down, as far as its API and its data directory tell."""

from collections.abc import Iterator
from pathlib import Path

from infra import errors
from infra.local.home import running_api
from infra.local.parts import parts_of, what_is_down
from services.client import Client

_ROOMS = ("executor", "ranker", "sampler")


def health_lines(client: Client, home: Path) -> list[str]:
    """Say what is down: since when, where the suite's data directory is here."""
    found = list(_of_servers(client))
    api = running_api(home)
    if api is not None and api[0].rstrip("/") == client.url:
        parts = parts_of(home) or ()
        found += what_is_down(parts)
    return found or ["all is up: the API, PostgreSQL, Redis, " + ", ".join(_ROOMS)]


def _of_servers(client: Client) -> Iterator[str]:
    for name, said in client.health().checks.items():
        if said != "ok":
            yield f"{name} is down: {said}"
            if name == "redis":
                return  # Nothing more can be seen.
    try:
        live = client.live()
    except errors.Unavailable as error:
        yield error.detail
        return
    at_work = {worker.room for worker in live.workers}
    for room in _ROOMS:
        if room not in at_work:
            waits = live.oldest_seconds.get(room, 0.0)
            since = f"; work waits for it for {waits:.0f} s" if waits else ""
            yield f"{room} is down: none is at work{since}"
