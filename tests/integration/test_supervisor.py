"""The supervisor, with small real processes."""

import signal
import sys
import time
from pathlib import Path

import pytest

from infra import errors
from infra.local import supervisor as supervisor_module
from infra.local.supervisor import Service, Supervisor

SLEEP = [sys.executable, "-I", "-c", "import time; print('up', flush=True); time.sleep(600)"]


def wait_until(condition, seconds=15):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


@pytest.fixture
def supervisor(tmp_path):
    made = Supervisor(tmp_path / "logs", echo=False)
    yield made
    made.stop()


def test_a_service_that_is_killed_comes_back(supervisor):
    supervisor.start(Service(name="sleeper", command=SLEEP, env={}))
    wait_until(lambda: supervisor.pid("sleeper"))
    first = supervisor.pid("sleeper")

    supervisor.kill("sleeper", signal.SIGKILL)

    wait_until(lambda: supervisor.pid("sleeper") not in (None, first))


def test_a_service_that_refuses_to_start_is_given_up_with_its_words(supervisor):
    command = [sys.executable, "-I", "-c", "print('no such thing'); raise SystemExit(1)"]

    with pytest.raises(errors.Unavailable, match="no such thing"):
        supervisor.start(Service(name="refuser", command=command, env={}, ready=lambda: False))


def test_those_that_end_beside_one_another_need_not_wait_for_each_other(tmp_path):
    # Each of the two waits for the other's end to begin; in turns neither would see it.
    program = (
        "import pathlib, signal, sys, time\n"
        "own, other, end = map(pathlib.Path, sys.argv[1:4])\n"
        "def stop(*_):\n"
        "    own.with_suffix('.told').touch()\n"
        "    while not other.with_suffix('.told').exists(): time.sleep(0.01)\n"
        "    end.touch()\n"
        "    raise SystemExit(0)\n"
        "signal.signal(signal.SIGTERM, stop)\n"
        "own.touch()\n"
        "time.sleep(600)\n"
    )
    supervisor = Supervisor(tmp_path / "logs", echo=False)
    for own, other in (("b", "c"), ("c", "b")):
        names = [tmp_path / own, tmp_path / other, tmp_path / f"{own}-end"]
        command = [sys.executable, "-I", "-c", program, *map(str, names)]
        service = Service(
            name=own, command=command, env={}, ready=names[0].exists, ends_beside=True
        )
        supervisor.start(service)

    supervisor.stop()

    assert (tmp_path / "b-end").exists()
    assert (tmp_path / "c-end").exists()


def test_services_stop_in_reverse_order_and_leave_nothing(tmp_path):
    order = tmp_path / "order"
    program = (
        "import signal, sys, time\n"
        "def stop(*_):\n"
        "    open(sys.argv[1], 'a').write(sys.argv[2])\n"
        "    raise SystemExit(0)\n"
        "signal.signal(signal.SIGTERM, stop)\n"
        "open(sys.argv[3], 'w').close()\n"
        "time.sleep(600)\n"
    )
    supervisor = Supervisor(tmp_path / "logs", echo=False)
    for name in ("a", "b", "c"):
        ready = tmp_path / f"ready-{name}"
        command = [sys.executable, "-I", "-c", program, str(order), name, str(ready)]
        supervisor.start(Service(name=name, command=command, env={}, ready=ready.exists))

    supervisor.stop()

    assert order.read_text() == "cba"
    assert [supervisor.pid(name) for name in ("a", "b", "c")] == [None, None, None]


def test_abandoned_services_are_told_to_end_all_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor_module, "_ABANDONED_SECONDS", 60.0)
    program = (
        "import pathlib, signal, sys, time\n"
        "folder, name = pathlib.Path(sys.argv[1]), sys.argv[2]\n"
        "def stop(*_):\n"
        "    (folder / f'told-{name}').touch()\n"
        "    while len(list(folder.glob('told-*'))) < 3: time.sleep(0.01)\n"
        "    (folder / f'ended-{name}').touch()\n"
        "    raise SystemExit(0)\n"
        "signal.signal(signal.SIGTERM, stop)\n"
        "(folder / f'ready-{name}').touch()\n"
        "time.sleep(600)\n"
    )
    supervisor = Supervisor(tmp_path / "logs", echo=False)
    for name in ("a", "b", "c"):
        command = [sys.executable, "-I", "-c", program, str(tmp_path), name]
        ready = tmp_path / f"ready-{name}"
        supervisor.start(Service(name=name, command=command, env={}, ready=ready.exists))

    supervisor.abandon()
    supervisor.stop()

    assert len(list(tmp_path.glob("ended-*"))) == 3


@pytest.mark.slow
def test_a_service_that_is_killed_on_purpose_is_never_given_up(supervisor):
    supervisor.start(Service(name="sleeper", command=SLEEP, env={}))
    for _ in range(7):
        wait_until(lambda: supervisor.pid("sleeper"))
        last = supervisor.pid("sleeper")
        supervisor.kill("sleeper")
        wait_until(lambda last=last: supervisor.pid("sleeper") != last)

    wait_until(lambda: supervisor.pid("sleeper"))
    supervisor.check()


@pytest.mark.slow
@pytest.mark.parametrize("answer", ["lambda *_: sys.exit(0)", "signal.SIG_DFL"])
def test_a_service_that_stops_when_told_to_is_never_given_up(supervisor, tmp_path, answer):
    starts = tmp_path / "starts"
    program = (
        "import signal, sys, time\n"
        f"signal.signal(signal.SIGTERM, {answer})\n"
        "open(sys.argv[1], 'a').write('x')\n"
        "time.sleep(600)\n"
    )
    command = [sys.executable, "-I", "-S", "-c", program, str(starts)]
    supervisor.start(Service(name="orderly", command=command, env={}, ready=starts.exists))
    for number in range(1, 8):
        wait_until(lambda number=number: len(starts.read_text()) == number)
        supervisor.kill("orderly", signal.SIGTERM, with_children=False)

    wait_until(lambda: len(starts.read_text()) == 8)
    supervisor.check()


@pytest.mark.slow
def test_a_service_that_keeps_dying_is_given_up_with_its_words(supervisor, tmp_path):
    command = [sys.executable, "-I", "-S", "-c", "print('not today'); raise SystemExit(3)"]
    supervisor.start(Service(name="mortal", command=command, env={}))

    def is_given_up():
        try:
            supervisor.check()
        except errors.Unavailable as error:
            return "mortal died" in error.detail and "not today" in error.detail
        return False

    wait_until(is_given_up, seconds=60)
    assert (tmp_path / "logs" / "mortal.log").read_text().splitlines() == ["not today"] * 5


@pytest.mark.slow
def test_what_keeps_dying_once_all_were_up_is_brought_back_for_a_while(
    supervisor, tmp_path, monkeypatch
):
    monkeypatch.setattr(supervisor_module, "_FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(supervisor_module, "_PATIENCE_SECONDS", 5.0)
    disk = tmp_path / "full"
    starts = tmp_path / "starts"
    program = (
        "import os, sys, time\n"
        "open(sys.argv[1], 'a').write('x')\n"
        "if os.path.exists(sys.argv[2]): raise SystemExit(1)\n"
        "time.sleep(600)\n"
    )
    command = [sys.executable, "-I", "-S", "-c", program, str(starts), str(disk)]
    supervisor.start(Service(name="ranker", command=command, env={}, ready=starts.exists))
    supervisor.be_patient(["ranker"])
    disk.touch()
    supervisor.kill("ranker")
    wait_until(lambda: len(starts.read_text()) >= 7)
    supervisor.check()

    disk.unlink()
    time.sleep(5.5)  # Longer than the pause after six deaths, and than it is given.
    last = supervisor.pid("ranker")
    assert last
    supervisor.kill("ranker")
    wait_until(lambda: supervisor.pid("ranker") not in (None, last))
    supervisor.check()

    disk.touch()
    supervisor.kill("ranker")

    def is_given_up():
        try:
            supervisor.check()
        except errors.Unavailable:
            return True
        return False

    wait_until(is_given_up, seconds=30)


def test_a_refusal_after_a_restart_is_tried_again(supervisor, tmp_path):
    # The first start is well, the second ends with status 1, the third is well again.
    program = (
        "import sys, time\n"
        "open(sys.argv[1], 'a').write('x')\n"
        "if len(open(sys.argv[1]).read()) == 2: raise SystemExit(1)\n"
        "time.sleep(600)\n"
    )
    starts = tmp_path / "starts"
    command = [sys.executable, "-I", "-S", "-c", program, str(starts)]
    supervisor.start(Service(name="moody", command=command, env={}, ready=starts.exists))

    supervisor.kill("moody")

    wait_until(lambda: starts.read_text() == "xxx" and supervisor.pid("moody"))
    supervisor.check()


def test_the_children_of_a_service_end_with_it_however_stubborn(tmp_path):
    child = tmp_path / "child"
    program = (
        "import os, signal, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "if os.fork() == 0:\n"
        "    open(sys.argv[1], 'w').write(str(os.getpid()) + '\\n')\n"
        "time.sleep(600)\n"
    )
    command = [sys.executable, "-I", "-S", "-c", program, str(child)]
    supervisor = Supervisor(tmp_path / "logs", echo=False)
    service = Service(name="deaf", command=command, env={}, ready=child.exists, grace_seconds=0.3)
    supervisor.start(service)
    wait_until(lambda: child.read_text().endswith("\n"))

    supervisor.stop()

    assert supervisor.pid("deaf") is None
    wait_until(lambda: not is_running(int(child.read_text())))


def is_running(pid):
    # An orphan that nobody waits for stays in the table, without a command line.
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes() != b""
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_service_that_cannot_even_be_started_is_reported_and_harms_no_other(supervisor):
    supervisor.start(Service(name="sleeper", command=SLEEP, env={}))
    wait_until(lambda: supervisor.pid("sleeper"))
    first = supervisor.pid("sleeper")

    with pytest.raises(errors.Unavailable, match="broken cannot be started"):
        supervisor.start(Service(name="broken", command=SLEEP, env={"A": "b\0"}))

    assert supervisor.pid("sleeper") == first


def test_a_signal_to_a_service_that_was_never_started_reaches_nobody(supervisor):
    supervisor.kill("nobody")

    assert supervisor.pid("nobody") is None


def test_a_line_of_a_service_is_shown_as_text(tmp_path, capfd):
    program = r"print('\x1b[2J\u202eforged\rline', flush=True); import time; time.sleep(600)"
    command = [sys.executable, "-I", "-c", program]
    supervisor = Supervisor(tmp_path / "logs", echo=True)
    log = tmp_path / "logs" / "teller.log"
    try:
        supervisor.start(Service(name="teller", command=command, env={"PYTHONUTF8": "1"}))
        wait_until(lambda: log.exists() and log.read_bytes().endswith(b"\n"))
    finally:
        supervisor.stop()

    assert capfd.readouterr().err == "   teller | ␛[2J<U+202E>forged␍line\n"
