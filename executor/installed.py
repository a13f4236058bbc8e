"""Which languages this machine has the toolchains of."""

import glob
import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

from executor.languages import TOOLCHAINS
from executor.toolchain_spec import Toolchain
from infra.contracts.base import Language


class Installed(NamedTuple):
    """What this machine has of one toolchain."""

    language: Language
    path: Path | None
    """Its first program, links followed; None when it cannot be used."""
    told: str
    """Its version, or why it cannot be used."""


def look_up(language: Language) -> Installed:
    """Find the toolchain of a language on this machine."""
    toolchain = TOOLCHAINS[language]
    path = _first_program(toolchain)
    if path is None:
        return Installed(language, None, f"`{toolchain.program}` is not installed")
    if not _is_shown(path, toolchain):
        where = ", ".join(toolchain.compile_binds)
        return Installed(language, None, f"{path} is in none of the folders {where}")
    if not toolchain.version:
        return Installed(language, path, str(path))
    try:
        told = subprocess.run(
            [path, *toolchain.version], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        return Installed(language, None, f"{path} does not run: {error}")
    return Installed(language, path, (told.stdout or told.stderr).strip().split("\n")[0])


def fingerprint() -> str:
    """Digest what this machine has of all languages: an upgrade of a toolchain changes it.

    A toolchain is known by its first program: those of a distribution's package have the same time
    and size on every machine.
    """
    told = []
    for toolchain in TOOLCHAINS.values():
        path = _first_program(toolchain)
        if path is not None:
            status = path.stat()
            told.append(f"{path} {status.st_size} {int(status.st_mtime)}")
    return hashlib.sha256("\n".join(told).encode()).hexdigest()[:12]


def _first_program(toolchain: Toolchain) -> Path | None:
    """Find its program on the PATH, one that jails are shown before any other."""
    folders = os.environ.get("PATH", os.defpath).split(os.pathsep)
    found = [shutil.which(toolchain.program, path=folder) for folder in folders]
    paths = [Path(path).resolve() for path in found if path is not None]
    return next((path for path in paths if _is_shown(path, toolchain)), next(iter(paths), None))


def _is_shown(path: Path, toolchain: Toolchain) -> bool:
    return any(path.is_relative_to(folder) for folder in binds(toolchain.compile_binds))


def survey() -> list[Installed]:
    """Look up every toolchain of the table."""
    return list(map(look_up, TOOLCHAINS))


def binds(patterns: tuple[str, ...]) -> list[str]:
    """Return the folders of this machine that fit the patterns."""
    return sorted(folder for pattern in patterns for folder in glob.glob(pattern))
