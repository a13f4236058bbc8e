"""Programs and folders that end with the process that asked for them, killed or not."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from infra import errors
from infra.local.ports import listen, url_of
from infra.local.temporary import temporary_folder
from tests.processes import lives

OWNER = """
import os, sys, time
from infra.local.process import run, spawn
from infra.local.temporary import temporary_folder
sleep = [sys.executable, "-I", "-c", "import time; print('up', flush=True); time.sleep(600)"]
with temporary_folder("rrtf-owner-") as folder:
    process = spawn(sleep, env={})
    print(process.pid, folder, flush=True)
    run(sleep, env={})
"""


def wait_until(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV])
def test_whatever_ends_an_owner_ends_its_programs_and_removes_its_folder(tmp_path, number):
    with subprocess.Popen(
        [sys.executable, "-c", OWNER],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        text=True,
    ) as owner:
        pid, folder = owner.stdout.readline().split()
        wait_until(lambda: len(children_of(owner)) == 3)  # And the one that removes the folder.
        children = children_of(owner)
        assert int(pid) in {child.pid for child in children}
        assert folder.startswith(f"{tmp_path}/rrtf-owner-")
        owner.send_signal(number)
        owner.wait(30)

    wait_until(lambda: not any(map(lives, children)))
    assert list(tmp_path.iterdir()) == []


def children_of(owner):
    return psutil.Process(owner.pid).children(recursive=True)


def test_a_folder_is_removed_with_what_is_in_it_when_its_block_ends(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with temporary_folder("rrtf-") as folder:
        (folder / "below").mkdir()
        (folder / "below" / "file").write_text("x")
        assert folder.parent == tmp_path

    assert not folder.exists()


def test_two_cannot_listen_on_one_port():
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        for host in ("127.0.0.1", "0.0.0.0"):  # noqa: S104 - it must not come to that
            with pytest.raises(
                errors.AddressTaken, match=f"port {port} of .*process {os.getpid()}"
            ):
                listen(host, port)
        assert url_of(first) == f"http://127.0.0.1:{port}"


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_a_host_of_another_machine_cannot_be_listened_on(host):
    with pytest.raises(errors.ConfigurationError, match="cannot listen"):
        listen(host, 0)
