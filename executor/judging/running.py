"""One run of a program with its standard input: what it did, with nothing to compare it to."""

import contextlib
import os
import time
from collections.abc import Iterator
from typing import NamedTuple

from executor.judging import verdicts
from executor.judging.host import CompileFailed, while_compiling
from executor.judging.native import NativeRunner
from executor.languages import TOOLCHAINS
from executor.sandbox.ended import Budget, Ended
from executor.sandbox.jail import Jail, Sandbox
from infra.contracts.base import Language, Outcome
from infra.contracts.direct import Ending, Running, RunResult
from infra.contracts.execution import Usage
from infra.contracts.problems import Limits

_ENDINGS = {
    Outcome.TIME_LIMIT_EXCEEDED: Ending.TIME_LIMIT_EXCEEDED,
    Outcome.MEMORY_LIMIT_EXCEEDED: Ending.MEMORY_LIMIT_EXCEEDED,
    Outcome.OUTPUT_LIMIT_EXCEEDED: Ending.OUTPUT_LIMIT_EXCEEDED,
}


class _Started(NamedTuple):
    """A program that runs."""

    jail: Jail
    budget: Budget
    compile_seconds: float


class Runner:
    """Runs the programs of one language, with the same packages, within the same limits."""

    def __init__(
        self, sandbox: Sandbox, version: str, language: Language, image: str, limits: Limits
    ) -> None:
        """Find what the language needs.

        Raises:
            errors.SandboxError: this machine lacks it.
        """
        self._sandbox = sandbox.with_packages(image)
        self._version = version
        self._limits = limits
        self._native: NativeRunner | None = None
        if language in TOOLCHAINS:
            self._native = NativeRunner(sandbox.native(), language, limits)

    def run(self, running: Running) -> RunResult:
        """Run one program.

        Raises:
            errors.SandboxError: the sandbox failed; nothing is known about the program.
        """
        refusal = verdicts.refuse_bytes(running.program)
        if refusal:
            return self._not_started(Ending.COMPILE_ERROR, refusal)
        began = time.monotonic()
        try:
            with self._started(running) as started:
                return self._finished(started)
        except CompileFailed as failure:
            ending, message = Ending.COMPILE_ERROR, str(failure)
        except Ended as ended:
            ending, message = _ENDINGS[ended.outcome], ended.detail
        return self._not_started(ending, message, time.monotonic() - began)

    @contextlib.contextmanager
    def _started(self, running: Running) -> Iterator[_Started]:
        """Compile the program and start it.

        Raises:
            CompileFailed: it does not compile.
            Ended: its compiler met a limit.
        """
        cpu, idle = self._limits.cpu_seconds, self._limits.idle_seconds
        if self._native is not None:
            began = time.monotonic()
            compiled = self._native.compile(running.program)
            compiled_in = time.monotonic() - began
            with self._native.jail(compiled, running.stdin, running.arguments) as jail:
                yield _Started(jail, jail.budget(cpu, idle), compiled_in)
            return
        start = {
            "role": "program",
            "source": running.program,
            "arguments": list(running.arguments),
        }
        with self._sandbox.jail(start, self._limits, running.stdin) as jail:
            budget = jail.budget(cpu, idle)
            try:
                answer = jail.receive(budget)
            except Ended as ended:
                raise while_compiling(ended) from ended
            if "compile_error" in answer:
                raise CompileFailed(str(answer["compile_error"]))
            yield _Started(jail, budget, 0.0)

    def _finished(self, started: _Started) -> RunResult:
        jail = started.jail
        exit_code = signal = None
        error = ""
        try:
            code = os.waitstatus_to_exitcode(jail.wait(started.budget))
            if jail.cpu_seconds() > self._limits.cpu_seconds:
                raise Ended(Outcome.TIME_LIMIT_EXCEEDED, "the CPU time limit was reached")
        except Ended as ended:
            ending, error = _ENDINGS[ended.outcome], ended.detail
        else:
            ending = Ending.EXITED if code >= 0 else Ending.SIGNALLED
            exit_code, signal = (code, None) if code >= 0 else (None, -code)
        return RunResult(
            ending=ending,
            exit_code=exit_code,
            signal=signal,
            stdout=jail.output("stdout").decode("utf-8", "replace"),
            stderr=jail.output("stderr").decode("utf-8", "replace"),
            error=error,
            usage=Usage(
                cpu_seconds=max(0.0, jail.cpu_seconds()),
                wall_seconds=jail.wall_seconds(),
                memory_bytes=jail.memory_bytes(),
            ),
            compile_seconds=started.compile_seconds,
            sandbox=self._version,
        )

    def _not_started(self, ending: Ending, message: str, compile_seconds: float = 0.0) -> RunResult:
        return RunResult(
            ending=ending,
            error=verdicts.result(Outcome.NOT_RUN, message).detail,
            compile_seconds=compile_seconds,
            sandbox=self._version,
        )
