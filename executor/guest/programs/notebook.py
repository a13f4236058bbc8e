"""A notebook: cells that one IPython kernel runs one after the other.

The kernel is a child of this process, which speaks with it through jupyter_client over Unix
sockets, as a jail has no network, and sends what all cells have shown as one message. Whoever takes
hold of the kernel can forge what its own cells show, and nothing more.
"""

import asyncio
import contextlib
import importlib.util
import json
import os
import signal
import sys
import tempfile
import traceback
from typing import Any, Final

from executor.guest.channel import Channel
from executor.guest.programs import carrying
from executor.guest.programs.kernel import become_kernel

MOST_BYTES: Final = 16 * 2**20
"""Of all that the cells show together, as JSON."""
_START_SECONDS: Final = 30.0
_HEED_SECONDS: Final = 2.0
"""How long an interrupted cell may take to its end."""
_END_SECONDS: Final = 5.0
"""How long the kernel may take to its end when all cells have run."""


class _Stopped(Exception):
    """Not all cells can be run."""

    def __init__(self, why: str, detail: str) -> None:
        super().__init__(detail)
        self.why = why


def run(fd: int, start: dict[str, Any]) -> int:
    """Run the cells in a kernel, send what became of them, and return an exit status."""
    channel = Channel(fd)
    if importlib.util.find_spec("ipykernel") is None:
        channel.send({"not_brought": "its image has no ipykernel, which runs notebooks"})
        return 0
    if not carrying.bring(fd, start):
        return 0
    carrying.take(fd, start)
    from jupyter_client.connect import write_connection_file

    # Its name is that of no file that was brought.
    folder = tempfile.mkdtemp(prefix=".notebook-", dir="/tmp")
    key = os.urandom(16).hex().encode()
    file, _ = write_connection_file(
        f"{folder}/kernel.json", transport="ipc", ip=f"{folder}/socket", key=key
    )
    kernel = os.fork()
    if kernel == 0:
        os.close(fd)
        become_kernel(folder, file)
    try:
        cells = asyncio.run(_shown(start["cells"], start["cell_seconds"], _Kernel(kernel, file)))
    except _NotStarted as failure:
        print(failure, file=sys.stderr)  # noqa: T201 - for whoever reads what became of it
        # A file that was brought may have taken the place of a module that the kernel needs.
        is_ours = not (failure.has_ended and start["files"])
        channel.send({"not_started" if is_ours else "stopped": str(failure)})
        return 1
    except _Stopped as stopped:
        print(stopped, file=sys.stderr)  # noqa: T201 - for whoever reads what became of it
        channel.send({"stopped": stopped.why, "detail": str(stopped)})
        return 1
    except Exception:
        # What the kernel sends is no message, or the memory is used up.
        traceback.print_exc()
        return 1
    channel.send({"cells": cells})
    return 0


class _Kernel:
    """A kernel that has been started."""

    def __init__(self, pid: int, file: str) -> None:
        self.pid = pid
        self.file = file

    async def watch(self) -> None:
        """Return when it has ended."""
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        watched = os.pidfd_open(self.pid)
        loop.add_reader(watched, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(watched)
            os.close(watched)

    def ending(self) -> str:
        """Say how it ended, now that it has."""
        code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return f"the kernel ended with status {code}"


class _NotStarted(Exception):
    """The kernel did not come up, and no cell has run."""

    def __init__(self, why: str, has_ended: bool) -> None:
        super().__init__(why)
        self.has_ended = has_ended


async def _shown(cells: list[str], seconds: float, kernel: _Kernel) -> list[dict[str, Any]]:
    """Run cells and return what each has shown.

    Raises:
        _NotStarted: none of them can be run.
        _Stopped: not all of them can be run.
    """
    from jupyter_client.asynchronous import AsyncKernelClient

    client = AsyncKernelClient()
    client.load_connection_file(kernel.file)
    client.start_channels(stdin=False, hb=False)
    ended = asyncio.ensure_future(kernel.watch())
    ready = asyncio.ensure_future(client.wait_for_ready(_START_SECONDS))
    await asyncio.wait({ready, ended}, return_when=asyncio.FIRST_COMPLETED)
    if not ready.done():
        raise _NotStarted(kernel.ending(), has_ended=True)
    if ready.exception() is not None:
        raise _NotStarted(str(ready.exception()), has_ended=False)
    shown, room = [], _Room()
    for number, cell in enumerate(cells, 1):
        one = _Cell(room)
        running = asyncio.ensure_future(
            client.execute_interactive(
                cell, allow_stdin=False, stop_on_error=False, output_hook=one.hear
            )
        )
        await _finished(running, ended, seconds, kernel, number)
        shown.append(one.shown())
    client.shutdown()
    await asyncio.wait({ended}, timeout=_END_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.kill(kernel.pid, signal.SIGKILL)
    return shown


async def _finished(
    running: "asyncio.Future[Any]",
    ended: "asyncio.Future[None]",
    seconds: float,
    kernel: _Kernel,
    number: int,
) -> None:
    """Wait for the end of a cell; one that is late is interrupted, as a user would.

    Raises:
        _Stopped: the kernel has ended, the cell does not, or it shows too much.
    """
    either = {running, ended}
    limit = seconds if seconds > 0 else None
    done, _ = await asyncio.wait(either, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
    if not done:
        with contextlib.suppress(ProcessLookupError):
            os.kill(kernel.pid, signal.SIGINT)
        done, _ = await asyncio.wait(
            either, timeout=_HEED_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
    if not done:
        raise _Stopped("late", f"cell {number} reached its time limit and could not be interrupted")
    if running not in done:
        raise _Stopped("ended", f"cell {number}: {kernel.ending()}")
    if isinstance(running.exception(), _TooMuch):
        raise _Stopped("too_much", f"the cells show more than {MOST_BYTES} bytes")
    running.result()


class _TooMuch(Exception):
    """The cells show more than may leave the jail."""


class _Room:
    """What the cells may still show."""

    def __init__(self) -> None:
        self._left = MOST_BYTES

    def take(self, value: Any) -> None:
        """Take what a value needs.

        Raises:
            _TooMuch: there is less.
        """
        self._left -= len(json.dumps(value, allow_nan=False))
        if self._left < 0:
            raise _TooMuch


class _Cell:
    """What one cell shows."""

    def __init__(self, room: _Room) -> None:
        self._room = room
        self._streams: dict[str, list[str]] = {"stdout": [], "stderr": []}
        self._display: list[Any] = []
        self._error: list[Any] = []

    def hear(self, message: dict[str, Any]) -> None:
        """Take in a message of the kernel about it.

        Raises:
            _TooMuch: it would be more than may leave the jail.
        """
        content = message["content"]
        match message["header"]["msg_type"]:
            case "stream":
                self._room.take(content["text"])
                self._streams[content["name"]].append(content["text"])
            case "display_data" | "execute_result":
                self._room.take(content["data"])
                self._display.append(content["data"])
            case "error":
                self._room.take(content)
                self._error.append(content)

    def shown(self) -> dict[str, Any]:
        """Return it."""
        streams = {name: "".join(parts) for name, parts in self._streams.items()}
        return {**streams, "display": self._display, "error": self._error}
