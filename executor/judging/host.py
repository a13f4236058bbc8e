"""The candidate as the judge sees it: functions to call, in a process that can be replaced."""

import contextlib
from typing import Any

from executor.judging.limits import GRACE
from executor.sandbox.ended import Budget, Ended
from executor.sandbox.jail import Jail, Sandbox
from infra.contracts.base import Outcome
from infra.contracts.execution import Usage
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


class Meter:
    """What all the processes of one candidate have used, and what is left of its total budget."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._cpu = 0.0
        self._wall = 0.0
        self._memory = 0

    def add(self, jail: Jail) -> None:
        """Count a jail that is about to go."""
        self._cpu += jail.cpu_seconds()
        self._wall += jail.wall_seconds()
        self._memory = max(self._memory, jail.memory_bytes())

    def left(self, jail: Jail | None = None) -> tuple[float, float]:
        """CPU and wall seconds left for the candidate, with a jail that still runs."""
        cpu = self._cpu + (jail.cpu_seconds() if jail else 0.0)
        wall = self._wall + (jail.wall_seconds() if jail else 0.0)
        return self.limits.total_cpu_seconds - cpu, self.limits.total_wall_seconds - wall

    def usage(self) -> Usage:
        """The sum so far."""
        return Usage(cpu_seconds=self._cpu, wall_seconds=self._wall, memory_bytes=self._memory)


class Spending:
    """CPU and wall time of one test, over however many calls and processes it takes."""

    def __init__(self) -> None:
        self.cpu = 0.0
        self.wall = 0.0


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
            Ended: the module raised, crashed or met a limit while it was loaded.
        """
        if self._broken is not None:
            raise self._broken
        if self._jail is not None:
            return
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
        budget = jail.budget(self._limits.cpu_seconds, self._limits.wall_seconds)
        try:
            first = jail.receive(budget)
        except Ended as ended:
            if self._compiled:
                raise
            raise while_compiling(ended) from ended
        if "compile_error" in first:
            raise CompileFailed(str(first["compile_error"]))
        self._compiled = True
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
        if spending.cpu > self._limits.cpu_seconds:
            # It came within the grace: late, but its process is none the worse for it.
            raise Ended(Outcome.TIME_LIMIT_EXCEEDED, "the CPU time limit was reached")
        return {**_sanitized(answer), "generation": self.generation}

    def _exchange(self, jail: Jail, message: Message, spending: Spending) -> Message:
        cpu_before, wall_before = jail.cpu_seconds(), jail.wall_seconds()
        try:
            budget = self._budget(jail, spending)
            jail.send(message, budget)
            answer: Message = jail.receive(budget)
        except Ended:
            self._charge(spending, jail, cpu_before, wall_before)
            self.stop()
            raise
        self._charge(spending, jail, cpu_before, wall_before)
        return answer

    @staticmethod
    def _charge(spending: Spending, jail: Jail, cpu_before: float, wall_before: float) -> None:
        spending.cpu += jail.cpu_seconds() - cpu_before
        spending.wall += jail.wall_seconds() - wall_before

    def _budget(self, jail: Jail, spending: Spending) -> Budget:
        cpu_left, wall_left = self._meter.left(jail)
        if spending.cpu >= self._limits.cpu_seconds or spending.wall >= self._limits.wall_seconds:
            raise Ended(Outcome.TIME_LIMIT_EXCEEDED, "the test's time is used up")
        if cpu_left <= 0 or wall_left <= 0:
            raise Ended(Outcome.TIME_LIMIT_EXCEEDED, "the candidate's total time is used up")
        cpu = min(self._limits.cpu_seconds * GRACE - spending.cpu, cpu_left)
        wall = min(self._limits.wall_seconds - spending.wall, wall_left)
        return jail.budget(cpu, wall)

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
