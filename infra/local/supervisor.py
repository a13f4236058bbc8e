"""Starts services, watches them, brings back what dies, and stops them in order."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from infra import errors, logs
from infra.local.process import spawn

log = logs.get(__name__)

_LOOK_SECONDS = 0.2
_QUICK_DEATHS = 5
"""Deaths in a row, each soon after its start, after which a service is given up."""
_QUICK_SECONDS = 10.0


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


@dataclass
class _Running:
    service: Service
    process: "subprocess.Popen[bytes]"
    log_path: Path
    started: float = field(default_factory=time.monotonic)
    quick_deaths: int = 0
    finished: bool = False


class Supervisor:
    """Keeps services alive; all processes are started by one thread, which lives as long as they.

    The kernel's parent-death signal is bound to the thread that started a process.
    """

    def __init__(self, log_directory: Path, echo: bool) -> None:
        log_directory.mkdir(parents=True, exist_ok=True)
        self._logs = log_directory
        self._echo = echo
        self._lock = threading.RLock()
        self._running: dict[str, _Running] = {}
        self._wanted: list[Service] = []
        self._stopping = threading.Event()
        self._failure: str | None = None
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

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Send a signal to the process group of a service."""
        with self._lock:
            _signal_group(self._running[name].process, number)

    def stop(self) -> None:
        """Stop everything, last started first, each with its time to finish."""
        self._stopping.set()
        self._thread.join()

    # What the thread does.

    def _watch(self) -> None:
        while not self._stopping.wait(_LOOK_SECONDS):
            with self._lock:
                for service in self._wanted:
                    self._look_after(service)
        with self._lock:
            for running in reversed(list(self._running.values())):
                self._end(running)

    def _look_after(self, service: Service) -> None:
        running = self._running.get(service.name)
        if running is None:
            self._running[service.name] = self._spawn(service)
            return
        code = running.process.poll()
        if code is None or running.finished:
            return
        _signal_group(running.process, signal.SIGKILL)  # Its children must not outlive it.
        quick = time.monotonic() - running.started < _QUICK_SECONDS
        deaths = running.quick_deaths + 1 if quick else 0
        if deaths >= _QUICK_DEATHS or (code == 1 and quick):
            # Status 1 is a refusal to start, which trying again does not mend.
            running.finished = True
            self._failure = f"the service {service.name} died: {self._tail(service.name)}"
            return
        log.warning("service.restarted", name=service.name, code=code)
        self._running[service.name] = self._spawn(service)
        self._running[service.name].quick_deaths = deaths

    def _spawn(self, service: Service) -> _Running:
        path = self._logs / f"{service.name}.log"
        process = spawn(service.command, env=service.env, log=subprocess.PIPE)
        assert process.stdout is not None
        threading.Thread(
            target=self._copy, args=(service.name, process.stdout, path), daemon=True
        ).start()
        return _Running(service, process, path)

    def _copy(self, name: str, stream: IO[bytes], path: Path) -> None:
        with stream, path.open("ab") as file:
            for line in stream:
                file.write(line)
                file.flush()
                if self._echo:
                    sys.stderr.write(f"{name:>9} | {line.decode(errors='replace')}")

    def _tail(self, name: str) -> str:
        path = self._logs / f"{name}.log"
        text = path.read_text(errors="replace") if path.exists() else ""
        return text[-1500:] or "it wrote nothing"

    def _end(self, running: _Running) -> None:
        if running.process.poll() is None:
            running.process.terminate()
        try:
            running.process.wait(running.service.grace_seconds)
        except subprocess.TimeoutExpired:
            log.warning("service.killed", name=running.service.name)
        _signal_group(running.process, signal.SIGKILL)
        running.process.wait()


def _signal_group(process: "subprocess.Popen[bytes]", number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
