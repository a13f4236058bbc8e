"""Speaks to a model server about itself: what it serves, and that it shall load."""

import json
from http import HTTPStatus
from typing import Any, NamedTuple

import aiohttp

from infra import errors
from sampler.servers.endpoints import Endpoint
from sampler.servers.proxies import proxy_to

_LOOK_SECONDS = 10.0
"""For an answer that needs no work."""
_MOST_BYTES = 2**22
_NOBODY = (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)
_LONGEST_REASON = 300


class ServerAway(errors.Unavailable):
    """The model server does not answer, or not yet."""

    code = "server_away"


class NotLoaded(errors.Unavailable):
    """The model server did not load what it was told to."""

    code = "weights_not_loaded"


class Said(NamedTuple):
    """An answer."""

    status: int
    body: Any
    """JSON, or text if it is none."""

    @property
    def is_good(self) -> bool:
        """Whether the server did what it was told."""
        return self.status == HTTPStatus.OK

    @property
    def reason(self) -> str:
        """What it answered, in one line."""
        return f"status {self.status}: {' '.join(str(self.body).split())[:_LONGEST_REASON]}"


class Control:
    """The way to one server, apart from the requests for completions; for one event loop."""

    def __init__(self, endpoint: Endpoint) -> None:
        """Read the key, and open no connection yet.

        Raises:
            errors.ConfigurationError: the key is not in the environment.
        """
        secret = endpoint.secret()
        self._name, self._url = endpoint.name, endpoint.url
        self._root = endpoint.url.removesuffix("/v1")
        self._secret = secret.get_secret_value() if secret else None
        self._proxy, self._proxy_headers = proxy_to(endpoint.url)

    async def is_there(self) -> None:
        """Return if the server itself answers, with whatever: not a gateway in its place.

        Raises:
            ServerAway: it does not.
        """
        said = await self._call("GET", self._url + "/models", None, _LOOK_SECONDS)
        if said.status in _NOBODY:
            raise ServerAway(f"{self._name}: {said.reason}")

    async def models(self) -> tuple[str, ...]:
        """Return the names of the models that it lists.

        Raises:
            ServerAway: it does not answer.
        """
        said = await self._call("GET", self._url + "/models", None, _LOOK_SECONDS)
        if said.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise ServerAway(f"{self._name}: {said.reason}")
        rows = said.body.get("data") if isinstance(said.body, dict) else None
        return tuple(
            str(row["id"]) for row in rows or () if isinstance(row, dict) and row.get("id")
        )

    async def get(self, path: str) -> Said:
        """Ask for something below the server's root.

        Raises:
            ServerAway: it does not answer.
        """
        return await self._call("GET", self._root + path, None, _LOOK_SECONDS)

    async def post(self, path: str, body: dict[str, Any], seconds: float) -> Said:
        """Tell it to do something, at a path below the server's root.

        Raises:
            ServerAway: it does not answer, or not in so many seconds.
        """
        return await self._call("POST", self._root + path, body, seconds)

    async def told(self, path: str, body: dict[str, Any], seconds: float) -> None:
        """Tell it to do something that it must do.

        Raises:
            ServerAway: it does not answer.
            NotLoaded: it refuses.
        """
        said = await self.post(path, body, seconds)
        if not said.is_good:
            raise NotLoaded(f"{self._name} refused {path}: {said.reason}")

    async def _call(self, method: str, url: str, body: object, seconds: float) -> Said:
        headers = {"Accept-Encoding": "identity"}
        if self._secret:
            headers["Authorization"] = f"Bearer {self._secret}"
        try:
            # A connection of its own each time: calls are few, and one kept open may be of a
            # server that is gone.
            async with (
                aiohttp.ClientSession(trust_env=False, cookie_jar=aiohttp.DummyCookieJar()) as one,
                one.request(
                    method,
                    url,
                    json=body,
                    headers=headers,
                    timeout=aiohttp.ClientTimeout(total=seconds),
                    allow_redirects=False,
                    proxy=self._proxy,
                    proxy_headers=self._proxy_headers,
                ) as response,
            ):
                read = bytearray()
                async for part in response.content.iter_any():
                    read += part
                    if len(read) > _MOST_BYTES:
                        break
                return Said(response.status, self._parsed(read.decode("utf-8", "replace")))
        except (aiohttp.ClientError, OSError) as error:
            what = type(error).__name__
            raise ServerAway(f"{self._name} does not answer at {url}: {what}") from error

    def _parsed(self, text: str) -> object:
        # Some servers repeat a wrong key in what they say of it.
        said = text.replace(self._secret, "***") if self._secret else text
        try:
            return json.loads(said)
        except (ValueError, RecursionError):
            return said
