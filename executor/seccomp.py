"""The system calls a jail may not make, as a Kafel policy."""

from collections.abc import Sequence
from typing import Final

_REFUSED: Final = (
    # Reaching other processes and the kernel's own machinery.
    "ptrace", "process_vm_readv", "process_vm_writev", "kcmp", "pidfd_getfd", "process_madvise",
    "keyctl", "add_key", "request_key", "bpf", "perf_event_open", "userfaultfd",
    "io_uring_setup", "io_uring_enter", "io_uring_register", "lookup_dcookie", "syslog",
    # Namespaces and mounts.
    "unshare", "setns", "mount", "umount", "pivot_root", "chroot", "fsopen", "fsconfig",
    "fsmount", "fspick", "move_mount", "open_tree", "mount_setattr", "name_to_handle_at",
    "open_by_handle_at", "fanotify_init", "fanotify_mark", "quotactl",
    # The machine.
    "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "reboot",
    "swapon", "swapoff", "acct", "sethostname", "setdomainname", "settimeofday",
    "clock_settime", "clock_adjtime", "adjtimex", "iopl", "ioperm", "vhangup",
    # Ways to speak with another jail through files both can read.
    "flock", "inotify_init", "inotify_init1", "inotify_add_watch",
    # Scheduling and memory that others would pay for.
    "mbind", "set_mempolicy", "migrate_pages", "move_pages", "mlock", "mlock2", "mlockall",
    "sched_setattr", "sched_setscheduler", "setpriority", "ioprio_set",
)  # fmt: skip
_NAMESPACE_FLAGS: Final = 0x7E020000
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET."""


def _policy(refused: Sequence[str], *rules: str) -> str:
    lines = [f"ERRNO(1) {{ {', '.join(refused)} }}", *rules]
    return "POLICY rrtf {\n  " + ",\n  ".join(lines) + "\n}\nUSE rrtf DEFAULT ALLOW\n"


_ARGUMENTS: Final = (
    # The C library then falls back to clone, whose flags a filter can read.
    "ERRNO(38) { clone3 }",
    "ERRNO(1) { socket { family != 1 } }",  # AF_UNIX
    "ERRNO(1) { prctl { option == 1 } }",  # The parent-death signal.
    # Leases, notices about directories, and locks on files that all jails can read.
    "ERRNO(1) { fcntl { cmd == 1024 || cmd == 1026 || cmd == 36 || cmd == 37 || cmd == 38 } }",
)
_ZYGOTE: Final = ("mount", "setns", "unshare")
"""What the zygote of a cell needs; its shims refuse it to themselves and to what they start."""

POLICY: Final = _policy(
    _REFUSED, f"ERRNO(1) {{ clone {{ (clone_flags & {_NAMESPACE_FLAGS:#x}) != 0 }} }}", *_ARGUMENTS
)
"""Of a strict jail."""
CELL_POLICY: Final = _policy([name for name in _REFUSED if name not in _ZYGOTE], *_ARGUMENTS)
"""Of a cell as a whole; the rest is in `executor.guest.confine`."""
