"""Files that a program is brought, and those that are taken from it when it has ended."""

import base64
import contextlib
import os
import signal
from typing import Any

from executor.guest.channel import Channel, Closed

_MOST_BYTES = 32 * 2**20
"""Of all that is taken together."""


def bring(fd: int, start: dict[str, Any]) -> bool:
    """Write the files that come with a program; tell whether that was possible, or say why not."""
    for name, content in start.get("files", {}).items():
        try:
            os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
            with open(name, "wb") as file:
                file.write(base64.b64decode(content))
        except (OSError, ValueError) as error:
            Channel(fd).send({"not_brought": f"{name!r} cannot be written: {error}"})
            return False
    return True


def take(fd: int, start: dict[str, Any]) -> None:
    """Go on in a child if files are to be taken from it; then send them, and end as it has ended.

    The program may end in whatever way, and so this is left to a process beside it.
    """
    names = start.get("taken", ())
    if not names:
        return
    child = os.fork()
    if child == 0:
        os.setsid()  # Signals that it sends to its group are no concern of this process.
        return
    status = _wait(child)
    with contextlib.suppress(Closed):
        Channel(fd).send({"files": _read(names)})
    if status < 0:
        with contextlib.suppress(OSError):  # One that nobody can catch.
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    os._exit(status)


def _wait(child: int) -> int:
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def _read(names: list[str]) -> dict[str, str]:
    """Read files; those that are not there, or are no plain files, are left out."""
    found, left = {}, _MOST_BYTES
    for name in names:
        try:
            if not os.path.isfile(name) or os.path.getsize(name) > left:
                continue
            with open(name, "rb") as file:
                content = file.read(left)
        except (OSError, ValueError):
            continue
        left -= len(content)
        found[name] = base64.b64encode(content).decode("ascii")
    return found
