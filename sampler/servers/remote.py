"""The backend for one OpenAI-compatible server."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from uuid import UUID

from infra import errors
from infra.contracts.candidates import SamplePlan
from sampler.attempts import Attempt, Superseded
from sampler.backends import Completion, SamplesExhausted
from sampler.draws import Draw, Question
from sampler.servers.client import EndpointClient, Witness
from sampler.servers.endpoints import Endpoint
from sampler.servers.event_loop import EventLoopThread
from sampler.servers.protocol import ModelRequest, ask_problem
from sampler.servers.spending.ledger import Ledger


class Remote:
    """Samples from a model server; what comes is kept in the ledger, one request at a time."""

    def __init__(self, endpoint: Endpoint, ledger: Ledger, loop_thread: EventLoopThread) -> None:
        """Prepare to ask an endpoint.

        Raises:
            errors.ConfigurationError: its key is not in the environment.
        """
        self._endpoint = endpoint
        self._loop_thread = loop_thread
        self._client = EndpointClient(endpoint, ledger, loop_thread.threads)

    def close(self) -> None:
        """Close the connections."""
        self._loop_thread.run(self._client.close())

    def sample(
        self, question: Question, plan: SamplePlan, draws: Sequence[Draw]
    ) -> Sequence[Completion]:
        """Return one completion for each draw, in their order.

        Raises:
            SamplesExhausted: the server refuses, the budget does not reach, or the plan names a
                model that may not be chosen. What came before is kept.
            errors.Unavailable: the server is away. The same holds.
            Superseded: another attempt is made at the request. The same holds.
        """
        found = self.sample_as(self._model(plan), question, plan, draws)
        return [found[draw.position] for draw in draws]

    def sample_as(
        self,
        model: str,
        question: Question,
        plan: SamplePlan,
        draws: Sequence[Draw],
        witness: Witness | None = None,
    ) -> dict[int, Completion]:
        """Return one completion for each draw, by its position, of the model that is named.

        Raises:
            SamplesExhausted, errors.Unavailable, Superseded: as `sample`.
        """
        return self._loop_thread.run(self._sample(question, plan, draws, model, witness))

    def _model(self, plan: SamplePlan) -> str:
        endpoint = self._endpoint
        priced = bool(endpoint.input_price or endpoint.output_price)
        if plan.model in ("", endpoint.model) or not priced:
            return plan.model or endpoint.model
        raise SamplesExhausted(
            f"{endpoint.name} has prices for {endpoint.model!r} alone, not for {plan.model!r}"
        )

    async def _sample(
        self,
        question: Question,
        plan: SamplePlan,
        draws: Sequence[Draw],
        model: str,
        witness: Witness | None,
    ) -> dict[int, Completion]:
        messages, prompt = ask_problem(question, self._endpoint)

        def ask_for(bundle: Sequence[Draw]) -> ModelRequest:
            return ModelRequest(
                messages=messages,
                prompt=prompt,
                num_samples=len(bundle),
                temperature=bundle[0].temperature,
                top_p=plan.top_p,
                top_k=plan.top_k,
                min_p=plan.min_p,
                max_tokens=plan.max_tokens,
                stop=plan.stop,
                seed=bundle[0].seed,
            )

        # What is cut off is paid and lost, so nothing is sent whose answer may come too late.
        until = min(question.until, question.ends - self._endpoint.timeout_seconds)
        return await fetch(
            self._client,
            question.scope,
            draws,
            ask_for,
            model,
            until,
            question.attempt,
            witness,
        )


async def fetch(
    client: EndpointClient,
    scope: UUID,
    draws: Sequence[Draw],
    ask_for: Callable[[Sequence[Draw]], ModelRequest],
    model: str,
    until: float,
    attempt: Attempt | None = None,
    witness: Witness | None = None,
) -> dict[int, Completion]:
    """Ask an endpoint for all draws, so many requests at once as it allows; by position.

    Args:
        client: The connections to the endpoint.
        scope: What the completions are kept under.
        draws: What is missing of the scope.
        ask_for: Makes the request for some draws of one temperature.
        model: The model to name.
        until: Time of the loop after which nothing is sent any more.
        attempt: At the request for samples, if it is one.
        witness: Of the policy's version, if the endpoint serves one.

    Raises:
        SamplesExhausted, errors.Unavailable, Superseded: not all could be had; what came is kept.
    """
    waiting = deque(_bundles(draws, client.endpoint.samples_per_request))
    found: dict[int, Completion] = {}
    failures: list[errors.SuiteError] = []

    async def work() -> None:
        while waiting and not failures:
            bundle = waiting.popleft()
            positions = [draw.position for draw in bundle]
            try:
                ask = ask_for(bundle)
                kept = await client.call(scope, positions, ask, model, until, attempt, witness)
            except (SamplesExhausted, errors.Unavailable, Superseded) as error:
                # The others end what they have begun, for that is paid.
                failures.append(error)
                return
            found.update(kept)
            rest = bundle[len(kept) :]
            if rest:
                waiting.append(rest)

    # Not one coroutine for each draw: a large plan holds no more than is under way.
    workers = min(len(waiting), client.endpoint.concurrency)
    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(work())
    if failures:
        raise failures[0]
    return found


def _bundles(draws: Sequence[Draw], size: int) -> list[Sequence[Draw]]:
    """Put draws of one temperature together, so many to a request."""
    by_temperature: dict[float | None, list[Draw]] = {}
    for draw in draws:
        by_temperature.setdefault(draw.temperature, []).append(draw)
    return [
        same[start : start + size]
        for same in by_temperature.values()
        for start in range(0, len(same), size)
    ]
