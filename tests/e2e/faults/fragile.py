"""A service that breaks where it is told to: `python -m tests.e2e.faults.fragile MODULE`.

It breaks at our own seams. Where the folder FRAGILE_DIR holds a file named after the module, the
process that is about to send what it has just committed writes its number into that file's place
and stops itself, so that a test can kill it there. An executor's process dies of a poison program,
and stops itself before a lethal one.
"""

import contextlib
import os
import runpy
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from infra.contracts.base import Contract
from infra.queues.messaging import Sender, Task
from tests.e2e.faults.load import LETHAL, POISON

CAUGHT = ".caught"
"""Ending of the file that holds the number of the process that stopped itself."""


def stop_between_commit_and_send(trap: Path) -> None:
    """Have the next sender stop itself once the trap is set."""
    send = Sender.send_or_raise

    def stopping(self: Sender, task: Task, message: Contract, priority: int = 0) -> None:
        with contextlib.suppress(FileNotFoundError):
            trap.unlink()  # Of several at once, one gets it.
            stop_and_tell(trap)
        send(self, task, message, priority)

    Sender.send_or_raise = stopping  # type: ignore[method-assign]


def stop_and_tell(trap: Path) -> None:
    """Stop this process, having told its number in the trap's place."""
    unfinished = trap.with_name(f"{trap.name}.new")
    unfinished.write_text(str(os.getpid()))
    unfinished.rename(trap.with_name(trap.name + CAUGHT))
    os.kill(os.getpid(), signal.SIGSTOP)


def die_of_poison(folder: Path) -> None:
    """Have the executor's process die of poison, and stop before what is to kill its worker."""
    from executor.judging.judge import Judge

    judge = Judge.judge

    def dying(self: Judge, source: str, *rest: Any) -> Any:
        if source.startswith(f"_{POISON} = "):
            threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGKILL)).start()
        elif source.startswith(f"_{LETHAL} = "):
            stop_and_tell(folder / LETHAL)
        return judge(self, source, *rest)

    Judge.judge = dying  # type: ignore[method-assign]


if __name__ == "__main__":
    module = sys.argv[1]
    traps = Path(os.environ["FRAGILE_DIR"])
    stop_between_commit_and_send(traps / module)
    if module == "executor":
        die_of_poison(traps)
    runpy.run_module(module, run_name="__main__", alter_sys=True)
