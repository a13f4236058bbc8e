"""The candidate as the judge sees it: functions to call, in a process that can be replaced."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, Final

from executor.guest import channel
from executor.judging.limits.allowances import GRACE, NEAR
from executor.judging.limits.metering import Meter, Spending
from executor.sandbox.ended import Budget, Ended
from executor.sandbox.jail import Jail, Sandbox
from infra.contracts.base import Outcome
from infra.contracts.problems import Limits


class CompileFailed(Exception):
    """The candidate's source does not compile."""


def while_compiling(ended: Ended) -> Ended | CompileFailed:
    """Return what the end of a compiler means: a limit is one; a crash is by the source.

    Nothing of the candidate runs yet: what a compiler crashes of is what it cannot take.
    """
    if ended.outcome is Outcome.RUNTIME_ERROR:
        return CompileFailed(f"the compiler failed: {ended.detail}")
    return Ended(ended.outcome, f"{ended.detail} while compiling")


Message = dict[str, Any]
_AHEAD: Final = 2**16
"""Characters of requests that are sent ahead: a socket takes them, whether or not they are read."""
_OF_ALL: Final = (Outcome.MEMORY_LIMIT_EXCEEDED, Outcome.OUTPUT_LIMIT_EXCEEDED)
"""Limits that a test may meet by what those before it have left, as output nobody has read yet."""
_RELAYED = ("value", "opaque", "true", "calls", "method", "nodes", "changed", "spoilt", "raised")


def _sanitized(answer: Message) -> Message:
    """Keep what a candidate may say; how a request went is for us to say."""
    kept = {key: answer[key] for key in _RELAYED if key in answer}
    if "raised" in kept:
        kept["text"] = str(answer.get("text", ""))[:1000]
        kept["memory"] = answer.get("memory") is True
    return kept


class _Unclear(Exception):
    """Which of several tests has met a limit, or come near it, cannot be told."""


class FunctionHost:
    """Runs a candidate as a server of calls, and starts it afresh after a crash or a limit.

    Requests that are expected are sent ahead of their turn, many at a time, the first before it is
    loaded, so that it goes on while its answers are looked at. What a test has used is then known
    of those together that answer together. Where that leaves open which of them met a limit or came
    near it, or whether what was loaded did, each is sent by itself from there on.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        source: str,
        limits: Limits,
        meter: Meter,
        *,
        one_by_one: bool = False,
    ) -> None:
        """Prepare; with `one_by_one` no request is sent ahead, and each answer is timed."""
        self._sandbox = sandbox
        self._source = source
        self._limits = limits
        self._meter = meter
        self._stack = contextlib.ExitStack()
        self._jail: Jail | None = None
        self._broken: CompileFailed | Ended | None = None
        self._compiled = False
        self._one_by_one = one_by_one
        self._expected: Sequence[str] = ()
        self._next = self._sent = self._arrived = 0
        """Positions in what is expected: the next answer's, and the ends of what the present
        process was sent, and has answered."""
        self._loaded = self._mark = self._share = Spending()
        """What it had used when loaded, and when last sent or heard; what each answer took."""
        self.generation = 0
        """Number of processes started so far."""
        self.stdout = b""
        self.stderr = b""

    def __enter__(self) -> "FunctionHost":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the candidate's process and load its module, unless it runs.

        Raises:
            CompileFailed: the source does not compile.
            Ended: the module raised, crashed or met a limit while it was loaded; or no time is
                left for that.
        """
        if self._broken is not None:
            raise self._broken
        if self._jail is not None:
            return
        self._meter.require_left()
        try:
            try:
                self._begin()
            except _Unclear:
                self._meter.forgive(Spending.of(self._begun))
                self.stop()
                self._one_by_one = True
                self._begin()
        except (CompileFailed, Ended) as failure:
            # Loading it once more would end in the same way.
            self._broken = failure
            self.stop()
            raise

    def _begin(self) -> None:
        jail = self._jail = self._stack.enter_context(
            self._sandbox.jail({"role": "functions", "source": self._source}, self._limits)
        )
        self.generation += 1
        self._load(jail)
        self._mark = self._loaded = Spending.of(jail)

    @property
    def _begun(self) -> Jail:
        """The process that runs."""
        assert self._jail is not None
        return self._jail

    def _load(self, jail: Jail) -> None:
        expected = self._expected[self._next :][:1]
        if expected and len(expected[0]) <= _AHEAD and not self._one_by_one:
            jail.send_early(self._ahead())
        # What is loaded is no part of a test, and has a limit of its own.
        load = self._meter.allowed.load
        budget = self._meter.budget(jail, load, self._limits.idle_seconds)
        try:
            first = self._receive_of_load(jail, budget)
        except Ended as ended:
            if self._compiled:
                raise
            raise while_compiling(ended) from ended
        if "compile_error" in first:
            raise CompileFailed(str(first["compile_error"]))
        self._compiled = True
        second = self._receive_of_load(jail, budget)
        if second.get("loaded") is not True:
            memory = second.get("memory") is True
            raise Ended(
                Outcome.MEMORY_LIMIT_EXCEEDED if memory else Outcome.RUNTIME_ERROR,
                str(second.get("load_error", "the process sent no valid message")),
            )

    def _receive_of_load(self, jail: Jail, budget: Budget) -> Message:
        """Receive what the process says of its own.

        Raises:
            _Unclear: it has said so before it ended, and may have been at work on a test.
        """
        with self._meter.watching(jail):
            try:
                message: Message = jail.receive(budget)
            except Ended as ended:
                if self._sent > self._next and jail.has_more():
                    raise _Unclear from ended
                raise
        return message

    @contextlib.contextmanager
    def _watching(self, jail: Jail) -> Iterator[None]:
        """Say as `Meter.watching` what it means if the jail ends here.

        Raises:
            _Unclear: it may have been at work on another test than the next.
        """
        with self._meter.watching(jail):
            try:
                yield
            except Ended as ended:
                is_of_all = ended.outcome in _OF_ALL and not self._one_by_one
                if is_of_all or (self._is_ahead and jail.has_more()):
                    raise _Unclear from ended
                raise

    @property
    def _is_ahead(self) -> bool:
        """Whether the process may be at work on another test than the next."""
        return self._sent > self._next + 1

    def ask(self, request: Message, spending: Spending) -> Message:
        """Send one request and return the answer; add what it took to `spending`.

        Raises:
            CompileFailed: the source does not compile.
            Ended: the candidate crashed or met a limit; it is started afresh for the next request.
        """
        self.start()
        answer = self._exchange(self._begun, [request], spending)
        return self._checked(answer, request["id"])

    def expect(self, requests: Sequence[str]) -> None:
        """Prepare for requests that `ask_next` is about to ask, each as JSON with its position.

        Until all are asked, nothing else may be. They may have been expected before it is loaded.
        """
        if requests is self._expected:
            return
        self._expected = requests
        self._next = self._sent = self._arrived = 0

    def ask_next(self, spending: Spending) -> Message:
        """Return the answer to the next request that is expected; the errors are those of `ask`."""
        try:
            self.start()
            try:
                answer = self._take(spending)
            except _Unclear:
                self._begin_again()
                answer = self._take(spending)
            return self._checked(answer, self._next)
        finally:
            self._next += 1

    def _begin_again(self) -> None:
        """Go back to the last answer, from where each request is sent by itself."""
        self._meter.forgive(self._loaded)
        self._meter.forgive(Spending.of(self._begun).since(self._mark))
        self.stop()
        self._one_by_one = True
        self.start()

    def _take(self, spending: Spending) -> Message:
        jail = self._begun
        try:
            if self._arrived <= self._next:
                self._arrive(jail)
            spending.add(self._share)
            with self._meter.watching(jail):
                answer: Message = jail.take()
        except Ended:
            if self._arrived <= self._next:
                spending.add_since(self._mark, jail)
            self.stop()
            raise
        return answer

    def _arrive(self, jail: Jail) -> None:
        """Wait for answers; find out what each took."""
        allowed = self._meter.allowed
        now = Spending.of(jail)
        if self._is_ahead and not self._meter.has_left(now):
            raise _Unclear
        budget = self._budget(jail, Spending(), now)
        with self._watching(jail):
            if self._sent <= self._next:
                self._mark = now
                jail.send_packed(self._ahead(), budget)
            count = jail.arrive(budget, self._sent - self._next)
        now = Spending.of(jail)
        used = now.since(self._mark)
        if self._is_ahead and (used.cpu >= NEAR * allowed.cpu or used.idle > allowed.idle):
            raise _Unclear
        self._mark = now
        self._share = Spending(used.cpu / count, used.idle / count, used.wall / count)
        self._arrived = self._next + count

    def _ahead(self) -> bytes:
        """Return the next request to send, and those after it as far as a socket takes them."""
        chosen: list[str] = []
        characters = 0
        for at in range(self._next, len(self._expected)):
            characters += len(self._expected[at])
            if chosen and (self._one_by_one or characters > _AHEAD):
                break
            chosen.append(self._expected[at])
        self._sent = self._next + len(chosen)
        return channel.framed(f"[{','.join(chosen)}]")

    def _checked(self, answer: Message, number: int) -> Message:
        if answer.get("id") != number:
            self.stop()
            raise Ended(Outcome.RUNTIME_ERROR, "the process sent no valid message")
        return {**_sanitized(answer), "generation": self.generation}

    def require_in_time(self, spending: Spending) -> None:
        """Look at what a test has used that has its answers.

        Raises:
            Ended: they came within the grace: late, but the process is none the worse for it.
        """
        self._meter.require_in_time(spending.cpu, self._jail)

    def _exchange(self, jail: Jail, message: list[Message], spending: Spending) -> Message:
        before = Spending.of(jail)
        budget = self._budget(jail, spending, before)
        try:
            with self._meter.watching(jail):
                jail.send(message, budget)
                answer: Message = jail.receive(budget)
        except Ended:
            spending.add_since(before, jail)
            self.stop()
            raise
        spending.add_since(before, jail)
        return answer

    def _budget(self, jail: Jail, spending: Spending, now: Spending) -> Budget:
        allowed = self._meter.allowed
        if spending.cpu >= allowed.cpu * GRACE or spending.idle >= allowed.idle:
            spent = Ended(Outcome.TIME_LIMIT_EXCEEDED, "the test's time is used up")
            raise self._meter.met(spent, jail)
        cpu = allowed.cpu * GRACE - spending.cpu
        return self._meter.budget(jail, cpu, allowed.idle - spending.idle, now)

    def forget_output(self) -> None:
        """Begin to count output anew; done between tests."""
        if self._jail is not None:
            self._jail.forget_output()

    def stop(self) -> None:
        """End the candidate's process, if one runs."""
        if self._jail is not None:
            self._meter.add(self._jail)
            self.stdout = self.stdout or self._jail.output("stdout")
            self.stderr = self.stderr or self._jail.output("stderr")
            self._jail = None
        self._sent = self._arrived = self._next
        self._stack.close()
