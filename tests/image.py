"""What an image holds, without an engine: its folders, and the packages that its extra installs.

They are those of this environment, which has everything at its locked version, in an environment
that has nothing else.
"""

import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
import venv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


class Image:
    """An environment with an image's packages, and a folder with what it copies."""

    def __init__(self, room: str, folder: Path) -> None:
        lines = (ROOT / f"infra/docker/{room}.Dockerfile").read_text().splitlines()
        venv.EnvBuilder(symlinks=True).create(folder / "venv")
        self.python = folder / "venv/bin/python"
        (extras,) = re.findall(r"'\.\[([a-z,]+)\]'", "\n".join(lines))
        fill(folder, packages({"setuptools", *extras_of(extras.split(","))}))
        self.app = folder / "app"
        self.app.mkdir()
        for line in lines:
            if line.startswith("COPY"):
                *sources, target = line.split()[1:]
                if not target.startswith("/"):
                    for source in sources:
                        place = self.app / source
                        place.parent.mkdir(exist_ok=True)
                        place.symlink_to(ROOT / source)

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        """Start a program of the image's interpreter, which finds nothing of the project's own."""
        own = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return subprocess.Popen(
            [str(self.python), *words],
            cwd=self.app,
            env=own | {"PYTHONPATH": str(self.app), "PYTHONDONTWRITEBYTECODE": "1"} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *words: str, **environment: str) -> tuple[int, str]:
        """Run one to its end; return its status and what it wrote."""
        with self.start(*words, **environment) as process:
            written, _ = process.communicate()
        return process.returncode, written


def extras_of(extras: list[str]) -> Iterator[str]:
    """Name what the project and its extras require, extras of the project among them."""
    wanted = list(PROJECT["dependencies"])
    for extra in extras:
        wanted += PROJECT["optional-dependencies"][extra]
    for text in wanted:
        requirement = Requirement(text)
        if requirement.name == PROJECT["name"]:
            yield from extras_of(sorted(requirement.extras))
        else:
            yield text


def packages(wanted: set[str]) -> dict[str, importlib.metadata.Distribution]:
    """Return the distributions that requirements bring, as pip would install them here."""
    found: dict[str, importlib.metadata.Distribution] = {}
    left, seen = [Requirement(text) for text in wanted], set()
    while left:
        requirement = left.pop()
        name = canonicalize_name(requirement.name)
        if (name, *sorted(requirement.extras)) in seen:
            continue
        seen.add((name, *sorted(requirement.extras)))
        found[name] = importlib.metadata.distribution(name)
        for text in found[name].requires or ():
            more = Requirement(text)
            chosen = [{"extra": extra} for extra in ("", *requirement.extras)]
            if not more.marker or any(more.marker.evaluate(one) for one in chosen):
                left.append(more)
    return found


def fill(folder: Path, found: dict[str, importlib.metadata.Distribution]) -> None:
    """Link distributions into the environment of a folder; a shared folder file by file."""
    (site,) = folder.glob("venv/lib/python*/site-packages")
    owners = Counter(top for one in importlib.metadata.distributions() for top in tops(one))
    for distribution in found.values():
        shared = {top for top in tops(distribution) if owners[top] > 1}
        for top in tops(distribution) - shared:
            (site / top).symlink_to(Path(str(distribution.locate_file(top))))
        for file in distribution.files or ():
            if file.parts[0] in shared:
                (site / file).parent.mkdir(parents=True, exist_ok=True)
                (site / file).symlink_to(Path(str(distribution.locate_file(file))))


def tops(distribution: importlib.metadata.Distribution) -> set[str]:
    """Name what a distribution has in the folder of packages itself; programs lie elsewhere."""
    return {file.parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}


if sys.prefix == sys.base_prefix:
    raise RuntimeError("the tests run in an environment of their own")
