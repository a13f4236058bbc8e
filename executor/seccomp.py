"""The system calls a jail may not make, as a Kafel policy."""

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

POLICY: Final = f"""
POLICY rrtf {{
  ERRNO(1) {{ {", ".join(_REFUSED)} }},
  ERRNO(1) {{ clone {{ (clone_flags & {_NAMESPACE_FLAGS:#x}) != 0 }} }},
  ERRNO(38) {{ clone3 }},
  ERRNO(1) {{ socket {{ family != 1 }} }},
  ERRNO(1) {{ prctl {{ option == 1 }} }}
}}
USE rrtf DEFAULT ALLOW
"""
"""ERRNO(38) for clone3 makes the C library fall back to clone, whose flags a filter can read.
Sockets may only be of the family AF_UNIX; prctl may not touch the parent-death signal."""
