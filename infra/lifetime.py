"""A process ends with the one that started it, whatever ends that one.

As a program it is the way by which `infra.local.process` starts others: it binds itself to its
parent and then becomes the program. It runs without the project on its path.
"""

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def end_with(parent: int, number: int) -> None:
    """Have the kernel send this process a signal when the thread that started it ends.

    If `parent` has gone already, this process ends here. A change of user clears the wish, and a
    child does not inherit it.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)  # It died before the wish was made.


def _become(arguments: list[str]) -> None:
    parent, number, uid, gid, *command = arguments
    if uid != "-":
        os.setgroups([])
        os.setresgid(int(gid), int(gid), int(gid))
        os.setresuid(int(uid), int(uid), int(uid))
    end_with(int(parent), int(number))
    os.execv(command[0], command)  # noqa: S606 - becoming the program is the point


if __name__ == "__main__":
    _become(sys.argv[1:])
