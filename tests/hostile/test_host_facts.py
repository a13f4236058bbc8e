"""What a candidate can learn of the machine it runs on."""

import json
import os
import socket

import pytest

from executor.judging.host import FunctionHost, Meter, Spending
from tests.hostile.attacks import LIMITS

PROGRAM = """
import ctypes
import errno
import json
import os
import resource
import socket
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)
ROOM = ctypes.create_string_buffer(4096)


def told(call, *arguments):
    try:
        return repr(call(*arguments))
    except OSError as error:
        return errno.errorcode.get(error.errno, "nothing")


def answered(call, *arguments):
    return "told" if call(*arguments) >= 0 else errno.errorcode[ctypes.get_errno()]


def refused():
    return {
        "disk": [told(os.statvfs, path) for path in ("/", "/py", "/lib", "/tmp", "/dev/null")],
        "disk of a file": told(os.fstatvfs, 0),
        "memory": answered(libc.sysinfo, ROOM),
        "load": told(os.getloadavg),
        "messages of the kernel": answered(libc.klogctl, 3, ROOM, 4096),
        "page cache": answered(libc.syscall, 27, ROOM, 4096, ROOM),
        "interfaces": told(socket.if_nameindex),
        "disks": answered(libc.quotactl, 0x800001 << 8, b"/py", 0, ROOM),
        "swap": answered(libc.swapoff, b"/py"),
        "placement of memory": answered(libc.syscall, 239, ROOM, ROOM, 8, 0, 0),
        "shared memory": answered(libc.shmctl, 0, 14, ROOM),
        "clock of the machine": answered(libc.adjtimex, ROOM),
    }


def seen():
    return {
        "folders": [sorted(os.listdir(path)) for path in ("/", "/dev", "/tmp", "/usr",
                                                          "/usr/share")],
        "missing": [path for path in ("/proc", "/sys", "/etc", "/home", "/root", "/var", "/run")
                    if os.path.exists(path)],
        "is one folder": os.path.samefile("/mnt", "/tmp"),
        "owners": sorted({os.stat(path).st_uid for path in ("/", "/py", "/lib", "/dev/null")}),
        "user": [*os.getresuid(), *os.getresgid(), *os.getgroups()],
        "name": [socket.gethostname(), os.uname().nodename],
        "environment": sorted(os.environ),
        "words": [*sys.path, *sys.argv, *sys.orig_argv, sys.executable, *os.environ.values()],
        "peer": list(socket.socket(fileno=os.dup(3)).getsockopt(1, 17, 12)),
        "waiting signals": resource.getrlimit(resource.RLIMIT_SIGPENDING),
        "files": [fd for fd in range(64) if told(os.fstat, fd) != "EBADF"],
        # Answered by nobody who looks at a file.
        "writes to disk": [told(call, 63) for call in (os.fsync, os.fdatasync)],
    }


def facts():
    return json.dumps([refused(), seen()])
"""


@pytest.mark.parametrize("slot", ["cell", "strict"], indirect=True)
def test_a_candidate_learns_nothing_that_it_does_not_need(slot):
    request = {"op": "call", "id": 0, "function": "facts", "given": [[], {}]}
    with FunctionHost(slot.sandbox, PROGRAM, LIMITS, Meter(LIMITS)) as host:
        refused, seen = json.loads(host.ask(request, Spending())["value"])

    assert set(refused["disk"]) == {"EPERM"}
    load = refused.pop("load")
    assert load == "nothing"
    unknown = {name for name, error in refused.items() if error == "ENOSYS"}
    assert unknown == {"memory", "placement of memory", "shared memory"}
    known = {str(error) for name, error in refused.items() if name not in {*unknown, "disk"}}
    assert known == {"EPERM"}
    words = seen.pop("words")
    assert not [word for word in words if os.getcwd() in word or socket.gethostname() in word]
    assert seen == {
        "folders": [
            ["dev", "lib", "lib64", "mnt", "py", "tmp", "usr"],
            ["fd", "null", "shm", "stderr", "stdin", "stdout", "urandom", "zero"],
            [],
            ["share"],
            ["zoneinfo"],
        ],
        "missing": [],
        "is one folder": True,
        "owners": [65534],
        "user": [65534] * 6,
        "name": ["jail", "jail"],
        "environment": [
            *("HOME", "LC_ALL", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"),
            *("PATH", "PYTHONHASHSEED", "TZ"),
        ],
        # Process 0 and the user that nobody is: whoever is at the other end is out of its sight.
        "peer": [0, 0, 0, 0, 254, 255, 0, 0, 254, 255, 0, 0],
        "waiting signals": [1000, 1000],
        "files": [0, 1, 2, 3],
        "writes to disk": ["None", "None"],
    }
