"""Resolves and unpacks wheels with the pip of the running interpreter; nothing is built."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from infra import errors
from infra.local.process import run

_NAMED_ELSEWHERE = ("-r", "-c", "-e", "--requirement", "--constraint", "--editable")


def resolve(requirements: Path, scratch: Path, lock: IO[str]) -> str:
    """Return requirements that pin every package that these ask for, with hashes if all have one.

    Raises:
        errors.ImageNotBuilt: they contradict each other, or a package has no wheel.
    """
    report = scratch / "report.json"
    words = ["--dry-run", "--ignore-installed", "--report", str(report), "-r", str(requirements)]
    _pip(words, scratch, lock)
    found = sorted(map(_pinned, json.loads(report.read_text())["install"]))
    has_hashes = all(sha256 for _, sha256 in found)
    return "".join(
        f"{pin} --hash=sha256:{sha256}\n" if has_hashes else f"{pin}\n" for pin, sha256 in found
    )


def _pinned(item: dict[str, Any]) -> tuple[str, str]:
    name, version = item["metadata"]["name"], item["metadata"]["version"]
    source = item["download_info"]
    pin = f"{name} @ {source['url']}" if item["is_direct"] else f"{name}=={version}"
    return pin, source.get("archive_info", {}).get("hashes", {}).get("sha256", "")


def options(requirements: Path) -> str:
    """Return the lines of a file of requirements that say where packages are found."""
    found = []
    for line in requirements.read_text().splitlines():
        if line.startswith("-") and not line.startswith(_NAMED_ELSEWHERE):
            option, _, value = line.replace("=", " ", 1).partition(" ")
            folder = requirements.parent / value.strip()
            # pip takes a folder for one beside the file in which it is named.
            found.append(f"{option} {folder.resolve()}" if value and folder.exists() else line)
    return "".join(f"{line}\n" for line in found)


def install(pins: str, site: Path, scratch: Path, lock: IO[str]) -> None:
    """Unpack pinned packages into a folder.

    Raises:
        errors.ImageNotBuilt: a package cannot be had, or has another hash.
    """
    file = scratch / "requirements"
    file.write_text(pins)
    hashes = ["--require-hashes"] if "--hash" in pins else []
    _pip(["--no-deps", "--no-compile", *hashes, "--target", str(site), "-r", str(file)],
         scratch, lock)  # fmt: skip
    file.unlink()


def _pip(words: Sequence[str], scratch: Path, lock: IO[str]) -> None:
    """Run `pip install`; it ends with us, and holds the lock until it has."""
    temporary = scratch / "temporary"
    temporary.mkdir()
    status, told = run(
        [sys.executable, "-m", "pip", "install", "--only-binary", ":all:", "--no-input",
         "--disable-pip-version-check", "--no-warn-script-location", "--progress-bar", "off",
         *words],
        env={**os.environ, "TMPDIR": str(temporary)},
        log=subprocess.PIPE,
        pass_fds=(lock.fileno(),),
    )  # fmt: skip
    if status != 0:
        lines = told.decode(errors="replace").splitlines()
        said = [line for line in lines if line.startswith("ERROR")] or lines[-3:]
        raise errors.ImageNotBuilt("pip: " + " ".join(said)[:1500])
    shutil.rmtree(temporary)
