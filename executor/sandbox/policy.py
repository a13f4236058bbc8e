"""What a jail may do, apart from its namespaces: numbers that both kinds of sandbox apply."""

import os
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from executor.guest.files import FOLDER
from executor.images.image import Image
from executor.images.packages import INSIDE, Packages
from infra import errors
from infra.contracts.problems import Limits

INSIDE_UID: Final = 65534
_SCRATCH: Final = "/tmp"
_MEBIBYTE: Final = 2**20
_PAGE: Final = 4096
_INODES: Final = 1024
_OPEN_FILES: Final = 64
_OF_A_NOTEBOOK: Final = 128
"""Beside those of every program: a kernel has some sixty for its sockets and threads."""
_STANDARD: Final = 4
"""Inodes of the standard files and of their folder."""


class Mounts(NamedTuple):
    """What jails for another language than Python have beside what all have."""

    folders: tuple[str, ...]
    """Of the host, which are shown read-only; after a colon, where."""
    links: tuple[tuple[str, str], ...] = ()
    """Each with where it leads."""
    open_files: int = 0
    """As many may be open beside those of every program."""
    states: tuple[tuple[int, int], ...] = ()
    """Of each folder, so that no cell goes on to show one in whose place there is another."""

    def as_they_are(self) -> "Mounts":
        """Return the same with the states that the folders have now.

        Raises:
            errors.SandboxError: one is not there any more.
        """
        try:
            found = [os.stat(folder.partition(":")[0]) for folder in self.folders]
        except OSError as error:
            raise errors.SandboxError(f"{error.filename} is to be shown: {error}") from error
        return self._replace(states=tuple((one.st_ino, one.st_mtime_ns) for one in found))


def confinement(
    limits: Limits,
    brought: Sequence[int],
    packages: Packages | None = None,
    mounts: Mounts | None = None,
    more_files: int = 0,
) -> dict[str, Any]:
    """Return the limits that the kernel keeps for each process, and those of the file system.

    Names of `rlimits` are those of `getrlimit(2)` without `RLIMIT_`, in its units. What is brought
    leaves as much room in the file system as there would be without it. What modules of packages
    map is little more than their files. The runtimes of other languages reserve far more addresses
    than they use, so that only their memory is limited. `more_files` may be open beside those of
    every program.
    """
    size = limits.file_bytes + sum(-(-num_bytes // _PAGE) * _PAGE for num_bytes in brought)
    inodes = _INODES + _STANDARD + len(brought)
    mapped = packages.num_bytes // _MEBIBYTE * _MEBIBYTE if packages else 0
    largest = max(limits.file_bytes, *brought)
    # Room for what is mapped and never touched; what is touched, the account counts.
    addresses = {"AS": limits.memory_bytes * 2 + 512 * _MEBIBYTE + 2 * mapped}
    return {
        "scratch": f"size={size},nr_inodes={inodes},mode=1777",
        "rlimits": {
            **(addresses if mounts is None else {}),
            "CPU": int(limits.total_cpu_seconds) + 10,
            "FSIZE": max(1, -(-largest // _MEBIBYTE)) * _MEBIBYTE,
            "NOFILE": _OPEN_FILES + (mounts.open_files if mounts else 0) + more_files,
            "CORE": 0,
            "NPROC": limits.processes + 1,
            "MEMLOCK": 0,
            "MSGQUEUE": 0,
            "RTPRIO": 0,
        },
    }


def open_files(start: dict[str, Any]) -> int:
    """Return how many files a guest may have open beside those of every program."""
    return _OF_A_NOTEBOOK if start["role"] == "notebook" else 0


def brought(start: dict[str, Any], input_bytes: int) -> list[int]:
    """Return the sizes of what lies in the file system before a guest begins: 0 for a folder.

    That is the copy of its input, the program, and the files that come with it.
    """
    source = start["source"].encode("utf-8", "replace") if start["role"] == "program" else b""
    sizes = [input_bytes, len(source)]
    for name, content in {**start.get("files", {}), **start.get("data_files", {})}.items():
        sizes += [len(content) // 4 * 3, *[0] * name.count("/")]
    return sizes


def base_command(nsjail: os.PathLike[str], image: Image, mounts: Mounts | None = None) -> list[str]:
    """Return the beginning of every nsjail command: namespaces, file system, environment."""
    root, libraries = image.root, "/lib"
    programs = ["-R", f"{root}/bin:/bin", "--symlink", "/bin:/usr/bin"]
    packages = []
    if image.packages is not None:
        packages = ["-R", f"{image.packages.folder}:{INSIDE}", "-E", f"PYTHONPATH={INSIDE}/site"]
        libraries += f":{INSIDE}/lib"
    return [
        str(nsjail), "-Mo", "-q", "--log_fd", "2",
        "--experimental_mnt", "new", "--disable_proc", "--iface_no_lo", "--hostname", "jail",
        "-R", f"{root}/py:/py", "-R", f"{root}/lib:/lib", "-R", f"{root}/lib64:/lib64",
        *(programs if image.own else ()),
        *packages,
        "-R", "/dev/null", "-R", "/dev/zero", "-R", "/dev/urandom",
        # Where programs that are made for containers put files.
        "--symlink", f"{_SCRATCH}:/mnt",
        "--symlink", f"{_SCRATCH}:/dev/shm",
        # There is no /proc for them to lead to; `guest.files` fills the folder.
        "--symlink", f"{FOLDER}:/dev/fd",
        "--symlink", f"{FOLDER}/0:/dev/stdin",
        "--symlink", f"{FOLDER}/1:/dev/stdout", "--symlink", f"{FOLDER}/2:/dev/stderr",
        # Where packages that have no zones of their own look for the machine's.
        *(("--symlink", "/py/zoneinfo:/usr/share/zoneinfo") if mounts is None else ()),
        *(_words(mounts) if mounts else ()),
        "--cwd", _SCRATCH, "--nice_level", "0", "--time_limit", "0",
        "-E", f"LD_LIBRARY_PATH={libraries}", "-E", "PYTHONHASHSEED=0", "-E", "LC_ALL=C.UTF-8",
        # A library that starts threads at its import could not be forked afterwards.
        "-E", "OPENBLAS_NUM_THREADS=1", "-E", "OMP_NUM_THREADS=1",
        "-E", "TZ=UTC0", "-E", "HOME=/tmp", "-E", "PATH=/py/bin:/bin",
    ]  # fmt: skip


def _words(mounts: Mounts) -> list[str]:
    links = [word for path, to in mounts.links for word in ("--symlink", f"{to}:{path}")]
    return links + [word for folder in mounts.folders for word in ("-R", folder)]


def python_command(script: str, fds: Sequence[int], words: Sequence[str] = ()) -> list[str]:
    """Return the end of every nsjail command: the interpreter, our script, the files it gets."""
    passed = [word for fd in fds for word in ("--pass_fd", str(fd))]
    # Not `-I`, which reads no environment: it is ours, and in every process texts hash alike.
    return [
        *passed, "--", "/py/bin/python3", "-P", "-s", "-S", "-B", "-X", "utf8",
        f"/py/guest/executor/guest/{script}", *map(str, fds), *words,
    ]  # fmt: skip
