"""`rrtf demo` that is ended while it labels: nothing of it goes on."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest

from tests.processes import descendants, lives, words_of


def wait_until(condition, told, seconds=180):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, told()
        time.sleep(0.05)


@pytest.fixture
def demo(open_directory, request):
    """A demonstration that labels."""
    folder = open_directory / re.sub(r"\W", "-", request.node.name)
    folder.mkdir()
    folder.chmod(0o711)
    log = folder / "log"
    temporary = folder / "tmp"
    temporary.mkdir()
    temporary.chmod(0o711)
    words = ["-m", "services.cli.main", "demo", "--out", str(folder / "out"), "--human-eval", "0"]
    variables = {"TMPDIR": str(temporary), "RRTF_EXECUTOR_HOME": str(open_directory / "executor")}
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, *words],
            stdout=file,
            stderr=file,
            env=os.environ | variables,
            start_new_session=True,
        )
    process.told, process.temporary = log.read_text, temporary
    try:
        wait_until(lambda: process.poll() is not None or is_under_way(process), process.told)
        assert process.poll() is None, process.told()
        yield process
    finally:
        process.kill()
        process.wait()


def is_under_way(process):
    lines = [" ".join(words_of(child)) for child in descendants(process.pid)]
    return any("nsjail" in line for line in lines)


@pytest.mark.thorough  # Of what `rrtf up` and `rrtf label` do when they are ended it does the same.
@pytest.mark.parametrize(
    ("number", "to_all"),
    [
        pytest.param(signal.SIGINT, False, id="SIGINT"),
        pytest.param(signal.SIGINT, True, id="Ctrl-C"),
        pytest.param(signal.SIGTERM, False, id="SIGTERM"),
        pytest.param(signal.SIGKILL, False, id="SIGKILL"),
    ],
)
def test_a_demonstration_that_is_ended_leaves_nothing(demo, number, to_all):
    children = descendants(demo.pid)
    assert [path.name[:10] for path in demo.temporary.glob("rrtf-*")] == ["rrtf-demo-"]

    (os.killpg if to_all else os.kill)(demo.pid, number)

    status = demo.wait(60)
    assert status == (-number if number == signal.SIGKILL else 128 + number)
    wait_until(lambda: not any(map(lives, children)), demo.told, 60)
    wait_until(lambda: not list(demo.temporary.glob("rrtf-*")), demo.told, 60)
    assert list(demo.temporary.glob("pymp-*")) == []
    assert "Traceback" not in demo.told()
    assert number == signal.SIGKILL or demo.told().endswith(f"rrtf: ended by {number.name}\n")
