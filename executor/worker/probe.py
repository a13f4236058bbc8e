"""The start-up probe: a hostile program tries every control; one that does not bite stops us.

`python -m executor.worker.probe` prints what it finds.
"""

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from executor.judging.host import FunctionHost
from executor.judging.limits.metering import Meter, Spending
from executor.sandbox.ended import Ended
from executor.sandbox.jail import Sandbox
from executor.sandbox.slot import Slot
from executor.settings import ExecutorSettings
from infra import errors
from infra.contracts.base import Outcome
from infra.contracts.problems import Limits
from infra.settings import load

_HOSTILE: Final = """
import ctypes, errno, os, socket

libc = ctypes.CDLL(None, use_errno=True)

def call(number, *args):
    return errno.errorcode.get(ctypes.get_errno(), "?") if libc.syscall(number, *args) < 0 else "ok"

def user():
    return os.getuid() != 0 and os.getpid() != 1

def privileges():
    return [libc.prctl(39, 0, 0, 0, 0), libc.prctl(21, 0, 0, 0, 0)]

def write_outside():
    found = []
    for folder in ("/", "/py", "/lib", "/lib64", "/dev", "/py/guest/executor/guest"):
        try:
            open(folder + "/probe", "w").close()
            found.append(folder)
        except OSError:
            pass
    return found

def host_files():
    names = ("/etc/passwd", "/proc", "/sys", "/root", "/home", "/var", "/run")
    found = [name for name in names if os.path.exists(name)]
    # Of this folder there is a link to the time zones of the image, and nothing of the host's.
    for folder, names in (("/usr", ["share"]), ("/usr/share", ["zoneinfo"])):
        found += [f"{folder}/{name}" for name in os.listdir(folder) if name not in names]
    return found

def network():
    found = []
    for family in (socket.AF_INET, socket.AF_INET6, socket.AF_NETLINK, socket.AF_PACKET):
        try:
            socket.socket(family, socket.SOCK_DGRAM).close()
            found.append(str(family))
        except OSError:
            pass
    return found

def refused_calls():
    return [call(272, 0x10000000), call(101, 0, 0, 0, 0), call(165, 0, 0, 0, 0, 0),
            call(321, 0, 0, 0), call(425, 1, 0), call(56, 0x10000011, 0, 0, 0, 0),
            call(56, 0x8011, 0, 0, 0, 0), call(27, 0, 0, 0)]

def unnamed_calls():
    context = ctypes.c_ulong()
    return [call(206, 1, ctypes.byref(context)), call(457, 0, 0, 0, 0), call(600)]

def open_files():
    found = []
    for fd in range(4, 1024):
        try:
            os.fstat(fd)
            found.append(fd)
        except OSError:
            pass
    return found

def fork_many():
    children = 0
    try:
        while children < 5000:
            if os.fork() == 0:
                import time
                time.sleep(60)
            children += 1
    except OSError:
        pass
    return children

def fill_memory():
    blocks = []
    while True:
        blocks.append(bytearray(1 << 20))

def fill_disk():
    with open("/tmp/fill", "wb") as file:
        try:
            for _ in range(4096):
                file.write(bytes(1 << 20))
        except OSError:
            return True
    return False

def spin():
    while True:
        pass

def sleep():
    import time
    time.sleep(60)
"""

REMEDY: Final = (
    "run as root or allow user namespaces (sysctl user.max_user_namespaces above 0,"
    " kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0); in a"
    " container grant SYS_ADMIN, an"
    " unconfined seccomp and AppArmor profile, and a writable cgroup"
)


class Finding(NamedTuple):
    """What became of one control."""

    control: str
    bites: bool
    observed: str


_LIMITS: Final = Limits(
    # Loose, for a machine that is busy when the worker starts.
    cpu_seconds=1.0,
    total_cpu_seconds=5,
    memory_bytes=96 * 2**20,
    file_bytes=4 * 2**20,
    processes=16,
)
# What runs until it is ended needs no more; a worker that starts sooner helps sooner.
_BRIEF: Final = _LIMITS.model_copy(update={"cpu_seconds": 0.1})


class _Check(NamedTuple):
    control: str
    function: str
    good: Callable[[Any], bool]
    limits: Limits = _LIMITS


def _is_bounded(seen: Any) -> bool:
    return isinstance(seen, int) and 0 < seen <= _LIMITS.processes


_CHECKS: Final = (
    _Check("user is not root, nor process 1", "user", lambda seen: seen is True),
    # PR_GET_NO_NEW_PRIVS is 1, PR_GET_SECCOMP is 2 (a filter).
    _Check("no new privileges, seccomp filter", "privileges", lambda seen: seen == [1, 2]),
    _Check("file system is read-only", "write_outside", lambda seen: seen == []),
    _Check("files of the host are out of sight", "host_files", lambda seen: seen == []),
    _Check("no network sockets", "network", lambda seen: seen == []),
    _Check(
        "forbidden system calls are refused", "refused_calls", lambda seen: seen == ["EPERM"] * 8
    ),
    _Check(
        "system calls that nobody named are refused",
        "unnamed_calls",
        lambda seen: seen == ["ENOSYS"] * 3,
    ),
    _Check("no inherited files", "open_files", lambda seen: seen == []),
    _Check("number of processes is bounded", "fork_many", _is_bounded),
    _Check("temporary files are bounded", "fill_disk", lambda seen: seen is True),
    _Check("memory is bounded", "fill_memory", lambda seen: seen == "memory_limit_exceeded"),
    _Check("CPU time is bounded", "spin", lambda seen: seen == "time_limit_exceeded", _BRIEF),
    _Check("idle time is bounded", "sleep", lambda seen: seen == "time_limit_exceeded", _BRIEF),
)


def examine(sandbox: Sandbox) -> Iterator[Finding]:
    """Try every control with a hostile program.

    Raises:
        errors.SandboxUnsupported: no jail starts at all.
    """
    for check in _CHECKS:
        try:
            meter = Meter(check.limits)
            with FunctionHost(sandbox, _HOSTILE, check.limits, meter) as host:
                seen = _observe(host, check.function)
        except errors.SandboxUnsupported:
            raise
        except errors.SandboxError as error:
            raise errors.SandboxUnsupported(f"{error.detail}; {REMEDY}") from error
        yield Finding(check.control, check.good(seen), str(seen))


def _observe(host: FunctionHost, function: str) -> Any:
    request = {"op": "call", "id": 0, "function": function, "given": [[], {}]}
    try:
        answer = host.ask(request, Spending())
    except Ended as ended:
        return ended.outcome.value
    if answer.get("raised", {}).get("memory") is True:
        return Outcome.MEMORY_LIMIT_EXCEEDED.value
    return answer.get("value", answer)


def require(sandbox: Sandbox) -> None:
    """Refuse to go on unless every control bites.

    Raises:
        errors.SandboxUnsupported: naming the controls that do not, and what to do.
    """
    loose = [finding for finding in examine(sandbox) if not finding.bites]
    if loose:
        names = "; ".join(f"{finding.control} (saw {finding.observed})" for finding in loose)
        raise errors.SandboxUnsupported(f"the sandbox does not hold: {names}; {REMEDY}")


def main() -> int:
    """Print a line for each control; return 0 if all bite."""
    try:
        slot = Slot(load(ExecutorSettings), number=0)
    except errors.SuiteError as error:
        sys.stdout.write(f"cannot start: {error.detail}\n")
        return 1
    with contextlib.closing(slot):
        sys.stdout.write(f"{slot.version}\n")
        try:
            findings = list(examine(slot.sandbox))
        except errors.SandboxUnsupported as error:
            sys.stdout.write(f"cannot start: {error.detail}\n")
            return 1
    for finding in findings:
        mark = "ok  " if finding.bites else "FAIL"
        sys.stdout.write(f"{mark} {finding.control} ({finding.observed})\n")
    return 0 if all(finding.bites for finding in findings) else 1


if __name__ == "__main__":
    sys.exit(main())
