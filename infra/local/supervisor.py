"""Starts services, watches them, brings back what dies, and stops them in order."""

import contextlib
import math
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import IO

from infra import errors
from infra.local.parts import Parts
from infra.local.process import signal_group, spawn
from infra.observability import logs
from infra.printable import printable

log = logs.get(__name__)

_LOOK_SECONDS = 0.2
_QUICK_DEATHS = 5
"""Deaths in a row, each soon after its start, after which a service may be given up."""
_QUICK_SECONDS = 30.0
_FIRST_PAUSE_SECONDS = 0.5
"""Pause after the second quick death; it doubles with each further one."""
_LONGEST_PAUSE_SECONDS = 30.0
_PATIENCE_SECONDS = 300.0
"""How long a service may go on dying before it is given up, once all have been up.

By then it is no mistake in how it was set up, but something around it: a full disk, for one.
"""
_ABANDONED_SECONDS = 2.0
"""For all services together to put away what they have, when nobody wants their work."""
_TAIL_BYTES = 1500
_COLOURS = (36, 32, 33, 35, 34, 31)
"""Of the names on a terminal, in the order of the services' start."""


@dataclass(frozen=True, kw_only=True)
class Service:
    """One process to keep alive."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    ready: Callable[[], bool] | None = None
    """Whether it does its work; the next service is started after that."""
    grace_seconds: float = 40.0
    """Time to finish after SIGTERM."""
    ends_beside: bool = False
    """Whether it is told to end at once with its neighbours that are, too; others end alone."""
    pass_fds: tuple[int, ...] = ()
    """Open files of ours that it is given under their numbers."""


@dataclass
class _Running:
    service: Service
    process: "subprocess.Popen[bytes]"
    copier: threading.Thread
    started: float = field(default_factory=time.monotonic)
    quick_deaths: int = 0
    dying_since: float = 0.0
    """Of its quick deaths in a row, when the first was."""
    has_been_up: bool = False
    was_killed: bool = False
    """By us, on purpose; such a death says nothing about the service."""
    restart_at: float | None = None
    """When to bring it back, once it is seen dead."""
    given_up: bool = False


class Supervisor:
    """Keeps services alive; all processes are started by one thread, which lives as long as they.

    The kernel's parent-death signal is bound to the thread that started a process.
    """

    def __init__(self, log_directory: Path, echo: bool, parts: Parts | None = None) -> None:
        """Begin to look after services, none yet; whether they are up is told to `parts`."""
        log_directory.mkdir(parents=True, exist_ok=True)
        self._parts = parts or Parts(log_directory)
        self._logs = log_directory
        self._echo = echo
        self._lock = threading.RLock()
        self._running: dict[str, _Running] = {}
        self._wanted: list[Service] = []
        self._stopping = threading.Event()
        self._failure: str | None = None
        self._patience_seconds = 0.0
        self._is_abandoned = False
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._thread.start()

    def start(self, service: Service, timeout_seconds: float = 90.0) -> None:
        """Start a service and wait until it is ready.

        Raises:
            errors.Unavailable: it died, or is not ready in time; the message holds its last lines.
        """
        with self._lock:
            self._wanted.append(service)
        deadline = time.monotonic() + timeout_seconds
        while not (self._is_started(service) and (service.ready is None or service.ready())):
            self.check()
            if time.monotonic() > deadline:
                raise errors.Unavailable(
                    f"the service {service.name} is not ready: {self._tail(service.name)}"
                )
            time.sleep(0.05)

    def be_patient(self, up: Iterable[str]) -> None:
        """From now on bring back what keeps dying for some minutes before giving it up.

        Until then a service is given up at its fifth quick death, so that a wrong setting shows at
        once. Those that are `up` have taken their settings: status 1 is no refusal of theirs.
        """
        with self._lock:
            self._patience_seconds = _PATIENCE_SECONDS
            for name in up:
                self._running[name].has_been_up = True

    def _is_started(self, service: Service) -> bool:
        with self._lock:
            return service.name in self._running

    def check(self) -> None:
        """Raise if a service has been given up.

        Raises:
            errors.Unavailable: naming the service and its last lines.
        """
        if self._failure is not None:
            raise errors.Unavailable(self._failure)

    def pid(self, name: str) -> int | None:
        """Return the process id of a service, or None while it is not running."""
        with self._lock:
            running = self._running.get(name)
            return running.process.pid if running and running.process.poll() is None else None

    def kill(self, name: str, number: int = signal.SIGKILL, *, with_children: bool = True) -> None:
        """Send a signal to a service, and to its children; nothing happens while it is down."""
        with self._lock:
            running = self._running.get(name)
            # The number of a process that is gone may be another's by now.
            if running is not None and running.process.poll() is None:
                running.was_killed = True
                if with_children:
                    signal_group(running.process, number)
                else:
                    running.process.send_signal(number)

    def abandon(self) -> None:
        """Wait for nothing that is under way when everything is stopped: nobody wants it."""
        self._is_abandoned = True

    def stop(self) -> None:
        """Stop everything, last started first, each with its time to finish."""
        self._stopping.set()
        self._thread.join()

    # What the thread does.

    def _watch(self) -> None:
        while not self._stopping.wait(_LOOK_SECONDS):
            with self._lock:
                for service in self._wanted:
                    try:
                        self._look_after(service)
                    except (OSError, ValueError) as error:
                        # This thread must live: the kernel ends its services with it.
                        self._failure = f"the service {service.name} cannot be started: {error}"
        with self._lock:
            self._end_all()

    def _look_after(self, service: Service) -> None:
        running = self._running.get(service.name)
        if running is None:
            self._running[service.name] = self._spawn(service)
        elif running.given_up or running.process.poll() is None:
            return
        elif running.restart_at is None:
            self._bury(running)
        elif time.monotonic() >= running.restart_at:
            log.warning("service.restarted", name=service.name, code=running.process.returncode)
            fresh = self._spawn(service)
            fresh.quick_deaths, fresh.has_been_up = running.quick_deaths, True
            fresh.dying_since = running.dying_since
            self._running[service.name] = fresh

    def _bury(self, running: _Running) -> None:
        """Decide once what a death means: a fresh start, now or after a pause, or the end."""
        signal_group(running.process, signal.SIGKILL)  # Its children must not outlive it.
        self._parts.down(running.service.name, _ended(running.process.returncode))
        now = time.monotonic()
        if now - running.started >= _QUICK_SECONDS:
            running.quick_deaths = 0
        elif not running.was_killed:
            running.quick_deaths += 1
            running.dying_since = running.dying_since if running.quick_deaths > 1 else now
        # Status 1 at its first start is a refusal, which trying again does not mend.
        refused = (
            running.process.returncode == 1 and running.quick_deaths and not running.has_been_up
        )
        keeps_dying = (
            running.quick_deaths >= _QUICK_DEATHS
            and not running.was_killed
            and now - running.dying_since >= self._patience_seconds
        )
        if refused or keeps_dying:
            running.given_up = True
            running.copier.join(1.0)  # Its last words may still be on their way to the file.
            name = running.service.name
            self._failure = f"the service {name} died: {self._tail(name)}"
            return
        running.restart_at = now + _pause_seconds(running.quick_deaths)

    def _spawn(self, service: Service) -> _Running:
        path = self._logs / f"{service.name}.log"
        process = spawn(
            service.command, env=service.env, log=subprocess.PIPE, pass_fds=service.pass_fds
        )
        assert process.stdout is not None
        copier = threading.Thread(
            target=self._copy, args=(self._label(service), process.stdout, path), daemon=True
        )
        copier.start()
        self._parts.up(service.name)
        return _Running(service, process, copier)

    def _label(self, service: Service) -> str:
        label = f"{service.name:>9} |"
        if not sys.stderr.isatty():
            return label
        return f"\x1b[{_COLOURS[self._wanted.index(service) % len(_COLOURS)]}m{label}\x1b[0m"

    def _copy(self, label: str, stream: IO[bytes], path: Path) -> None:
        with stream, path.open("ab", buffering=0) as file:
            for line in stream:
                # A full disk costs lines, never the service, which writes into our pipe.
                with contextlib.suppress(OSError):
                    file.write(line)
                if self._echo:
                    # A line may say what a candidate or a model wrote.
                    shown = printable(line.decode(errors="replace").rstrip("\n"), keep="\t")
                    sys.stderr.write(f"{label} {shown}\n")

    def _tail(self, name: str) -> str:
        path = self._logs / f"{name}.log"
        if not path.exists():
            return "it wrote nothing"
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
            return file.read().decode(errors="replace") or "it wrote nothing"

    def _end_all(self) -> None:
        """End services, last started first, stage after stage; what is abandoned all at once."""
        alive = [
            running
            for running in reversed(list(self._running.values()))
            # Of one that is buried already the number may be another's by now.
            if not running.given_up and running.restart_at is None
        ]
        if not self._is_abandoned:
            for _, stage in groupby(enumerate(alive), lambda one: _stage(*one)):
                self._end_stage([running for _, running in stage])
            return
        for running in alive:
            running.process.terminate()
        deadline = time.monotonic() + _ABANDONED_SECONDS
        for running in alive:
            self._end(running, max(deadline - time.monotonic(), 0.0))

    def _end_stage(self, stage: Sequence[_Running]) -> None:
        for running in stage:
            running.process.terminate()
        told = time.monotonic()
        for running in stage:
            self._end(running, max(told + running.service.grace_seconds - time.monotonic(), 0.0))

    def _end(self, running: _Running, grace_seconds: float) -> None:
        """Wait for the end of a service that was told to end, and kill what is left then."""
        try:
            running.process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            if not self._is_abandoned:
                log.warning("service.killed", name=running.service.name)
        signal_group(running.process, signal.SIGKILL)
        running.process.wait()
        running.copier.join(1.0)


def _stage(number: int, running: _Running) -> int:
    """Return the same for neighbours that end beside one another, and a number of its own else."""
    return -1 if running.service.ends_beside else number


def _ended(code: int) -> str:
    """Say how a process has ended, by what it ended with."""
    return f"killed by signal {-code}" if code < 0 else f"ended with status {code}"


def _pause_seconds(quick_deaths: int) -> float:
    if quick_deaths < 2:  # The first may be a chance.
        return 0.0
    return min(math.ldexp(_FIRST_PAUSE_SECONDS, min(quick_deaths - 2, 16)), _LONGEST_PAUSE_SECONDS)
