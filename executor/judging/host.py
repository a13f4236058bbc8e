"""The candidate as the judge sees it: functions to call, in a process that can be replaced."""

import contextlib
from typing import Any

from executor.judging.limits import GRACE
from executor.judging.metering import Meter, Spending
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
_RELAYED = ("value", "opaque", "true", "calls", "method", "nodes", "changed", "spoilt", "raised")


def _sanitized(answer: Message) -> Message:
    """Keep what a candidate may say; how a request went is for us to say."""
    kept = {key: answer[key] for key in _RELAYED if key in answer}
    if "raised" in kept:
        kept["text"] = str(answer.get("text", ""))[:1000]
        kept["memory"] = answer.get("memory") is True
    return kept


class FunctionHost:
    """Runs a candidate as a server of calls, and starts it afresh after a crash or a limit."""

    def __init__(self, sandbox: Sandbox, source: str, limits: Limits, meter: Meter) -> None:
        self._sandbox = sandbox
        self._source = source
        self._limits = limits
        self._meter = meter
        self._stack = contextlib.ExitStack()
        self._jail: Jail | None = None
        self._broken: Ended | None = None
        self._compiled = False
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
        self._jail = self._stack.enter_context(
            self._sandbox.jail({"role": "functions", "source": self._source}, self._limits)
        )
        self.generation += 1
        try:
            self._load(self._jail)
        except Ended as ended:
            # Loading it once more would end in the same way.
            self._broken = ended
            self.stop()
            raise
        except CompileFailed:
            self.stop()
            raise

    def _load(self, jail: Jail) -> None:
        # What is loaded is no part of a test, and not what a reference program calibrates.
        budget = self._meter.budget(jail, self._limits.cpu_seconds, self._limits.idle_seconds)
        try:
            with self._meter.watching(jail):
                first = jail.receive(budget)
        except Ended as ended:
            if self._compiled:
                raise
            raise while_compiling(ended) from ended
        if "compile_error" in first:
            raise CompileFailed(str(first["compile_error"]))
        self._compiled = True
        with self._meter.watching(jail):
            second = jail.receive(budget)
        if second.get("loaded") is not True:
            memory = second.get("memory") is True
            raise Ended(
                Outcome.MEMORY_LIMIT_EXCEEDED if memory else Outcome.RUNTIME_ERROR,
                str(second.get("load_error", "the process sent no valid message")),
            )

    def ask(self, request: Message, spending: Spending) -> Message:
        """Send one request and return the answer; add what it took to `spending`.

        Raises:
            CompileFailed: the source does not compile.
            Ended: the candidate crashed or met a limit; it is started afresh for the next request.
        """
        self.start()
        jail = self._jail
        assert jail is not None
        answer = self._exchange(jail, request, spending)
        if answer.get("id") != request["id"]:
            self.stop()
            raise Ended(Outcome.RUNTIME_ERROR, "the process sent no valid message")
        return {**_sanitized(answer), "generation": self.generation}

    def require_in_time(self, spending: Spending) -> None:
        """Look at what a test has used that has its answers.

        Raises:
            Ended: they came within the grace: late, but the process is none the worse for it.
        """
        self._meter.require_in_time(spending.cpu, self._jail)

    def _exchange(self, jail: Jail, message: Message, spending: Spending) -> Message:
        budget = self._budget(jail, spending)
        before = Spending.of(jail)
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

    def _budget(self, jail: Jail, spending: Spending) -> Budget:
        allowed = self._meter.allowed
        if spending.cpu >= allowed.cpu * GRACE or spending.idle >= allowed.idle:
            spent = Ended(Outcome.TIME_LIMIT_EXCEEDED, "the test's time is used up")
            raise self._meter.met(spent, jail)
        cpu = allowed.cpu * GRACE - spending.cpu
        return self._meter.budget(jail, cpu, allowed.idle - spending.idle)

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
        self._stack.close()
