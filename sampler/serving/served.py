"""The backend for a server that serves a policy of this suite, and is brought to its checkpoints.

Which version a request is answered by is settled when it is sent, and looked at again when the
answer is there. A server that is away is waited for: a policy has no other to fall back on.
"""

import time
from collections.abc import Coroutine, Iterator, Sequence
from concurrent.futures import wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sqlalchemy import func, select

from infra import errors
from infra.contracts.candidates import SamplePlan
from infra.db.locks import Lock
from infra.db.unit_of_work import Database
from infra.observability import logs
from sampler.backends import Completion, SamplesExhausted
from sampler.draws import Draw, Question
from sampler.servers.endpoints import Endpoint
from sampler.servers.event_loop import EventLoopThread
from sampler.servers.remote import Remote
from sampler.servers.replies import Reply
from sampler.servers.spending.ledger import Ledger
from sampler.serving.control import ServerAway
from sampler.serving.versions import Version, find_version, named_by
from sampler.serving.way import Way
from sampler.serving.ways import way_of

log = logs.get(__name__)

_LOOK_SECONDS = 0.5
"""How often it is seen to that a request under way is not taken for lost."""
_PAUSE_SECONDS = 1.0
"""Between two looks at a server that is away, or that another worker brings something to."""

T = TypeVar("T")


def backend_of(
    endpoint: Endpoint, ledger: Ledger, loop_thread: EventLoopThread, database: Database
) -> "Served | Remote":
    """Prepare to ask an endpoint, whether it serves a policy or not.

    Raises:
        errors.ConfigurationError: its key is not in the environment.
    """
    if endpoint.policy:
        return Served(endpoint, ledger, loop_thread, database)
    return Remote(endpoint, ledger, loop_thread)


@dataclass(frozen=True)
class _Witness:
    """Vouches for completions of one version."""

    way: Way
    version: Version
    mark: str
    """By which the server was seen to have the version before it was asked."""

    @property
    def policy_version(self) -> int:
        """What candidates record."""
        return self.version.number

    async def vouch(self, reply: Reply) -> None:
        """Return if the version wrote the reply, else raise as the server's way does."""
        await self.way.vouch(self.version, self.mark, reply)

    @property
    def name(self) -> str:
        """What a request calls the version."""
        return self.way.name_of(self.version, self.mark)


class Served:
    """Samples a policy from its server; several threads and workers may share the server."""

    def __init__(
        self, endpoint: Endpoint, ledger: Ledger, loop_thread: EventLoopThread, database: Database
    ) -> None:
        """Prepare to ask an endpoint that has a `policy`.

        Raises:
            errors.ConfigurationError: its key is not in the environment.
        """
        assert endpoint.policy is not None
        assert endpoint.weights is not None
        self._endpoint, self._policy, self._weights = endpoint, endpoint.policy, endpoint.weights
        self._ledger, self._loop_thread, self._database = ledger, loop_thread, database
        self._remote = Remote(endpoint, ledger, loop_thread)
        self._way = way_of(endpoint, endpoint.weights, endpoint.policy)

    def close(self) -> None:
        """Close the connections."""
        self._remote.close()

    def sample(
        self, question: Question, plan: SamplePlan, draws: Sequence[Draw]
    ) -> Sequence[Completion]:
        """Return one completion for each draw, in their order, each with its policy version.

        The version is the newest there is, or the one that the plan names. A server that holds one
        at a time answers for the newest in any case, and never goes back.

        Raises:
            SamplesExhausted: the server refuses, or cannot be brought to the version. What came
                before is kept.
            errors.Unavailable: the server stays away, or does not load. The same holds.
            Superseded: another attempt is made at the request. The same holds.
        """
        named = named_by(plan, self._policy, self._endpoint.model)
        found: dict[int, Completion] = {}
        until = self._patience()
        while missing := [draw for draw in draws if draw.position not in found]:
            seen = self._ready(question, named, until)
            try:
                found |= self._remote.sample_as(seen.name, _renewed(question), plan, missing, seen)
            except (SamplesExhausted, errors.Unavailable) as error:
                before = len(found)
                found |= self._ledger.kept(question.scope)
                until = self._patience() if len(found) > before else until
                if self._still_has(seen, question) or time.monotonic() > until:
                    raise
                log.warning("policy.lost", endpoint=self._endpoint.name, reason=error.detail)
        return [found[draw.position] for draw in draws]

    def _patience(self) -> float:
        return time.monotonic() + self._weights.wait_seconds

    def _ready(self, question: Question, named: int | None, until: float) -> _Witness:
        """Wait for the server, and bring it to the version if it has another."""
        while True:
            try:
                seen = self._look(question, named)
                if isinstance(seen, _Witness):
                    return seen
                with self._turn() as is_ours:
                    if is_ours:
                        return self._brought(question, named)
            except ServerAway as away:
                if time.monotonic() > until:
                    raise
                log.info("policy.away", endpoint=self._endpoint.name, reason=away.detail)
            self._stay(question)
            time.sleep(_PAUSE_SECONDS)

    def _wanted(self, named: int | None) -> Version:
        newest = find_version(self._database, self._policy, None)
        if named is None or newest.number == named:
            return newest
        if self._way.one_at_a_time and newest.number > named:
            return newest
        return find_version(self._database, self._policy, named)

    def _look(self, question: Question, named: int | None) -> _Witness | Version:
        """Return what tells that the server has the version that is wanted, or the version."""
        version = self._wanted(named)
        mark = self._await(self._way.look(version), question)
        return version if mark is None else _Witness(self._way, version, mark)

    def _brought(self, question: Question, named: int | None) -> _Witness:
        # Whoever had the turn before may have brought it, and a newer one may be there by now.
        version = self._look(question, named)
        if isinstance(version, _Witness):
            return version
        began = time.monotonic()
        mark = self._await(self._way.bring(version), question)
        log.info(
            "policy.brought",
            endpoint=self._endpoint.name,
            policy=version.policy,
            version=version.number,
            seconds=time.monotonic() - began,
        )
        return _Witness(self._way, version, mark)

    def _still_has(self, seen: _Witness, question: Question) -> bool:
        """Tell whether a failure was none of the weights: then asking at once would not help."""
        try:
            return self._await(self._way.look(seen.version), question) == seen.mark
        except ServerAway:
            return False

    @contextmanager
    def _turn(self) -> Iterator[bool]:
        """Tell whether it is ours to bring weights, and keep all others from it meanwhile."""
        key = (Lock.BRINGING_WEIGHTS, func.hashtext(self._endpoint.name))
        # Not in a transaction, which must not idle for as long as this may take.
        engine = self._database.engine.execution_options(isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            is_ours = bool(connection.scalar(select(func.pg_try_advisory_lock(*key))))
            try:
                yield is_ours
            finally:
                if is_ours:
                    connection.execute(select(func.pg_advisory_unlock(*key)))

    def _await(self, work: Coroutine[Any, Any, T], question: Question) -> T:
        """Wait for work in the loop, and stay in possession of the request meanwhile."""
        future = self._loop_thread.start(work)
        while not wait([future], timeout=_LOOK_SECONDS).done:
            self._stay(question)
        return future.result()

    @staticmethod
    def _stay(question: Question) -> None:
        if question.attempt is not None:
            question.attempt.stay()


def _renewed(question: Question) -> Question:
    """Return the question with the time that its attempt has by now."""
    if question.attempt is None:
        return question
    return replace(question, until=question.attempt.until, ends=question.attempt.ends)
