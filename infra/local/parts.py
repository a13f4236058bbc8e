"""Which parts of a suite are up, and since when; in a file, for commands beside it to read."""

import contextlib
import json
import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

_FILE: Final = "parts.json"


class Part(NamedTuple):
    """One server or service of a suite."""

    name: str
    is_up: bool
    since: float
    """Seconds since the epoch."""
    why: str = ""
    """It is down."""


class Parts:
    """What is known of the parts; written anew whenever one of them changes."""

    def __init__(self, home: Path) -> None:
        self._path = home / _FILE
        self._lock = threading.Lock()
        self._parts: dict[str, Part] = {}

    def up(self, name: str) -> None:
        """Record that a part has been started."""
        self._set(Part(name, True, time.time()))

    def down(self, name: str, why: str) -> None:
        """Record that a part has ended; since when is told of the first time."""
        known = self._parts.get(name)
        since = known.since if known and not known.is_up else time.time()
        self._set(Part(name, False, since, why))

    def end(self) -> None:
        """Forget all of them: the suite has ended."""
        with self._lock:
            self._parts.clear()
            self._path.unlink(missing_ok=True)

    def _set(self, part: Part) -> None:
        with self._lock:
            self._parts[part.name] = part
            text = json.dumps([os.getpid(), list(self._parts.values())])
            unfinished = self._path.with_name(f"{_FILE}.new")
            # A full disk must end nobody who looks after the parts.
            with contextlib.suppress(OSError):
                unfinished.write_text(text)
                unfinished.replace(self._path)


def parts_of(home: Path) -> list[Part] | None:
    """Read the parts of the suite that runs in a data directory; None if none runs there."""
    try:
        pid, parts = json.loads((home / _FILE).read_text())
        if not Path(f"/proc/{pid}").exists():
            return None
        return [Part(*part) for part in parts]
    except (OSError, ValueError, TypeError):
        return None


def what_is_down(parts: Iterable[Part]) -> list[str]:
    """Say of each part that is down since when, and why."""
    return [
        f"{part.name} is down since {_moment(part.since)}: {part.why}"
        for part in parts
        if not part.is_up
    ]


def _moment(seconds: float) -> str:
    moment = time.localtime(seconds)
    age = max(time.time() - seconds, 0)
    return f"{time.strftime('%H:%M:%S', moment)} ({age:.0f} s ago)"
