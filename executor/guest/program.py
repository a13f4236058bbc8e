"""The candidate as a whole program: reads standard input, writes standard output, ends."""

import atexit
import gc
import os
import random
import sys
import threading
import traceback
import types
from typing import Any

from executor.guest.channel import Channel
from executor.guest.compiling import compile_candidate


def run(fd: int, start: dict[str, Any]) -> int:
    """Run the candidate as `__main__` and return its exit status."""
    channel = Channel(fd)
    code = compile_candidate(channel, start["source"])
    os.close(fd)
    if code is None:
        return 0
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    sys.argv = ["candidate.py", *start.get("arguments", [])]
    random.seed(0)
    status = 0
    try:
        exec(code, module.__dict__)  # noqa: S102 - running the candidate is what this process is for
    except SystemExit as stop:
        status = _status(stop)
    except BaseException:
        traceback.print_exc(limit=20)
        status = 1
    return max(status, _finish(module))


def _status(stop: SystemExit) -> int:
    if stop.code is None:
        return 0
    if isinstance(stop.code, int):
        return stop.code & 0xFF
    print(stop.code, file=sys.stderr)  # noqa: T201 - what the interpreter does with such an exit
    return 1


def _finish(module: types.ModuleType) -> int:
    """Do what the interpreter does at its end: threads, exit handlers, finalizers, buffers."""
    try:
        # Not joined by hand: a pool's idle threads end only when this tells the pool to.
        threading._shutdown()  # type: ignore[attr-defined] # the interpreter's own first step
        atexit._run_exitfuncs()
        _flush()
        module.__dict__.clear()
        gc.collect()
        _flush()
    except BaseException:
        return 120
    return 0


def _flush() -> None:
    for file in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        if file is not None and not file.closed:
            file.flush()
