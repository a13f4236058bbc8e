"""What a toolchain compiles once for all programs: libraries, in a folder that jails see."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from executor.images.image import make_readable
from executor.toolchain_spec import Cache
from infra import errors

_UNFINISHED: Final = "unfinished-"
_SECONDS: Final = 600
"""Wall time that may be taken for one; it takes seconds where the machine is idle."""


def filled(home: Path, program: Path, environment: Mapping[str, str], cache: Cache) -> Path:
    """Return the folder of a cache, filled unless an executor of this machine has done so.

    Nothing but the toolchain and our own files has a part in it. `program` is the toolchain's first
    program; an upgrade of it, or of the libraries, makes another folder. `environment` is what
    programs are compiled with.

    Raises:
        errors.SandboxError: the folder cannot be made, or the toolchain fails.
    """
    digest = hashlib.sha256(repr((cache, dict(environment))).encode())
    for path in (program, Path(cache.needs) if cache.needs else program):
        digest.update(f"{path} {path.stat().st_mtime}".encode())
    folder = home / "caches" / f"{cache.variable.lower()}-{digest.hexdigest()[:12]}"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            folder.parent.chmod(0o755)
        with (folder.parent / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for unfinished in folder.parent.glob(f"{_UNFINISHED}*"):  # Of one who was killed.
                shutil.rmtree(unfinished)
            if not folder.exists():
                _fill(folder, program, environment, cache)
    except (OSError, subprocess.SubprocessError) as error:
        raise errors.SandboxError(f"cannot fill {folder}: {error}") from error
    return folder


def _fill(folder: Path, program: Path, environment: Mapping[str, str], cache: Cache) -> None:
    """Run each command on the files, and keep what they leave in the cache."""
    made = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=folder.parent))
    with tempfile.TemporaryDirectory() as work:
        for name, text in cache.files.items():
            (Path(work) / name).write_text(text)
        variables = {"PATH": "/usr/bin", "HOME": work, **environment, cache.variable: str(made)}
        for words in cache.commands:
            subprocess.run(
                [word.format(program=program, folder=made) for word in words],
                cwd=work, env=variables, check=True, capture_output=True, timeout=_SECONDS,
            )  # fmt: skip
    make_readable(made)
    made.rename(folder)
