"""The strict sandbox: one nsjail and one fresh interpreter for each jail."""

import contextlib
import copy
import itertools
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from executor.guest.boot import OF_TOOLCHAINS
from executor.images.image import Image
from executor.sandbox.accounting import Accountant
from executor.sandbox.jail import Jail
from executor.sandbox.plumbing import Ends, Plumbing
from executor.sandbox.policy import (
    INSIDE_UID,
    Mounts,
    base_command,
    brought,
    confinement,
    open_files,
    python_command,
)
from executor.sandbox.seccomp import POLICY
from infra import health
from infra.contracts.problems import Limits

_MEBIBYTE: Final = 2**20
_numbers = itertools.count()


class StrictSandbox:
    """Starts every jail from nothing."""

    mode = "strict"

    def __init__(
        self, nsjail: Path, image: Image, accountant: Accountant, outside_uid: int | None
    ) -> None:
        self._mounts: Mounts | None = None
        self._nsjail = nsjail
        self._image = image
        self._accountant = accountant
        self._uid = os.geteuid() if outside_uid is None else outside_uid
        self._gid = os.getegid() if outside_uid is None else outside_uid

    def with_mounts(self, mounts: Mounts) -> "StrictSandbox":
        """Return the sandbox for another language than Python, whose toolchain is shown."""
        other = copy.copy(self)
        other._mounts = mounts
        return other

    @contextlib.contextmanager
    def jail(
        self,
        start: dict[str, Any],
        limits: Limits,
        stdin: str | None = None,
        artifact: int | None = None,
    ) -> Iterator[Jail]:
        """Run a guest in a fresh nsjail; nothing of it is left when the block ends.

        Raises:
            errors.SandboxError: the jail did not start, or could not be emptied.
        """
        with health.watched_slot(), contextlib.ExitStack() as stack:
            account = self._accountant.open(f"strict-{next(_numbers)}", limits)
            stack.callback(account.close)
            with Plumbing(stdin, artifact) as plumbing:
                fds = (*plumbing.kept, *account.entrances)
                process = subprocess.Popen(
                    [
                        *self._command(limits, start, plumbing.input_bytes),
                        *python_command("boot.py", fds, self._modules()),
                    ],
                    stdin=plumbing.standard[0],
                    stdout=plumbing.standard[1],
                    stderr=plumbing.standard[2],
                    env={},
                    pass_fds=fds,
                )
                ends = plumbing.ends()
            stack.callback(_reap, process)
            jail = Jail(ends, account, limits, start, lambda: _complaint(process, ends))
            stack.callback(jail.destroy)
            yield jail

    def with_packages(
        self, image: str, own: tuple[str, ...] = (), loads_own: bool = True
    ) -> "StrictSandbox":
        """Return the sandbox whose Python has an image's packages.

        `own` are distributions of the running environment that it has too; they are loaded as well
        unless it is said that they are not.

        Raises:
            errors.ImageMissing: the image has not been built here.
            errors.SandboxError: a distribution is not installed.
        """
        other = copy.copy(self)
        other._image = self._image.with_packages(image, own, loads_own)
        return other

    @property
    def home(self) -> Path:
        """The folder in which this machine's executors keep what is made once."""
        return self._image.images.folder

    def close(self) -> None:
        """Do nothing: nothing stays between jails."""

    def _modules(self) -> tuple[str, ...]:
        return self._image.warm if self._mounts is None else (OF_TOOLCHAINS,)

    def _command(self, limits: Limits, start: dict[str, Any], input_bytes: int) -> list[str]:
        files, more = brought(start, input_bytes), open_files(start)
        confined = confinement(limits, files, self._image.packages, self._mounts, more)
        rlimits = {name: str(value) for name, value in _scaled(confined["rlimits"])}
        return [
            *base_command(self._nsjail, self._image, self._mounts),
            "--user", f"{INSIDE_UID}:{self._uid}:1", "--group", f"{INSIDE_UID}:{self._gid}:1",
            "-m", f"none:/tmp:tmpfs:{confined['scratch']}",
            "--rlimit_as", rlimits.pop("as", "hard"),
            *(word for name in rlimits for word in (f"--rlimit_{name}", rlimits[name])),
            # The guest bounds it; the program may widen it again, within its memory.
            "--rlimit_stack", "hard",
            "--seccomp_string", POLICY,
        ]  # fmt: skip


def _scaled(rlimits: dict[str, int]) -> Iterator[tuple[str, int]]:
    # nsjail counts these three in mebibytes.
    scale = {"AS": _MEBIBYTE, "FSIZE": _MEBIBYTE, "CORE": _MEBIBYTE}
    for name, value in rlimits.items():
        yield name.lower(), value // scale.get(name, 1)


def _reap(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()


def _complaint(process: "subprocess.Popen[bytes]", ends: Ends) -> str:
    process.kill()
    os.set_blocking(ends.stderr, True)
    with contextlib.suppress(OSError):
        return os.read(ends.stderr, 4096).decode(errors="replace").strip()[-600:] or "no message"
    return "no message"
