"""Hosts on one machine: network namespaces, joined by a bridge that nobody else sees.

All of it is gone with the processes that are in it, however they end.
"""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from infra.local.process import end, spawn
from tests.e2e.faults.load import until

ADDRESS = "10.77.0.1"
"""Of the host that the calling thread is on."""
_CLONE_NEWNET = 0x40000000


def move_to_a_host_of_its_own() -> None:
    """Take this thread, and all that it starts, off this machine's network, to a bridge of its own.

    Raises:
        OSError: only root may.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    _ip("link set lo up")
    _ip("link add bridge0 type bridge")
    _ip(f"addr add {ADDRESS}/24 dev bridge0")
    _ip("link set bridge0 up")


class Host:
    """Another host on the bridge of the thread that makes it."""

    def __init__(self, number: int) -> None:
        self._port = f"port{number}"
        self._holder = spawn([_tool("unshare"), "--net", "sleep", "infinity"], env=os.environ)
        namespace = Path(f"/proc/{self._holder.pid}/ns/net")
        ours = os.readlink("/proc/thread-self/ns/net")
        # Until it is `sleep`, it is not there yet.
        assert until(lambda: os.readlink(namespace) != ours, 10)
        self._enter = [_tool("nsenter"), f"--net={namespace}"]
        pid = self._holder.pid
        _ip(f"link add {self._port} type veth peer name eth0 netns {pid}")
        _ip(f"link set {self._port} master bridge0 up")
        _ip("link set lo up", self._enter)
        _ip(f"addr add 10.77.0.{number}/24 dev eth0", self._enter)
        _ip("link set eth0 up", self._enter)

    def command(self, words: Sequence[str]) -> list[str]:
        """Return the command line that runs a command on this host."""
        return [*self._enter, *words]

    def cut(self) -> None:
        """Pull the cable: nothing passes any more, and nobody is told."""
        _ip(f"link set {self._port} down")

    def join(self) -> None:
        """Put the cable back."""
        _ip(f"link set {self._port} up")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        end(self._holder, 9)


def _ip(words: str, enter: Sequence[str] = ()) -> None:
    subprocess.run([*enter, _tool("ip"), *words.split()], check=True)


def _tool(name: str) -> str:
    found = shutil.which(name)
    assert found, f"{name} is missing; on Debian: apt-get install iproute2 util-linux"
    return found
