"""Tells as JSON what a container may do and whom it reaches; `compose_test.py` runs it in each.

Its arguments are addresses to try, as HOST:PORT.
"""

import ctypes
import errno
import json
import os
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

_CALLS = {
    "keyctl": 250,
    "bpf": 321,
    "perf_event_open": 298,
    "init_module": 175,
    "io_uring_setup": 425,
}
"""Numbers of system calls on x86-64 that no room needs."""
_COMMANDS = (
    *("KEYS *", "FLUSHALL", "CONFIG GET *", "ACL LIST", "INFO", "LRANGE ranker 0 -1"),
    *("LRANGE sampler 0 -1", "DEL ranker", "GET anything", "PUBLISH anything x", "EVAL return 0"),
)
"""Of Redis, that nobody needs who only takes work and hands back results."""


def reached(addresses: list[str]) -> list[str]:
    """Return those of the addresses that take a connection."""
    found = []
    for address in addresses:
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            continue
        found.append(address)
    return found


def process() -> dict[str, str]:
    """Return the kernel's own words about this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    words = {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return {name: words[name].split()[0] for name in ("Uid", "CapEff", "NoNewPrivs", "Seccomp")}


def calls() -> dict[str, str]:
    """Return how the kernel answers calls that no room needs, made without arguments."""
    libc = ctypes.CDLL(None, use_errno=True)
    answers = {}
    for name, number in _CALLS.items():
        answer = libc.syscall(number, 0, 0, 0, 0, 0, 0)
        answers[name] = errno.errorcode[ctypes.get_errno()] if answer < 0 else "done"
    return answers


def commands() -> list[str]:
    """Return the commands that Redis takes from the user of `REDIS_URL`."""
    url = urlsplit(os.environ["REDIS_URL"])
    taken = []
    with socket.create_connection((url.hostname or "", url.port or 6379), timeout=5) as connection:
        answers = connection.makefile("rb")
        for command in (f"AUTH {url.username or 'default'} {url.password}", "PING", *_COMMANDS):
            connection.sendall(f"{command}\r\n".encode())
            if not answers.readline().startswith(b"-NOPERM"):
                taken.append(command.partition(" ")[0])
    return taken


if __name__ == "__main__":
    json.dump(
        {
            "reached": reached(sys.argv[1:]),
            "process": process(),
            "calls": calls(),
            "commands": commands() if "executor:" in os.environ.get("REDIS_URL", "") else [],
        },
        sys.stdout,
    )
