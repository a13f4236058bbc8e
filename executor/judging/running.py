"""One run of a program with its standard input: what it did, with nothing to compare it to."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from executor.judging import notebooks, verdicts
from executor.judging.host import CompileFailed, while_compiling
from executor.judging.native.builds import Build, require_brought
from executor.judging.native.runner import NativeRunner
from executor.judging.programs import alone
from executor.judging.programs.marks import NoTests
from executor.judging.shared import sharing
from executor.languages import TOOLCHAINS
from executor.sandbox.ended import Budget, Ended
from executor.sandbox.jail import Jail, Sandbox
from infra.contracts.base import Language, Outcome
from infra.contracts.execution import Usage
from infra.contracts.inline import CellResult, Ending, Running, RunResult
from infra.contracts.problems import Limits

_ENDINGS = {
    Outcome.TIME_LIMIT_EXCEEDED: Ending.TIME_LIMIT_EXCEEDED,
    Outcome.MEMORY_LIMIT_EXCEEDED: Ending.MEMORY_LIMIT_EXCEEDED,
    Outcome.OUTPUT_LIMIT_EXCEEDED: Ending.OUTPUT_LIMIT_EXCEEDED,
}


_LOOK_SECONDS = 1.0
"""How often we look whether somebody still waits for a program that runs."""


class NotWanted(Exception):
    """Nobody waits for the program any more."""


class _Started(NamedTuple):
    """A program that runs."""

    jail: Jail
    budget: Budget
    until: float
    """Reading of the monotonic clock at which it is ended."""
    compile_seconds: float


class Runner:
    """Runs the programs of one language, with the same packages, within the same limits."""

    def __init__(
        self,
        sandbox: Sandbox,
        version: str,
        language: Language,
        image: str,
        limits: Limits,
        has_frameworks: bool = False,
        is_notebook: bool = False,
    ) -> None:
        """Find what the language needs; test code, and scripts, have frameworks.

        Raises:
            errors.SandboxError: this machine lacks it.
        """
        self._grown = limits
        if is_notebook:
            # The programs of the shell are there, and nothing of pytest is loaded.
            self._sandbox = sandbox.with_packages(image, sharing.PACKAGES, loads_own=False)
            processes = limits.processes + notebooks.PROCESSES
            self._grown = limits.model_copy(update={"processes": processes})
        elif has_frameworks and language not in TOOLCHAINS:
            self._sandbox = sharing.sandbox_of(sandbox, image)
        else:
            self._sandbox = sandbox.with_packages(image)
        self._version = version
        self._limits = limits
        self._native: NativeRunner | None = None
        self._language = language
        self._has_frameworks = has_frameworks
        if language in TOOLCHAINS:
            self._native = NativeRunner(sandbox, language, limits)
            if has_frameworks:
                alone.require(language)

    def run(self, running: Running, is_wanted: Callable[[], bool]) -> RunResult:
        """Run one program, or one notebook.

        Raises:
            NotBrought: its files cannot be put where they are to be.
            NotWanted: nobody waits for it any more.
            errors.SandboxError: the sandbox failed; nothing is known about the program.
        """
        refusal = verdicts.refuse_bytes(running.program)
        if refusal:
            return self._not_started(Ending.COMPILE_ERROR, refusal)
        began = time.monotonic()
        try:
            with self._started(running) as started:
                return self._finished(started, running, is_wanted)
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
        carried = {"files": running.files, "taken": list(running.taken)}
        if self._native is not None:
            began = time.monotonic()
            if self._has_frameworks:
                compiled = self._native.build(self._tests(running.program), running.files)
            elif self._native.is_interpreted:
                compiled = self._native.uncompiled(running.program)
            else:
                compiled = self._native.compile(running.program, running.files)
            compiled_in = time.monotonic() - began
            with self._native.jail(compiled, running.stdin, running.arguments, carried) as jail:
                yield self._begun(jail, running, compiled_in)
            return
        if running.cells is not None:
            start = {**carried, **notebooks.start_of(running)}
            with self._sandbox.jail(start, self._grown, running.stdin) as jail:
                yield self._begun(jail, running)
            return
        start = {
            **carried,
            "role": "program",
            "source": running.program,
            "arguments": list(running.arguments),
        }
        with self._sandbox.jail(start, self._limits, running.stdin) as jail:
            begun = self._begun(jail, running)
            cpu = min(self._limits.cpu_seconds, running.wall_seconds)
            idle = min(self._limits.idle_seconds, running.wall_seconds)
            try:
                answer = jail.receive(jail.budget(cpu, idle))
            except Ended as ended:
                raise while_compiling(ended) from ended
            require_brought(answer)
            if "compile_error" in answer:
                raise CompileFailed(str(answer["shown"]))
            yield begun

    def _tests(self, program: str) -> Build:
        try:
            return alone.build(self._language, program)
        except NoTests as error:
            raise CompileFailed(str(error)) from None

    def _begun(self, jail: Jail, running: Running, compile_seconds: float = 0.0) -> _Started:
        budget = jail.budget(self._limits.cpu_seconds, self._limits.idle_seconds)
        until = time.monotonic() + running.wall_seconds
        return _Started(jail, budget, until, compile_seconds)

    def _finished(
        self, started: _Started, running: Running, is_wanted: Callable[[], bool]
    ) -> RunResult:
        jail = started.jail
        exit_code = signal = None
        error = ""
        files: dict[str, str] = {}
        cells = None
        try:
            code = os.waitstatus_to_exitcode(_wait(started, is_wanted))
            cells = _shown(started, running)
            files = _taken(started, running)
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
            cells=cells,
            files=files,
            sandbox=self._version,
        )

    def _not_started(self, ending: Ending, message: str, compile_seconds: float = 0.0) -> RunResult:
        return RunResult(
            ending=ending,
            error=verdicts.result(Outcome.NOT_RUN, message).detail,
            is_started=False,
            compile_seconds=compile_seconds,
            sandbox=self._version,
        )


def _wait(started: _Started, is_wanted: Callable[[], bool]) -> int:
    """Wait for the end of a program; return its wait status.

    Raises:
        Ended: a limit ended it first.
        NotWanted: nobody waits for it any more.
    """
    while True:
        now = time.monotonic()
        if started.jail.wait_until(min(started.until, now + _LOOK_SECONDS), started.budget):
            return started.jail.wait(started.budget)
        if time.monotonic() >= started.until:
            raise Ended(Outcome.TIME_LIMIT_EXCEEDED, "the time limit was reached")
        if not is_wanted():
            raise NotWanted


def _shown(started: _Started, running: Running) -> tuple[CellResult, ...] | None:
    """Return what the cells of a notebook have shown, None if not all of them have run.

    Raises:
        Ended: a limit ended it.
        NotBrought: it was not run.
        errors.SandboxError: its kernel did not come up.
    """
    if running.cells is None:
        return None
    message = notebooks.told(started.jail, started.budget)
    require_brought(message)
    return notebooks.cells_of(message, len(running.cells))


def _taken(started: _Started, running: Running) -> dict[str, str]:
    """Return the files that are taken from a program, as far as they could be.

    Raises:
        NotBrought: it was not run, because those that it was to get could not be written.
    """
    if not running.files and not running.taken:
        return {}
    try:
        answer = started.jail.receive(started.budget)
    except Ended:
        return {}  # It has ended whoever was to send them, or there was nothing to send.
    if not isinstance(answer, dict):
        return {}
    require_brought(answer)
    files = answer.get("files", {})
    return {name: str(files[name]) for name in running.taken if name in files}
