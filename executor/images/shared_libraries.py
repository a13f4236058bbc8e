"""Copies the shared libraries that programs and modules take into a folder that jails see."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from infra import errors


def copy_shared_libraries(root: Path, binaries: Sequence[Path]) -> None:
    """Copy what the binaries below `root` take and do not bring along into its `lib`.

    The loader, whose path is fixed in a program, goes into `lib64`.

    Raises:
        errors.SandboxUnsupported: this machine cannot list them.
    """
    (root / "lib").mkdir()
    (root / "lib64").mkdir()
    if not binaries:
        return
    ldd = shutil.which("ldd")
    if ldd is None:
        raise errors.SandboxUnsupported("the program `ldd` is missing; install libc-bin")
    listing = subprocess.run(
        [ldd, *map(str, binaries)], capture_output=True, text=True, check=False
    ).stdout
    paths = {word for line in listing.splitlines() for word in line.split() if word[0] == "/"}
    for path in sorted(paths):
        source = Path(path.rstrip(":"))
        folder = "lib64" if source.name.startswith("ld-") else "lib"
        # What a package brings along stays beside it, where it is looked for.
        if not source.is_relative_to(root) and source not in binaries and ".so" in source.name:
            shutil.copy2(source.resolve(), root / folder / source.name)
