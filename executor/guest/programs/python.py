"""The candidate as a whole program: reads standard input, writes standard output, ends."""

import atexit
import contextlib
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
    sys.argv = ["candidate.py", *start.get("arguments", [])]
    random.seed(0)
    status = _execute(code)
    return _finish() or status


def _execute(code: types.CodeType) -> int:
    # Only `sys.modules` holds the module afterwards.
    module = types.ModuleType("__main__")
    module.__file__ = "/tmp/candidate.py"
    sys.modules["__main__"] = module
    try:
        exec(code, module.__dict__)  # noqa: S102 - running the candidate is what this process is for
    except SystemExit as stop:
        _flush()
        return _status(stop)
    except BaseException:
        _flush()
        traceback.print_exc(limit=20)
        return 1
    _flush()
    return 0


def _status(stop: SystemExit) -> int:
    if stop.code is None:
        return 0
    if isinstance(stop.code, int):
        return stop.code & 0xFF
    print(stop.code, file=sys.stderr)  # noqa: T201 - what the interpreter does with such an exit
    return 1


def _finish() -> int:
    """Do what the interpreter does at its end: threads, exit handlers, buffers, finalizers."""
    with contextlib.suppress(BaseException):
        # Not joined by hand: a pool's idle threads end only when this tells the pool to.
        threading._shutdown()  # type: ignore[attr-defined] # the interpreter's own first step
    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()
    is_flushed = _flush()
    if gc.isenabled():
        # Leaves everything in the order in which it hangs together, and so it is finalized below:
        # a file before its buffer.
        gc.collect()
    with contextlib.suppress(BaseException):
        # The candidate's own streams go with what they need; finalizers write to the first ones.
        sys.stdin, sys.stdout, sys.stderr = sys.__stdin__, sys.__stdout__, sys.__stderr__
    with contextlib.suppress(BaseException):
        # Not cleared: until they are collected, finalizers see the globals.
        sys.modules.pop("__main__", None)
        gc.collect()
    _flush()
    return 0 if is_flushed else 120


def _flush() -> bool:
    """Flush the standard streams; whether nothing of their content is lost."""
    is_flushed = True
    for name in ("stdout", "stderr"):
        try:
            file = getattr(sys, name, None)
            if file is not None and not _is_closed(file):
                file.flush()
        except BaseException:
            is_flushed = False
    return is_flushed


def _is_closed(file: Any) -> bool:
    try:
        return bool(file.closed)
    except BaseException:
        return False
