"""The candidate as a whole program: reads standard input, writes standard output, ends."""

import atexit
import contextlib
import gc
import os
import random
import sys
import threading
import types
from typing import Any, Final

from executor.guest.channel import Channel
from executor.guest.compiling import compile_candidate
from executor.guest.programs import carrying

_FOLDER: Final = "/tmp"
_FILE: Final = f"{_FOLDER}/candidate.py"


def run(fd: int, start: dict[str, Any]) -> int:
    """Run the candidate as `__main__` and return its exit status."""
    if not carrying.bring(fd, start):
        return 0
    carrying.take(fd, start)
    with contextlib.suppress(OSError), open(_FILE, "w", encoding="utf-8") as file:
        # For who looks at its own source, as tracebacks do.
        file.write(start["source"])
    channel = Channel(fd)
    code = compile_candidate(channel, start["source"], _FILE)
    os.close(fd)
    if code is None:
        return 0
    sys.argv = ["candidate.py", *start.get("arguments", [])]
    sys.path.insert(0, _FOLDER)
    random.seed(0)
    status = _execute(code)
    try:
        return finish() or status
    except BaseException:
        return status  # It has taken from the interpreter what its end needs.


def _execute(code: types.CodeType) -> int:
    # Only `sys.modules` holds the module afterwards.
    module = types.ModuleType("__main__")
    module.__file__ = _FILE
    sys.modules["__main__"] = module
    try:
        exec(code, module.__dict__)  # noqa: S102 - running the candidate is what this process is for
    except SystemExit as stop:
        _flush()
        return _status(stop)
    except BaseException as error:
        _flush()
        _tell(error)
        return 1
    _flush()
    return 0


def _tell(error: BaseException) -> None:
    """Have an exception told as the interpreter does at the end, without what is ours."""
    own = error.__traceback__.tb_next if error.__traceback__ else None
    with contextlib.suppress(BaseException):  # Of a hook of the candidate's own.
        sys.excepthook(type(error), error.with_traceback(own), own)


def _status(stop: SystemExit) -> int:
    if stop.code is None:
        return 0
    if isinstance(stop.code, int):
        return stop.code & 0xFF
    print(stop.code, file=sys.stderr)  # noqa: T201 - what the interpreter does with such an exit
    return 1


def finish() -> int:
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
