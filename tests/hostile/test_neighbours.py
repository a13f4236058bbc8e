"""Two jails: one takes hold of whatever both can name, the other looks for a sign of it."""

import contextlib

import pytest

from executor.judging.host import FunctionHost, Meter, Spending
from executor.sandbox.slot import Slot
from executor.settings import ExecutorSettings, default_home
from tests.hostile.attacks import LIMITS

PROGRAM = """
import ctypes
import fcntl
import os
import socket
import struct

libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
SHARED = ("/dev/null", "/dev/zero", "/dev/urandom", "/py/bin/python3", "/py", "/")
F_GETLK, F_SETLK, F_SETLEASE, F_OFD_GETLK, F_OFD_SETLK = 5, 6, 1024, 36, 37
F_GET_RW_HINT, F_SET_RW_HINT = 1035, 1036
# Files, and places where an interpreter looks for modules and what it has compiled of them.
LEFT = ("/dev/shm/neighbour", "/tmp/neighbour.py", "/py/lib/python3.11/__pycache__/neighbour.pyc",
        "/py/guest/neighbour.py", "/tmp/.local/lib/python3.11/site-packages/neighbour.pth")
kept = []


def opened():
    for path in SHARED:
        for flags in (os.O_RDWR, os.O_RDONLY):
            try:
                yield os.open(path, flags)
            except OSError:
                pass


def lock(kind):
    return struct.pack("hhqqi4x", kind, 0, 0, 0, 0)


def attempt(call, *arguments):
    try:
        return call(*arguments)
    except (OSError, ValueError):
        return None


def take():
    for fd in opened():
        kept.append(fd)
        for kind in (fcntl.F_WRLCK, fcntl.F_RDLCK):
            for command in (F_SETLK, F_OFD_SETLK):
                attempt(fcntl.fcntl, fd, command, lock(kind))
            attempt(fcntl.fcntl, fd, F_SETLEASE, kind)
        attempt(fcntl.flock, fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        attempt(fcntl.fcntl, fd, F_SET_RW_HINT, struct.pack("q", 5))
    for name in (chr(0) + "neighbour", "/tmp/neighbour"):
        server = socket.socket(socket.AF_UNIX)
        attempt(server.bind, name)
        attempt(server.listen)
        kept.append(server)
    kept.append(libc.shmget(4711, 4096, 0o1666))
    kept.append(libc.semget(4711, 1, 0o1666))
    kept.append(libc.msgget(4711, 0o1666))
    for path in LEFT:
        attempt(os.makedirs, os.path.dirname(path))
        attempt(lambda path=path: open(path, "w").write("x"))
    os.environ["NEIGHBOUR"] = "x"
    return True


def look():
    found = []
    for fd in opened():
        path = os.fstat(fd).st_ino
        for kind in (fcntl.F_WRLCK, fcntl.F_RDLCK):
            for command in (F_GETLK, F_OFD_GETLK):
                told = attempt(fcntl.fcntl, fd, command, lock(kind))
                if told is not None and struct.unpack("hhqqi4x", told)[0] != fcntl.F_UNLCK:
                    found.append(f"a lock on {path}")
            for command in (F_SETLK, F_OFD_SETLK):
                try:
                    fcntl.fcntl(fd, command, lock(kind))
                except BlockingIOError:
                    found.append(f"a lock on {path} that keeps me out")
                except OSError:
                    pass
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            found.append(f"a lock of {path} as a whole")
        except OSError:
            pass
        told = attempt(fcntl.fcntl, fd, F_GET_RW_HINT, struct.pack("q", 0))
        if told is not None and struct.unpack("q", told)[0]:
            found.append(f"a hint on {path}")
    for name in (chr(0) + "neighbour", "/tmp/neighbour"):
        if attempt(socket.socket(socket.AF_UNIX).connect_ex, name) == 0:
            found.append(f"a server at {name!r}")
    for call, words in ((libc.shmget, (4096, 0)), (libc.semget, (1, 0)), (libc.msgget, (0,))):
        if call(4711, *words) >= 0:
            found.append(f"{call.__name__} 4711")
    found += [path for path in LEFT if os.path.exists(path)]
    found += [name for name in os.environ if name == "NEIGHBOUR"]
    return found
"""


def ask(host, function):
    request = {"op": "call", "id": 0, "function": function, "given": [[], {}]}
    return host.ask(request, Spending())["value"]


@pytest.fixture(params=[False, True], ids=["cell", "strict"])
def slots(request):
    """Two slots of one kind."""
    with contextlib.ExitStack() as stack:
        settings = ExecutorSettings(home=default_home(), strict=request.param)
        yield [stack.enter_context(contextlib.closing(Slot(settings, n))) for n in (8, 9)]


def hosted(slot):
    return FunctionHost(slot.sandbox, PROGRAM, LIMITS, Meter(LIMITS))


def test_a_jail_finds_no_sign_of_another(slots):
    with hosted(slots[0]) as one, hosted(slots[1]) as other:
        assert ask(one, "take") is True

        assert ask(other, "look") == []
        # The one still runs, so that there was something to be found.
        assert ask(one, "take") is True


def test_a_jail_finds_no_sign_of_an_earlier_one(slots):
    with hosted(slots[0]) as earlier:
        assert ask(earlier, "take") is True

    with hosted(slots[0]) as later:
        assert ask(later, "look") == []
