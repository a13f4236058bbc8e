"""Images of packages on this machine: each a read-only folder that pip fills once.

A folder is named by what went into it: the pinned requirements, the interpreter and the platform.
No code of a package runs while it is made; wheels are only unpacked.
"""

import compileall
import contextlib
import fcntl
import hashlib
import os
import shutil
import stat
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, NamedTuple

from pydantic import TypeAdapter, ValidationError

from executor.images import pip
from executor.images.shared_libraries import copy_shared_libraries
from infra import errors
from infra.contracts.base import NOTEBOOK_IMAGE, STANDARD_IMAGE, ImageName
from infra.images import modules
from infra.images.pinned import Pinned, read, shipped

_UNFINISHED: Final = "unpacking-"
_FINISHED: Final = "packages-"
_BLOCK: Final = 512
"""Bytes in which a file's place on disk is counted."""
INSIDE: Final = "/image"
"""Where jails see the folder."""


class Packages(NamedTuple):
    """The packages of one image."""

    image: str
    folder: Path
    """Holds `site`, what pip has installed, and `lib`, the shared libraries that it takes."""
    digest: str
    warm: tuple[str, ...]
    """Modules that are loaded before any candidate is there."""
    num_bytes: int
    """Size on disk."""


class Images:
    """The images of one machine."""

    def __init__(self, home: Path, elsewhere: Path | None = None) -> None:
        """Look for them in `images` of the executor's home, then `elsewhere`."""
        self.folder = home / "images"
        self._places = (self.folder, *([elsewhere] if elsewhere else []))

    def find(self, name: str) -> Packages:
        """Return an image's packages.

        Raises:
            errors.ImageMissing: it has not been built here.
        """
        pinned = self.pinned().get(name)
        found = self._built(pinned) if pinned else None
        if found is None:
            raise errors.ImageMissing(
                f"this executor has no image {name!r}; build it with rrtf images build {name}"
                + ("" if pinned else " REQUIREMENTS.txt")
            )
        return found

    def pinned(self) -> dict[str, Pinned]:
        """Return what is pinned of every image that is known here, the suite's own and others."""
        added = {
            file.stem: read(file.stem, file.read_text())
            for place in reversed(self._places)
            for file in sorted(place.glob("*.txt"))
        }
        return {**added, **shipped()}

    def built(self) -> dict[str, Packages]:
        """Return the packages of every image that has been built here, by name."""
        found = {pinned.name: self._built(pinned) for pinned in self.pinned().values()}
        return {name: packages for name, packages in found.items() if packages is not None}

    def largest(self) -> str:
        """Name the largest of the suite's own images that has been built here.

        That of notebooks is for these: a kernel in it has loaded what no program expects.
        """
        fitting = shipped().keys() - {NOTEBOOK_IMAGE}
        found = [pack for name, pack in self.built().items() if name in fitting]
        return max(found, key=lambda pack: pack.num_bytes).image if found else STANDARD_IMAGE

    def build(self, name: str, requirements: Path | None = None) -> Packages:
        """Build an image unless it is there; of two builders at once, one waits for the other.

        A file of requirements is pinned first, to the newest versions that fit. To build under a
        name that is known replaces what it stands for.

        Raises:
            errors.InvalidInput: no image can have the name, it is one of the suite's own, or
                stands for nothing yet and there is no file; or the file cannot be read.
            errors.ImageNotBuilt: the packages cannot be had.
        """
        _check(name, requirements)
        with self._alone() as lock:
            if requirements is None:
                pinned = self.pinned().get(name)
                if pinned is None:
                    raise errors.InvalidInput(f"no image is named {name!r}; give its requirements")
                options = ""
            else:
                pinned, options = self._pin(name, requirements, lock)
            folder = self._folder(pinned) or self._unpack(pinned, options, lock)
            if name not in shipped():
                self._keep(_described(pinned, folder / "site"))
        return self.find(name)

    def _built(self, pinned: Pinned) -> Packages | None:
        folder = self._folder(pinned)
        if folder is None:
            return None
        size = int((folder / "bytes").read_text())
        digest = folder.name.removeprefix(_FINISHED)
        return Packages(pinned.name, folder, digest, pinned.warm, size)

    def _folder(self, pinned: Pinned) -> Path | None:
        name = _FINISHED + _digest(pinned)
        return next((place / name for place in self._places if (place / name).is_dir()), None)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[IO[str]]:
        self.folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            self.folder.chmod(0o755)
        with (self.folder / ".lock-packages").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for unfinished in self.folder.glob(f"{_UNFINISHED}*"):  # Of one who was killed.
                _remove(unfinished)
            yield lock

    @contextlib.contextmanager
    def _scratch(self) -> Iterator[Path]:
        scratch = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=self.folder))
        try:
            yield scratch
        finally:
            _remove(scratch)

    def _pin(self, name: str, requirements: Path, lock: IO[str]) -> tuple[Pinned, str]:
        """Return what a file asks for, pinned, and its lines about where packages are found."""
        try:
            text = requirements.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise errors.InvalidInput(f"{requirements} cannot be read: {error}") from error
        with self._scratch() as scratch:
            pins = pip.resolve(requirements, scratch, lock)
        return Pinned(name, pins, frozenset(), read(name, text).warm), pip.options(requirements)

    def _unpack(self, pinned: Pinned, options: str, lock: IO[str]) -> Path:
        with self._scratch() as scratch:
            # What becomes of it is complete when it gets its name.
            unpacked = scratch / "unpacked"
            site = unpacked / "site"
            site.mkdir(parents=True)
            pip.install(options + pinned.requirements, site, scratch, lock)
            # Programs that start the interpreter of this machine; jails have another.
            shutil.rmtree(site / "bin", ignore_errors=True)
            copy_shared_libraries(unpacked, list(site.rglob("*.so*")))
            compileall.compile_dir(site, quiet=2, stripdir=site, prependdir=f"{INSIDE}/site")
            size = sum(file.stat().st_blocks * _BLOCK for file in unpacked.rglob("*"))
            (unpacked / "bytes").write_text(str(size))
            _make_read_only(unpacked)
            unpacked.chmod(0o755)  # Or an ordinary user could not move it.
            folder = unpacked.rename(self.folder / (_FINISHED + _digest(pinned)))
        folder.chmod(0o555)
        return folder

    def _keep(self, pinned: Pinned) -> None:
        with self._scratch() as scratch:
            file = scratch / f"{pinned.name}.txt"
            file.write_text(pinned.text())
            file.rename(self.folder / file.name)


def _check(name: str, requirements: Path | None) -> None:
    try:
        TypeAdapter[str](ImageName).validate_python(name)
    except ValidationError as error:
        raise errors.InvalidInput(
            f"{name!r} cannot name an image: {error.errors()[0]['msg']}"
        ) from None
    if name == STANDARD_IMAGE:
        raise errors.InvalidInput(f"the image {name!r} has no packages, and is always there")
    if requirements is not None and name in shipped():
        raise errors.InvalidInput(f"{name!r} is an image of the suite; choose another name")


def _digest(pinned: Pinned) -> str:
    made_by = f"{sys.version} {sysconfig.get_platform()}"
    return hashlib.sha256(f"{made_by}\n{pinned.requirements}".encode()).hexdigest()[:16]


def _described(pinned: Pinned, site: Path) -> Pinned:
    """Return it with what can be imported from its packages."""
    warm = pinned.warm or modules.principal(site)
    return pinned._replace(modules=modules.top_level(site), warm=warm)


def _make_read_only(root: Path) -> None:
    for folder, _, files in os.walk(root, topdown=False):
        for name in files:
            path = os.path.join(folder, name)
            mode = os.stat(path).st_mode
            os.chmod(path, 0o555 if mode & stat.S_IXUSR else 0o444)
        os.chmod(folder, 0o555)  # noqa: S103 - the jail's user reads it


def _remove(root: Path) -> None:
    for folder, _, _ in os.walk(root):
        os.chmod(folder, 0o700)
    shutil.rmtree(root)
