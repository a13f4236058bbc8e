"""The system calls a jail may make, as Kafel policies: a list of what is allowed.

What no line here names is answered as an older kernel would, so that a call which a new kernel
brings is refused until somebody has looked at it. A call with good and bad uses is allowed by its
arguments; they are compared whole, so that bits which the kernel drops cannot hide one. IPC of
System V is not named: nothing but a cgroup bounds its memory, and Python has no module for it.
"""

import platform
from collections.abc import Iterable, Sequence
from typing import Final

from executor.guest.confine import CHILD_FLAGS, ZYGOTE_OPTIONS

_FILES: Final = (
    "read", "write", "close", "newfstat", "lseek", "pread64", "pwrite64", "readv", "writev", "dup",
    "dup3", "pipe2", "sendfile64", "truncate", "ftruncate", "getdents64", "getcwd", "chdir",
    "fchdir", "fchmod", "fchown", "umask", "openat", "openat2", "mkdirat", "mknodat", "fchownat",
    "newfstatat", "unlinkat", "renameat", "renameat2", "linkat", "symlinkat", "readlinkat",
    "fchmodat", "fchmodat2", "faccessat", "faccessat2", "utimensat", "fallocate", "preadv",
    "pwritev", "copy_file_range", "statx", "close_range", "getxattr", "lgetxattr", "fgetxattr",
    "listxattr", "llistxattr", "flistxattr",
)  # fmt: skip
_MEMORY: Final = (
    "mprotect", "munmap", "brk", "mremap", "msync", "pkey_mprotect", "pkey_alloc", "pkey_free",
)  # fmt: skip
_PROCESSES: Final = (
    "execve", "execveat", "exit", "exit_group", "wait4", "waitid", "kill", "tkill", "tgkill",
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigtimedwait",
    "rt_sigqueueinfo", "rt_tgsigqueueinfo", "rt_sigsuspend", "sigaltstack", "pidfd_open",
    "pidfd_send_signal", "getpid", "getppid", "gettid", "getpgid", "getsid", "setpgid", "setsid",
    "set_tid_address", "set_robust_list", "get_robust_list", "futex", "rseq", "getrlimit",
    "setrlimit", "prlimit64", "getrusage", "times", "restart_syscall", "sched_yield",
    "sched_getaffinity", "sched_getparam", "sched_getscheduler", "sched_get_priority_max",
    "sched_get_priority_min", "sched_rr_get_interval", "getpriority", "getcpu", "newuname",
    "getrandom", "getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid", "getgroups",
    "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setfsuid", "setfsgid",
    "setgroups", "capget", "capset",
)  # fmt: skip
_WAITING: Final = (
    "gettimeofday", "clock_gettime", "clock_getres", "clock_nanosleep", "nanosleep", "setitimer",
    "getitimer", "timer_create", "timer_settime", "timer_gettime", "timer_getoverrun",
    "timer_delete", "timerfd_create", "timerfd_settime", "timerfd_gettime", "ppoll", "pselect6",
    "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "eventfd2", "signalfd4",
)  # fmt: skip
_TALKING: Final = (
    "bind", "listen", "accept", "accept4", "connect", "getsockname", "getpeername", "sendto",
    "recvfrom", "sendmsg", "recvmsg", "sendmmsg", "recvmmsg", "shutdown", "getsockopt",
)  # fmt: skip
_OLD: Final = (
    "open", "creat", "newstat", "newlstat", "access", "readlink", "rename", "mkdir", "rmdir",
    "link", "unlink", "symlink", "chmod", "chown", "lchown", "mknod", "utime", "utimes",
    "futimesat", "getdents", "dup2", "pipe", "poll", "select", "epoll_create", "epoll_wait",
    "eventfd", "signalfd", "fork", "vfork", "getpgrp", "alarm", "pause", "time", "arch_prctl",
)  # fmt: skip
"""Calls that only the x86-64 kernel still has."""

ALLOWED_CALLS: Final = (*_FILES, *_MEMORY, *_PROCESSES, *_WAITING, *_TALKING, *_OLD)
"""Of any jail on x86-64, whatever the arguments."""

_NOT_PERMITTED: Final = (
    # Reaching other processes and the kernel's own machinery.
    "ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd", "process_madvise",
    "keyctl", "add_key", "request_key", "bpf", "perf_event_open", "userfaultfd",
    "io_uring_setup", "io_uring_enter", "io_uring_register", "syslog", "seccomp",
    # Namespaces and mounts.
    "unshare", "setns", "mount", "umount", "pivot_root", "chroot", "fsopen", "fsconfig",
    "fsmount", "fspick", "move_mount", "open_tree", "mount_setattr", "name_to_handle_at",
    "open_by_handle_at", "fanotify_init", "fanotify_mark", "quotactl",
    # The machine.
    "init_module", "finit_module", "delete_module", "kexec_load", "reboot",
    "swapon", "swapoff", "acct", "sethostname", "setdomainname", "settimeofday",
    "clock_settime", "clock_adjtime", "adjtimex", "vhangup", "personality",
    # Ways to speak with another jail through what both can see.
    "flock", "inotify_init1", "inotify_add_watch", "mincore", "cachestat",
    # What the host's disks and memory hold: /py is a folder of the one, /dev/null shows the other.
    "statfs", "fstatfs",
    # Scheduling and memory that others would pay for.
    "mbind", "set_mempolicy", "migrate_pages", "move_pages", "mlock", "mlock2", "mlockall",
    "sched_setattr", "sched_setparam", "sched_setaffinity", "setpriority",
    "ioprio_set", "sync", "syncfs",
)  # fmt: skip
"""What a program is told it may not do; that the kernel lacks it would be no better answer."""
_OLD_NOT_PERMITTED: Final = ("inotify_init", "iopl", "ioperm", "kexec_file_load", "lookup_dcookie")

_FCNTL: Final = (
    0, 1, 2, 3, 4,  # F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL
    5,  # F_GETLK, which finds no lock, as no jail sets one.
    1030, 1031, 1032, 1033, 1034,  # F_DUPFD_CLOEXEC, pipe sizes, seals
)  # fmt: skip
_IOCTL: Final = (
    0x5401, 0x802C542A, 0x540F, 0x5413,  # TCGETS, TCGETS2, TIOCGPGRP, TIOCGWINSZ
    0x541B, 0x5421, 0x5450, 0x5451,  # FIONREAD, FIONBIO, FIONCLEX, FIOCLEX
)  # fmt: skip
_MADVISE: Final = (*range(5), 8, 10, 11, *range(14, 20), 22, 23, 24, 25, 102, 103)
"""All but what merges pages with those of others, drops them from the page cache or breaks them."""
_PRCTL: Final = (2, 3, 4, 15, 16, 21, 23, 29, 30, 38, 39, 40, 41, 42)
"""Names, dumps, timer slack, huge pages, and questions.

Not names of mappings, which the kernel charges to nobody.
"""
_SOCKET_OPTIONS: Final = (2, 5, 6, 9, 10, 13, 15, 16, 18, 20, 21, 66, 67)
"""Of SOL_SOCKET: no filters, no devices, no marks."""
_BUFFER_SIZES: Final = (7, 8)
_HUGE_PAGES: Final = 0x40000
_HUGE_FILE: Final = 4
"""Flags of `mmap` and `memfd_create`: pages that the host has set aside, charged to nobody."""
_MEMBARRIER: Final = (0, 8, 16, 32, 64)
"""A question, and barriers among a process's own threads."""
_NAMESPACE_FLAGS: Final = 0x00020000 | 0x08000000 | 0x20000000
"""CLONE_NEWNS, NEWIPC and NEWPID, which the zygote gives its jails."""


def _is(name: str, values: Iterable[int]) -> str:
    return " || ".join(f"{name} == {value:#x}" for value in values)


def _arguments(clone_flags: int, prctl: Sequence[int]) -> tuple[str, ...]:
    return (
        # The C library tries `clone3` first, whose flags no filter can read, and falls back.
        f"ALLOW {{ clone {{ (clone_flags & {~clone_flags & 2**64 - 1:#x}) == 0 }} }}",
        "ERRNO(1) { clone }",
        f"ALLOW {{ prctl {{ {_is('option', prctl)} }} }}",
        "ERRNO(1) { prctl }",
        f"ALLOW {{ fcntl {{ {_is('cmd', _FCNTL)} }} }}",
        # Record locks never hold against their own process, so that one which is not set is
        # right for a program of one process; set, other jails could try it on /dev/null.
        "ERRNO(0) { fcntl { cmd == 6 || cmd == 7 } }",
        # Locks of open files, leases, and notices about directories.
        "ERRNO(1) { fcntl }",
        f"ALLOW {{ ioctl {{ {_is('cmd', _IOCTL)} }} }}",
        "ERRNO(25) { ioctl }",  # ENOTTY, as for every request that a file does not know.
        f"ALLOW {{ madvise {{ {_is('behavior', _MADVISE)} }} }}",
        "ERRNO(22) { madvise }",
        # Advice about the page cache, which all jails share, is taken and not followed.
        "ERRNO(0) { fadvise64 }",
        # Every file that can be written is in memory; of others it would make the host's disk wait.
        "ERRNO(0) { fsync, fdatasync }",
        f"ALLOW {{ mmap {{ (flags & {_HUGE_PAGES:#x}) == 0 }} }}",
        f"ALLOW {{ memfd_create {{ (flags & {_HUGE_FILE:#x}) == 0 }} }}",
        "ERRNO(1) { mmap, memfd_create }",
        "ALLOW { socket { family == 1 }, socketpair { family == 1 } }",  # AF_UNIX
        "ERRNO(1) { socket, socketpair }",
        f"ALLOW {{ setsockopt {{ level == 1 && ({_is('optname', _SOCKET_OPTIONS)}) }} }}",
        # Taken and not followed, as the kernel does with sizes above its most: without a cgroup
        # nothing else bounds what sockets hold.
        f"ERRNO(0) {{ setsockopt {{ level == 1 && ({_is('optname', _BUFFER_SIZES)}) }} }}",
        "ERRNO(92) { setsockopt }",  # ENOPROTOOPT
        # RWF_NOWAIT tells whether another has read the same page before.
        "ALLOW { preadv2 { flags == 0 }, pwritev2 { flags == 0 } }",
        "ERRNO(95) { preadv2, pwritev2, setxattr, lsetxattr, fsetxattr }",  # EOPNOTSUPP
        # What is so already; ZeroMQ, which notebooks speak by, asks for it in each of its threads.
        "ALLOW { sched_setscheduler { policy == 0 } }",  # SCHED_OTHER
        "ERRNO(1) { sched_setscheduler }",
        f"ALLOW {{ membarrier {{ {_is('cmd', _MEMBARRIER)} }} }}",
        "ERRNO(22) { membarrier }",
    )


def _policy(clone_flags: int, prctl: Sequence[int], extra: Sequence[str] = ()) -> str:
    allowed = [*_FILES, *_MEMORY, *_PROCESSES, *_WAITING, *_TALKING, *extra]
    refused = [name for name in _NOT_PERMITTED if name not in extra]
    if platform.machine() == "x86_64":
        allowed += _OLD
        refused += _OLD_NOT_PERMITTED
    lines = [
        f"ALLOW {{ {', '.join(allowed)} }}",
        *_arguments(clone_flags, prctl),
        f"ERRNO(1) {{ {', '.join(refused)} }}",
    ]
    return "POLICY rrtf {\n  " + ",\n  ".join(lines) + "\n}\nUSE rrtf DEFAULT ERRNO(38)\n"


POLICY: Final = _policy(CHILD_FLAGS, _PRCTL)
"""Of a strict jail."""
CELL_POLICY: Final = _policy(
    CHILD_FLAGS | _NAMESPACE_FLAGS,
    (*_PRCTL, *ZYGOTE_OPTIONS),
    extra=("mount", "setns", "unshare"),
)
"""Of a cell as a whole; what only its zygote needs, `executor.guest.confine` takes from jails."""
