"""Shows a process's metrics to Prometheus, on a port of its own, if `RRTF_METRICS_PORT` names one.

A worker works in children that come and go. What they count meets in files in one folder, of which
prometheus_client must know when it is imported; a worker therefore calls `begin_shared` first.
"""

import os
import secrets
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import PROCESS_COLLECTOR, REGISTRY, CollectorRegistry, start_http_server
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector

from infra import errors
from infra.settings import MetricsSettings, load

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
"""The variable by which prometheus_client is told of the folder."""


def begin_shared() -> None:
    """Begin this process anew, once, with a folder in which its children's metrics meet its own.

    Nothing happens if metrics are shown nowhere.

    Raises:
        errors.ConfigurationError: another process has the port, or another user the folder.
    """
    settings = load(MetricsSettings)
    if not settings.port or _FOLDER in os.environ:
        return
    # Named after the port: whoever has the port has the folder, and what an earlier process left
    # there is found and removed.
    folder = Path(tempfile.gettempdir()) / f"rrtf-metrics-{os.geteuid()}-{settings.port}"
    _require_free(settings)
    _make_empty(folder)
    os.environ[_FOLDER] = str(folder)
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - ourselves again


def _require_free(settings: MetricsSettings) -> None:
    try:
        family, *_, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise _not_shown(settings, error) from error


def _make_empty(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
            raise errors.ConfigurationError(f"{folder} for metrics belongs to somebody else")
        for left in folder.iterdir():
            left.unlink()
    except OSError as error:
        raise errors.ConfigurationError(f"no folder for metrics: {error}") from error


def serve() -> None:
    """Show this process's metrics, and those of its children if they are shared.

    Raises:
        errors.ConfigurationError: the port cannot be had.
    """
    settings = load(MetricsSettings)
    if not settings.port:
        return
    registry = REGISTRY
    folder = os.environ.get(_FOLDER)
    if folder:
        registry = CollectorRegistry()
        registry.register(PROCESS_COLLECTOR)
        _Family(registry, folder)
    try:
        server, _ = start_http_server(settings.port, settings.host, registry)
    except OSError as error:
        raise _not_shown(settings, error) from error
    shown = server.get_app()
    assert shown is not None
    server.set_app(_behind_the_key(settings.wanted, shown))
    # A child that outlives us must not keep the port from who comes after.
    os.register_at_fork(after_in_child=server.socket.close)


def may_read(key: str, authorization: str) -> bool:
    """Tell whether somebody who sends this header `Authorization` may read metrics."""
    return not key or secrets.compare_digest(authorization.encode(), f"Bearer {key}".encode())


def _behind_the_key(key: str, shown: "WSGIApplication") -> "WSGIApplication":
    def ask(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if may_read(key, environ.get("HTTP_AUTHORIZATION", "")):
            return shown(environ, start_response)
        start_response("401 Unauthorized", [("WWW-Authenticate", "Bearer")])
        return [b"RRTF_METRICS_KEY is wanted as a bearer token\n"]

    return ask


def end() -> None:
    """Remove the folder of shared metrics; a worker calls it last."""
    if _FOLDER in os.environ:
        shutil.rmtree(os.environ[_FOLDER], ignore_errors=True)


def _not_shown(settings: MetricsSettings, error: OSError) -> errors.ConfigurationError:
    return errors.ConfigurationError(
        f"metrics cannot be shown at {settings.host}:{settings.port}: {error}"
    )


class _Family(MultiProcessCollector):
    """What a process and its children count; gauges only of those that live."""

    def __init__(self, registry: CollectorRegistry, folder: str) -> None:
        super().__init__(registry, folder)  # type: ignore[no-untyped-call] # the library's own
        self._folder = Path(folder)

    def collect(self) -> Iterator[Metric]:
        """Read the files."""
        # Looked up here and not when a child ends, because one that is killed says nothing.
        for file in self._folder.glob("gauge_live*_*.db"):
            if not Path("/proc", file.stem.rpartition("_")[2]).exists():
                file.unlink(missing_ok=True)
        yield from super().collect()  # type: ignore[no-untyped-call] # the library's own
