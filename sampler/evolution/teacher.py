"""Asks teachers for texts that are no candidates: the same question is paid for once, for ever."""

import asyncio
import json
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID, uuid5

from infra import errors
from infra.observability import logs
from infra.prompting.wording import Message
from sampler.backends import Completion, SamplesExhausted
from sampler.draws import Draw, derive_seed
from sampler.servers.client import EndpointClient, EndpointRefused
from sampler.servers.endpoints import Endpoint, Form
from sampler.servers.event_loop import EventLoopThread
from sampler.servers.protocol import ModelRequest
from sampler.servers.remote import fetch
from sampler.servers.spending.accounts import BudgetExceeded
from sampler.servers.spending.bookkeeping import patiently
from sampler.servers.spending.ledger import Ledger
from sampler.servers.spending.totals import Spent

log = logs.get(__name__)

_NAMES = UUID("5d0ad4a1-51a5-4d7e-8c2f-0f1a4f5f7d11")
"""Name space of the scopes that questions are kept under."""
_PATIENCE_SECONDS = 3600.0
"""Longest that one question is tried; rates and rests count."""


class Prompt(NamedTuple):
    """A question."""

    messages: tuple[Message, ...]
    num_answers: int
    temperature: float
    max_tokens: int
    seed: int


class Teacher:
    """Some endpoints, asked in their order; answers lie in the ledger and are found there again."""

    def __init__(
        self, endpoints: Sequence[Endpoint], ledger: Ledger, loop_thread: EventLoopThread
    ) -> None:
        """Prepare to ask.

        Raises:
            errors.ConfigurationError: a key is not in the environment.
        """
        self._ledger = ledger
        self._loop_thread = loop_thread
        self._clients = [EndpointClient(one, ledger, loop_thread.threads) for one in endpoints]
        self._scopes: set[UUID] = set()

    def close(self) -> None:
        """Close the connections."""
        for client in self._clients:
            self._loop_thread.run(client.close())

    def spent(self) -> tuple[Spent, ...]:
        """Return what all questions so far have cost, whenever they were paid for."""
        return self._ledger.spent(self._scopes)

    def ask(self, prompts: Sequence[Prompt]) -> list[list[Completion] | None]:
        """Answer every prompt, in their order; None where every endpoint refuses it for good.

        Raises:
            BudgetExceeded, errors.Unavailable: there is no more to be had; what came is kept, and
                the same prompts asked again cost only what is missing.
            EndpointRefused: every single one was refused.
        """
        return self._loop_thread.run(self._ask(prompts))

    async def _ask(self, prompts: Sequence[Prompt]) -> list[list[Completion] | None]:
        answers: list[list[Completion] | None] = [None] * len(prompts)
        waiting = deque(enumerate(prompts))
        refusals: list[EndpointRefused] = []
        failures: list[errors.SuiteError] = []

        async def work() -> None:
            while waiting and not failures:
                number, prompt = waiting.popleft()
                try:
                    answers[number] = await self._answer(prompt)
                except EndpointRefused as error:
                    refusals.append(error)
                except (SamplesExhausted, errors.Unavailable) as error:
                    failures.append(error)

        workers = min(len(waiting), max(one.endpoint.concurrency for one in self._clients))
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(work())
        if failures:
            raise failures[0]
        if prompts and len(refusals) == len(prompts):
            raise refusals[0]
        return answers

    async def _answer(self, prompt: Prompt) -> list[Completion]:
        kept = [await self._kept(client.endpoint, prompt) for client in self._clients]
        wanted = range(prompt.num_answers)
        for found in kept:
            # One that failed when this was first asked is not paid for what another has answered.
            if all(number in found for number in wanted):
                return [found[number] for number in wanted]
        failure: SamplesExhausted | errors.Unavailable | None = None
        for client, found in zip(self._clients, kept, strict=True):
            try:
                return await self._answer_of(client, prompt, found)
            except (SamplesExhausted, errors.Unavailable) as error:
                log.info("teacher.missing", endpoint=client.endpoint.name, reason=error.detail)
                # A budget that is used up is what the user must hear of.
                if failure is None or not isinstance(failure, BudgetExceeded):
                    failure = error
        assert failure is not None, "there is at least one endpoint"
        raise failure

    async def _kept(self, endpoint: Endpoint, prompt: Prompt) -> dict[int, Completion]:
        scope = scope_of(endpoint, prompt)
        self._scopes.add(scope)
        until = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
        return await patiently(self._loop_thread.threads, until, lambda: self._ledger.kept(scope))

    async def _answer_of(
        self, client: EndpointClient, prompt: Prompt, found: dict[int, Completion]
    ) -> list[Completion]:
        """Ask one endpoint for what it has not answered yet; `found` is what it has."""
        endpoint = client.endpoint
        scope = scope_of(endpoint, prompt)
        draws = [
            Draw(number, derive_seed(prompt.seed, str(scope), number), prompt.temperature)
            for number in range(prompt.num_answers)
            if number not in found
        ]
        if draws:

            def ask_for(bundle: Sequence[Draw]) -> ModelRequest:
                return _ask_of(endpoint, prompt, bundle)

            until = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
            found |= await fetch(client, scope, draws, ask_for, endpoint.model, until)
        return [found[number] for number in range(prompt.num_answers)]


def scope_of(endpoint: Endpoint, prompt: Prompt) -> UUID:
    """Name a question to a model; how many answers are wanted does not count."""
    said = [[one.role, one.content] for one in prompt.messages]
    decoding = [prompt.temperature, prompt.max_tokens, prompt.seed]
    return uuid5(_NAMES, json.dumps([endpoint.name, endpoint.model, said, decoding]))


def _ask_of(endpoint: Endpoint, prompt: Prompt, bundle: Sequence[Draw]) -> ModelRequest:
    chat = endpoint.form is Form.CHAT
    return ModelRequest(
        messages=prompt.messages if chat else (),
        prompt="" if chat else "\n\n".join(one.content for one in prompt.messages) + "\n\n",
        num_samples=len(bundle),
        temperature=prompt.temperature,
        max_tokens=prompt.max_tokens,
        seed=bundle[0].seed,
    )
