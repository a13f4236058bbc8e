"""The seccomp profile of a container in which executors run, for engines that read Docker's form.

It takes the place of the engine's own, which refuses `pivot_root`. What jails may do is allowed,
for a jail's own filter decides by arguments; and what a worker needs to make jails. Everything else
is answered as an older kernel would. `python -m executor.sandbox.container` prints it.
"""

import json
import sys
from typing import Any, Final

from executor.sandbox.seccomp import ALLOWED_CALLS

_MAKES_JAILS: Final = (
    # Namespaces, and the file system that a jail sees.
    "unshare", "setns", "sethostname", "mount", "umount", "pivot_root", "fsopen", "fsconfig",
    "fsmount", "move_mount", "open_tree", "mount_setattr", "seccomp", "setpriority",
)  # fmt: skip
_WORKS: Final = (
    # Of a worker itself: locks between workers, the size of its disk, memory that it has.
    "flock", "statfs", "fstatfs", "sysinfo", "fchmodat", "chroot",
)  # fmt: skip
_BY_ARGUMENTS: Final = (
    "clone", "prctl", "fcntl", "ioctl", "madvise", "fadvise64", "fsync", "fdatasync", "mmap",
    "memfd_create", "socket", "socketpair", "setsockopt", "preadv2", "pwritev2", "setxattr",
    "lsetxattr", "fsetxattr", "membarrier", "sched_setscheduler",
)  # fmt: skip
"""What a jail's own filter allows, or answers, by its arguments."""
_OTHER_NAMES: Final = {
    "newfstat": "fstat",
    "newstat": "stat",
    "newlstat": "lstat",
    "newuname": "uname",
    "sendfile64": "sendfile",
    "umount": "umount2",
}
"""Names of Kafel that libseccomp does not know."""
_ENOSYS: Final = 38


def profile() -> dict[str, Any]:
    """Make the profile; nsjail runs on x86-64 alone, and so does what it is for."""
    calls = {*ALLOWED_CALLS, *_MAKES_JAILS, *_WORKS, *_BY_ARGUMENTS}
    return {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": _ENOSYS,
        "architectures": ["SCMP_ARCH_X86_64"],
        "syscalls": [
            {
                "names": sorted(_OTHER_NAMES.get(call, call) for call in calls),
                "action": "SCMP_ACT_ALLOW",
            }
        ],
    }


if __name__ == "__main__":
    json.dump(profile(), sys.stdout, indent=1)
    sys.stdout.write("\n")
