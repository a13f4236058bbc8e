"""Asks one endpoint: so many requests at once, again after a failure, each in the ledger."""

import asyncio
import random
import time
from collections.abc import Sequence
from concurrent.futures import Executor
from http import HTTPStatus
from typing import Protocol
from uuid import UUID

import aiohttp

from infra import errors
from infra.observability import logs
from sampler.attempts import Attempt
from sampler.backends import Completion, SamplesExhausted
from sampler.servers.endpoints import Endpoint
from sampler.servers.protocol import (
    ModelRequest,
    body_of,
    headers_of,
    path_of,
    prompt_tokens_at_most,
)
from sampler.servers.proxies import proxy_to
from sampler.servers.refusals import CallFailed, Fault, refusal
from sampler.servers.replies import Reply, read_reply
from sampler.servers.retrying import wait_seconds
from sampler.servers.spending.bookkeeping import Bookkeeper
from sampler.servers.spending.ledger import Begun, Entry, Ledger, completed, failed

log = logs.get(__name__)

_CONNECT_SECONDS = 10.0
_MOST_BYTES = 64 * 2**20
"""Longest body of an answer that is read."""
_ERROR_BYTES = 16 * 2**10
_BYTES_PER_TOKEN = 4


class EndpointRefused(SamplesExhausted):
    """The endpoint refuses the request, and would refuse it again."""

    code = "endpoint_refused"


class Witness(Protocol):
    """Knows which version of the policy writes what an endpoint answers."""

    @property
    def policy_version(self) -> int:
        """The version."""

    async def vouch(self, reply: Reply) -> None:
        """Return if a reply was surely written by that version.

        Raises:
            SamplesExhausted, errors.Unavailable: it was not, or may not have been.
        """


class EndpointClient:
    """The connections to one endpoint; belongs to one event loop."""

    def __init__(self, endpoint: Endpoint, ledger: Ledger, threads: Executor) -> None:
        """Read the key, and open no connection yet.

        Raises:
            errors.ConfigurationError: the key is not in the environment.
        """
        secret = endpoint.secret()
        self.endpoint = endpoint
        self._books = Bookkeeper(endpoint, ledger, threads)
        self._secrets = (secret.get_secret_value(),) if secret else ()
        self._slots = asyncio.Semaphore(endpoint.concurrency)
        self._rests_until = 0.0
        self._headers = headers_of(endpoint, secret)
        self._proxy, self._proxy_headers = proxy_to(endpoint.url)
        self._connections: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._connections is not None:
            await self._connections.close()

    def _session(self) -> aiohttp.ClientSession:
        """Return the connections; they are made in the loop that uses them."""
        if self._connections is None:
            self._connections = aiohttp.ClientSession(
                headers=self._headers,
                connector=aiohttp.TCPConnector(limit=self.endpoint.concurrency),
                # The whole request has one limit of its own, kept in `_send`.
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                # Left to itself it reads `.netrc` too, whose password would go in the key's place.
                trust_env=False,
            )
        return self._connections

    async def call(
        self,
        scope: UUID,
        positions: Sequence[int],
        ask: ModelRequest,
        model: str,
        until: float,
        attempt: Attempt | None = None,
        witness: Witness | None = None,
    ) -> list[tuple[int, Completion]]:
        """Return at least one completion with its position; they are kept before this returns.

        Args:
            scope: What the completions are for.
            positions: Which of its completions are asked for, as many as `ask` says.
            ask: What to say.
            model: The model to name.
            until: Time of the loop after which nothing is sent any more.
            attempt: At the request for samples, if it is one.
            witness: Of the policy's version, if the endpoint serves one.

        Raises:
            EndpointRefused, BudgetExceeded: asking again would not help.
            Superseded: another attempt is made at the request.
            errors.Unavailable: every try failed, there is no time for another, Postgres stayed
                away, or the witness does not vouch.
        """
        entry = _entry(scope, positions, ask, model, attempt)
        for failures in range(1, self.endpoint.tries + 1):
            try:
                async with self._slots:
                    return await self._once(entry, ask, until, witness)
            except CallFailed as error:
                log.info(
                    "call.failed",
                    endpoint=self.endpoint.name,
                    scope=str(entry.scope),
                    position=entry.positions[0],
                    failures=failures,
                    reason=error.detail,
                )
                if error.fault is Fault.NEVER:
                    raise EndpointRefused(f"{self.endpoint.name}: {error.detail}") from error
                if failures == self.endpoint.tries:
                    raise self._away(f"{failures} tries, at last {error.detail}") from error
                chance = random.random()  # noqa: S311 - it spreads load, and guards nothing
                wait = wait_seconds(failures, error.retry_after, chance)
                now = asyncio.get_running_loop().time()
                if error.retry_after is not None:
                    # What it says of one request holds for all that share the key.
                    self._rests_until = max(self._rests_until, now + error.retry_after)
                if now + wait >= until:
                    raise self._away(f"no time for another try: {error.detail}") from error
                await asyncio.sleep(wait)
        raise AssertionError("the last failure raises")

    def _away(self, why: str) -> errors.Unavailable:
        return errors.Unavailable(f"{self.endpoint.name}: {why}")

    async def _once(
        self, entry: Entry, ask: ModelRequest, until: float, witness: Witness | None
    ) -> list[tuple[int, Completion]]:
        await self._sleep_before(self._rests_until - asyncio.get_running_loop().time(), until)
        begun = await self._books.begin(entry, until)
        try:
            await self._sleep_before(begun.wait_seconds, until)
        except errors.Unavailable as error:
            await self._books.end(failed(begun, error.detail, billed=False), until)
            raise
        try:
            reply = await self._send(ask, entry.model, begun)
        except CallFailed as error:
            await self._books.end(failed(begun, error.detail, billed=error.billed), until)
            raise
        try:
            if witness is not None:
                await witness.vouch(reply)
        except (SamplesExhausted, errors.Unavailable) as error:
            await self._books.end(failed(begun, error.detail, billed=True), until)
            raise
        version = None if witness is None else witness.policy_version
        kept = _completions(entry.positions, reply, ask.seed, version)
        await self._books.end(completed(self.endpoint, begun, reply, kept), until)
        return kept

    async def _sleep_before(self, seconds: float, until: float) -> None:
        now = asyncio.get_running_loop().time()
        if seconds > 0 and now + seconds >= until:
            raise self._away(f"its rate allows the next request in {seconds:.1f} s")
        if now >= until:
            # The ledger waited for Postgres, and another worker may have this task by now.
            raise self._away("no time is left for a request")
        await asyncio.sleep(max(0.0, seconds))

    async def _send(self, ask: ModelRequest, model: str, begun: Begun) -> Reply:
        endpoint = self.endpoint.model_copy(update={"model": model})
        try:
            async with (
                asyncio.timeout(endpoint.timeout_seconds),
                self._session().post(
                    path_of(endpoint),
                    data=body_of(endpoint, ask),
                    headers={"Idempotency-Key": str(begun.call_id)},
                    allow_redirects=False,
                    proxy=self._proxy,
                    proxy_headers=self._proxy_headers,
                ) as response,
            ):
                good = response.status == HTTPStatus.OK
                body = await _read(response, _MOST_BYTES if good else _ERROR_BYTES, good)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            raise CallFailed(f"no connection: {error}", Fault.AGAIN, billed=False) from error
        except TimeoutError as error:
            waited = f"no answer in {endpoint.timeout_seconds:g} s"
            raise CallFailed(waited, Fault.AGAIN, billed=True) from error
        except (aiohttp.ClientError, OSError) as error:
            what = f"connection lost: {type(error).__name__}"
            raise CallFailed(what, Fault.AGAIN, billed=True) from error
        if not good:
            raise refusal(response.status, response.headers, body, self._secrets, time.time())
        return read_reply(endpoint, ask.num_samples, body)


async def _read(response: aiohttp.ClientResponse, most: int, whole: bool) -> bytes:
    """Read a body; one that is too long is cut, or refused if all of it is needed."""
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > most:
            if whole:
                raise CallFailed(f"an answer of more than {most} bytes", Fault.AGAIN, billed=True)
            break
    return b"".join(parts)[:most]


def _entry(
    scope: UUID, positions: Sequence[int], ask: ModelRequest, model: str, attempt: Attempt | None
) -> Entry:
    prompt = prompt_tokens_at_most(ask)
    written = ask.max_tokens * ask.num_samples
    return Entry(
        scope=scope,
        positions=tuple(positions),
        model=model,
        prompt_tokens=prompt,
        completion_tokens=written,
        expected_tokens=prompt // _BYTES_PER_TOKEN + written,
        attempt=attempt,
    )


def _completions(
    positions: Sequence[int], reply: Reply, seed: int, policy_version: int | None
) -> list[tuple[int, Completion]]:
    return [
        (
            position,
            Completion(
                text=answer.text,
                model=reply.model,
                finish_reason=answer.finish_reason,
                seed=seed,
                sampled=answer.sampled,
                policy_version=policy_version,
            ),
        )
        # Fewer may have come than were asked for; the rest is asked for again.
        for position, answer in zip(positions, reply.answers, strict=False)
    ]
