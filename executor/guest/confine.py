"""How a cell makes a jail: a process in namespaces of its own, which gives up everything else.

A strict jail gets the same from nsjail.
"""

import ctypes
import json
import os
import platform
import resource
import signal
import struct
from typing import NamedTuple, NoReturn

from executor.guest import stack

_CLONE_VM = 0x00000100
_CLONE_FILES = 0x00000400
_CLONE_PIDFD = 0x00001000
_CLONE_NEWNS = 0x00020000
_CLONE_NEWIPC = 0x08000000
_CLONE_NEWUSER = 0x10000000
_CLONE_NEWPID = 0x20000000
CHILD_FLAGS = 0x017D5FFF
"""Bits of `clone` that make a thread or an ordinary child, and name the signal of its end.

Not among them are a sibling instead of a child (CLONE_PARENT), which nobody would wait for,
tracing, shared I/O contexts, and namespaces.
"""
_REAPER_FLAGS = _CLONE_VM | _CLONE_FILES | _CLONE_PIDFD | _CLONE_NEWPID
_MS_NOSUID_NODEV = 6
_PR_SET_DUMPABLE = 4
_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_CAPBSET_DROP = ZYGOTE_OPTIONS = 1, 22, 24
"""Options of `prctl` that the zygote and its shims need, and no jail has."""
_CAPABILITY_VERSION_3 = 0x20080522
_LAST_CAPABILITY = 40
_INSIDE_UID = 65534
# By machine: its audit number, then the numbers of clone, mount, unshare, setns and prctl.
_MACHINES = {
    "x86_64": (0xC000003E, 56, 165, 272, 308, 157),
    "aarch64": (0xC00000B7, 220, 40, 97, 268, 167),
}
_ARCH, _CLONE, _MOUNT, _UNSHARE, _SETNS, _PRCTL = _MACHINES[platform.machine()]

_libc = ctypes.CDLL(None, use_errno=True)
_libc.clone.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, *[ctypes.c_void_p] * 2)
# This one keeps the interpreter's lock, which a child must hold to go on.
_syscall = ctypes.PyDLL(None, use_errno=True).syscall
_syscall.restype = ctypes.c_long
_syscall.argtypes = (ctypes.c_long, *[ctypes.c_ulong] * 5)

_STACK_LIMIT = 16 * 2**20
_SIGNALS = 1000
_STACK_BYTES = 4096
_STACKS = 64
"""Far more than a cell ever has jails at one time."""


class Namespaces:
    """Forks processes into PID namespaces of their own, each with a reaper as its process 1.

    A reaper shares the zygote's memory and files, so that it costs no copy and holds nothing open,
    and does nothing but sleep in the C library's `pause`; the kernel reaps for it, if whoever makes
    it ignores the signal of children. Killing it kills everything in its namespace. The end of
    neither gives a signal; they are waited for with `__WALL`.
    """

    def __init__(self) -> None:
        self._stacks = ctypes.create_string_buffer(_STACK_BYTES * (_STACKS + 1))
        self._count = 0
        self._pause = ctypes.cast(_libc.pause, ctypes.c_void_p)
        self._pidfd = ctypes.c_int(-1)
        self._pidfd_at = ctypes.addressof(self._pidfd)
        self._own = os.pidfd_open(os.getpid())

    def reaper(self) -> tuple[int, int]:
        """Start a reaper in a new PID namespace; return a file descriptor for it and its number.

        Raises:
            OSError: the kernel refused.
        """
        self._count = self._count % _STACKS + 1
        # The end of a stack is where it begins; it must be a multiple of sixteen.
        top = (ctypes.addressof(self._stacks) + self._count * _STACK_BYTES) & ~15
        pid = _libc.clone(self._pause, top, _REAPER_FLAGS, None, self._pidfd_at)
        if pid < 0:
            _fail()
        return self._pidfd.value, pid

    def fork(self, reaper: int) -> int:
        """Fork into the namespace of a reaper, with new mount and IPC namespaces.

        The C library does not learn of this fork, and the interpreter's hooks, which would only
        touch memory, do not run; that is safe for the one thread there is.

        Raises:
            OSError: the kernel refused.
        """
        _checked(_libc.setns(reaper, _CLONE_NEWPID))
        pid = int(_syscall(_CLONE, _CLONE_NEWNS | _CLONE_NEWIPC, 0, 0, 0, 0))
        if pid == 0:
            return 0
        if pid < 0:
            _fail()
        _checked(_libc.setns(self._own, _CLONE_NEWPID))
        return pid


def _fail() -> NoReturn:
    error = ctypes.get_errno()
    raise OSError(error, os.strerror(error))


def _checked(result: int) -> None:
    if result != 0:
        _fail()


# A filter of the kernel's packet language (linux/filter.h): code, jump if true, if false, operand.
_LOAD, _EQUAL, _AND, _RETURN = 0x20, 0x15, 0x54, 0x06
_ALLOW, _KILL, _EPERM = 0x7FFF0000, 0x80000000, 0x00050001
_NUMBER, _MACHINE, _FIRST_ARGUMENT = 0, 4, 16
"""Where a filter finds these (struct seccomp_data); of the argument, the lower half."""


def _program() -> bytes:
    """Refuse what only the zygote may do; all else the policy of the cell refuses already."""
    rows = [
        (_LOAD, 0, 0, _MACHINE),
        (_EQUAL, 1, 0, _ARCH),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    for number in (_MOUNT, _UNSHARE, _SETNS):
        rows += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _EPERM)]
    refused = len(ZYGOTE_OPTIONS)
    rows += [
        (_EQUAL, 0, 5, _CLONE),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_AND, 0, 0, ~CHILD_FLAGS & 0xFFFFFFFF),
        (_EQUAL, 1, 0, 0),
        (_RETURN, 0, 0, _EPERM),
        (_RETURN, 0, 0, _ALLOW),
        (_EQUAL, 0, refused + 1, _PRCTL),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
    ]
    rows += [(_EQUAL, refused - at, 0, option) for at, option in enumerate(ZYGOTE_OPTIONS)]
    rows += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _EPERM)]
    return b"".join(struct.pack("HBBI", *row) for row in rows)


class _Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("program", ctypes.c_char_p))


_CODE = _program()
_FILTER = _Filter(len(_CODE) // 8, _CODE)
_FILTER_AT = ctypes.byref(_FILTER)
_HEADER, _NO_CAPABILITIES = struct.pack("Ii", _CAPABILITY_VERSION_3, 0), bytes(24)


class Confinement(NamedTuple):
    """What a jail may do, as the kernel is told."""

    scratch: bytes
    """Options of the tmpfs."""
    rlimits: tuple[tuple[int, tuple[int, int]], ...]
    """Each with the limit, soft and hard."""


def read(text: bytes) -> Confinement:
    """Read JSON of `scratch` (options of the tmpfs) and `rlimits` (name to value)."""
    given = json.loads(text)
    rlimits = given["rlimits"].items()
    return Confinement(
        given["scratch"].encode(),
        tuple((getattr(resource, f"RLIMIT_{name}"), (value, value)) for name, value in rlimits),
    )


def confine(confined: Confinement, uid: int, proc_fd: int) -> None:
    """Take a fresh file system, another user in a user namespace of its own, limits and filter.

    Args:
        confined: What is left to this process; it is `bound` already.
        uid: Number of its user in the cell.
        proc_fd: Directory of some process file system in which `self` is this process.

    Raises:
        OSError: the kernel refused; nothing may be run then.
    """
    _checked(_libc.mount(b"none", b"/tmp", b"tmpfs", _MS_NOSUID_NODEV, confined.scratch))
    os.chdir("/tmp")
    # In an ordinary user's cell there is user 0 alone, and the kernel denies it to give up groups.
    if uid != 0:
        os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    # A process that changed its user may not write its own map without this.
    _checked(_libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0))
    _checked(_libc.unshare(_CLONE_NEWUSER))
    mapped = b"%d %d 1" % (_INSIDE_UID, uid)
    _write(proc_fd, "self/setgroups", b"deny")
    _write(proc_fd, "self/gid_map", mapped)
    _write(proc_fd, "self/uid_map", mapped)
    for number, limit in confined.rlimits:
        resource.setrlimit(number, limit)
    for number in range(_LAST_CAPABILITY + 1):
        _libc.prctl(_PR_CAPBSET_DROP, number, 0, 0, 0)  # Fails past the kernel's own last one.
    _checked(_libc.capset(_HEADER, _NO_CAPABILITIES))
    _checked(_libc.prctl(_PR_SET_SECCOMP, 2, _FILTER_AT, 0, 0))


def bound() -> None:
    """Set the limits that nsjail cannot set, or not as we want them.

    The stack gets its usual bound, which a program may widen: what it touches is counted. Signals
    that wait, and timers, would be as many as the machine's memory is large.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_STACK)
    size = _within(hard, _STACK_LIMIT)
    resource.setrlimit(resource.RLIMIT_STACK, (size, hard))
    stack.tell(size)
    _, hard = resource.getrlimit(resource.RLIMIT_SIGPENDING)
    resource.setrlimit(resource.RLIMIT_SIGPENDING, (_within(hard, _SIGNALS),) * 2)


def _within(hard: int, wanted: int) -> int:
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)


def die_with_parent() -> None:
    """Have the kernel kill this process, and all that is below it, when its parent ends.

    Raises:
        OSError: the kernel refused.
    """
    _checked(_libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0))


def _write(proc_fd: int, name: str, text: bytes) -> None:
    fd = os.open(name, os.O_WRONLY, dir_fd=proc_fd)
    try:
        os.write(fd, text)
    finally:
        os.close(fd)
