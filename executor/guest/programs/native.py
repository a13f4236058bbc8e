"""Programs of other languages, inside the jail: compile one, or become one."""

import os
import re
import signal
import subprocess
from typing import Any, NoReturn

from executor.guest.channel import Channel
from executor.guest.programs import carrying, java

MAX_DIAGNOSTICS = 4000
"""Bytes of what a compiler says that are told."""
_PUBLIC = re.compile(
    r"^\S+: error: .+ is public, should be declared in a file named ([^\s/]+\.java)$", re.M
)
"""What `javac` says of a file that is not named as its public class."""
_ENVIRONMENT = {
    "PATH": "/usr/bin", "HOME": "/tmp", "TMPDIR": "/tmp", "LC_ALL": "C.UTF-8", "TZ": "UTC0",
    "NODE_PATH": "/usr/lib/node_modules:/usr/share/nodejs",
}  # fmt: skip
_COMPILED_AT = 315532800
"""For compilers, in seconds since 1970: who knows when it was compiled knows its first run."""


def _environment(start: dict[str, Any]) -> dict[str, str]:
    if not start["libraries"]:
        return {**_ENVIRONMENT, **start["environment"]}
    libraries = {"LD_LIBRARY_PATH": ":".join(start["libraries"])}
    return {**_ENVIRONMENT, **start["environment"], **libraries}


def compile_source(fd: int, artifact: int, start: dict[str, Any]) -> None:
    """Compile, and send what came of it: the compiler's complaint, or the sizes of files it made.

    Their content goes to the open file `artifact`, one after the other.
    """
    if not carrying.bring(fd, start):
        return
    channel = Channel(fd)
    is_java = start["artifact"] == "classes"
    if is_java:
        os.mkdir("classes")
    status, told = _compile(start)
    if is_java and status != 0 and (public := _PUBLIC.search(told)) is not None:
        # The compiler alone knows the name for certain, whatever comments and texts hold.
        os.remove(start["file"])
        start["command"] = [
            public[1] if word == start["file"] else word for word in start["command"]
        ]
        start["sources"][public[1]] = start["sources"].pop(start["file"])
        start["file"] = public[1]
        status, told = _compile(start)
    if status != 0:
        refused = told or f"the compiler ended with {status}"
        channel.send({"compile_error": refused, "status": status})
        return
    answer: dict[str, Any] = {
        "artifact": {n: _written(n, artifact) for n in _files(start["artifact"])}
    }
    if is_java:
        answer["main"] = java.main_class("classes", start["file"].removesuffix(".java"))
    channel.send(answer)


def _compile(start: dict[str, Any]) -> tuple[int, str]:
    """Run the compiler on the files; return its exit status and what it said."""
    for name, text in start["sources"].items():
        os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
        with open(name, "wb") as file:
            file.write(text.encode("utf-8", "surrogateescape"))
        os.utime(name, (_COMPILED_AT, _COMPILED_AT))
    with open("diagnostics", "w+b") as diagnostics:
        done = subprocess.run(
            start["command"], stdin=subprocess.DEVNULL, stdout=diagnostics,
            stderr=subprocess.STDOUT, check=False,
            env={**_environment(start), "SOURCE_DATE_EPOCH": str(_COMPILED_AT)},
        )  # fmt: skip
        diagnostics.seek(0)
        told = diagnostics.read(MAX_DIAGNOSTICS).decode("utf-8", "replace")
    return done.returncode, told


def _files(artifact: str) -> list[str]:
    if os.path.isfile(artifact):
        return [artifact]
    return [os.path.join(folder, name) for folder, _, names in os.walk(artifact) for name in names]


def _written(name: str, artifact: int) -> int:
    """Add a file to the artifact; return its size."""
    with open(name, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        _copy(file.fileno(), 0, size, artifact)
    return size


def _copy(source: int, at: int, size: int, target: int) -> None:
    end = at + size
    while at < end and (done := os.sendfile(target, source, at, end - at)):
        at += done


def become(fd: int, artifact: int, start: dict[str, Any]) -> NoReturn:
    """Unpack the artifact and become the program; what remains of us is its standard files."""
    if not carrying.bring(fd, start):
        os._exit(0)
    carrying.take(fd, start)
    at = 0
    for name, size in start["artifact"].items():
        os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
        with open(name, "wb") as file:
            _copy(artifact, at, size, file.fileno())
        os.chmod(name, 0o755)  # noqa: S103 - the jail's own file
        at += size
    os.close(artifact)
    os.close(fd)
    # Python passes over it. What writes to a pipe that nobody reads any more ends by it elsewhere,
    # which a shell's endless loop before `head` relies on.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    os.execve(start["command"][0], start["command"], _environment(start))  # noqa: S606 - that is its task
