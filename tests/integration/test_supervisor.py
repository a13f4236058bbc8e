"""The supervisor, with small real processes."""

import signal
import sys
import time

import pytest

from infra import errors
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
