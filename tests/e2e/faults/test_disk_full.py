"""The disk of the data directory is full for a while: tables, logs, checkpoints and all."""

import contextlib
import os
import shutil
import time

import pytest


@pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can give the data directory a small disk of its own"
)
def test_a_full_disk_is_outlived(rig):
    restarts = 0
    with rig.fault("disk full") as injections:
        for _ in injections:
            with full(rig.suite.home):
                time.sleep(rig.rng.uniform(0.1, 0.5))
            restarts += start_again(rig.suite.servers)
    print(f"servers that had ended themselves: {restarts}")  # noqa: T201 - for `make soak`


@contextlib.contextmanager
def full(home):
    """Take all that is left of the disk."""
    ballast = home / "ballast"
    with ballast.open("wb") as file:
        while (free := shutil.disk_usage(home).free) > 0:
            try:
                os.posix_fallocate(file.fileno(), file.tell(), free)
                file.seek(0, os.SEEK_END)
            except OSError:
                break  # Someone else got the last of it.
        with contextlib.suppress(OSError):
            file.write(bytes(1 << 20))
    try:
        yield
    finally:
        ballast.unlink()


def start_again(servers):
    """Do what whoever looks after the machine does: start servers that gave up; count them."""
    ended = [server for server in (servers.postgres, servers.valkey) if not server.is_running]
    for server in ended:
        server.stop()
        server.start()
    return len(ended)
