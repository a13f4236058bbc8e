"""The file system of the jail: an interpreter, its standard and shared libraries, and our guest.

The tree is copied once for each interpreter into a directory that the jail's user can read. Beside
it a jail sees the packages of the problem's image, and nothing else of the host.
"""

import compileall
import fcntl
import functools
import hashlib
import importlib.metadata
import importlib.resources
import os
import shutil
import stat
import sys
import sysconfig
import tempfile
from pathlib import Path

from executor.images.packages import Images, Packages
from executor.images.shared_libraries import copy_shared_libraries
from infra import errors
from infra.contracts.base import STANDARD_IMAGE
from infra.contracts.values import composites, encoding, orders, scalars, tagged

_LEFT_OUT = (
    "test", "tests", "idlelib", "tkinter", "turtledemo", "ensurepip", "lib2to3", "site-packages",
    "dist-packages", "config-*", "_tkinter*", "_test*", "_xx*", "*.opt-?.pyc", "pydoc_data",
)  # fmt: skip
_UNFINISHED = "unfinished-"
_GUEST = Path(__file__).parents[1] / "guest"
_SHARED = tuple(
    Path(str(module.__file__)) for module in (composites, encoding, orders, scalars, tagged)
)
"""The files from outside that the guest reads: what values are on the way."""
_PROGRAMS = (
    *(
        "sh",
        "bash",
        "tar",
        "gzip",
        "cat",
        "ls",
        "echo",
        "cp",
        "mv",
        "rm",
        "mkdir",
        "touch",
        "head",
        "tail",
    ),
    *("grep", "sed", "sort", "wc", "env", "date", "sleep", "true", "false", "pwd", "seq", "expr"),
    *("zip", "unzip", "find", "cut", "tr", "uniq", "diff", "xargs", "basename", "dirname", "chmod"),
)
"""What tests and the programs that they test start beside Python, as far as this machine has it;
where distributions of ours are there too."""
_PROGRAM_FOLDERS = "/usr/bin:/bin"
_TIME_ZONES = "tzdata"
"""Distribution that brings the time zones, so that every executor has the same."""


class Image:
    """A staged file system and the hash of what went into it, with the packages of an image."""

    def __init__(
        self,
        images: Images,
        root: Path,
        digest: str,
        own: tuple[str, ...] = (),
        packages: Packages | None = None,
        loads_own: bool = True,
    ) -> None:
        self.images = images
        self.root = root
        self.digest = digest
        self.own = own
        """Distributions of the running environment that are beside the standard library."""
        self.packages = packages
        self._loaded = own if loads_own else ()
        self._beside: dict[tuple[str, ...], Image] = {}
        """The same with distributions beside the standard library, which stay as they are."""

    @property
    def name(self) -> str:
        """The image that problems name."""
        return self.packages.image if self.packages else STANDARD_IMAGE

    @property
    def key(self) -> tuple[str, ...]:
        """What tells it from others: hashes of file system and packages, and what is loaded."""
        return self.digest, self.packages.digest if self.packages else "", *self.warm

    @property
    def warm(self) -> tuple[str, ...]:
        """Modules that are loaded before any candidate is there."""
        return (*(self.packages.warm if self.packages else ()), *self._loaded)

    def with_packages(self, name: str, own: tuple[str, ...], loads_own: bool = True) -> "Image":
        """Return the file system with an image's packages, and with distributions of ours.

        These are loaded before any candidate is there, unless it is said that they are not.

        Raises:
            errors.ImageMissing: the image has not been built here.
            errors.SandboxError: a distribution is not installed.
        """
        if name == self.name == STANDARD_IMAGE and own == self.own:
            return self
        if name == STANDARD_IMAGE:
            if own not in self._beside:
                self._beside[own] = _staged(self.images, own, None)
            return self._beside[own]
        packages = self.images.find(name)
        _require_readable(packages.folder)
        return _staged(self.images, own, packages, loads_own)


def stage(home: Path, built_in: Path | None = None) -> Image:
    """Copy the running interpreter and the guest into `home`, unless they are there already.

    `built_in` is a further folder with images of packages.

    Raises:
        errors.SandboxUnsupported: the directory cannot be made or read by the jail's user.
    """
    return _staged(Images(home, built_in), (), None)


def _staged(
    found: Images, own: tuple[str, ...], packages: Packages | None, loads_own: bool = True
) -> Image:
    """Return the file system with distributions of the running environment in it.

    Raises:
        errors.SandboxError: a package is not installed.
        errors.SandboxUnsupported: the directory cannot be made or read by the jail's user.
    """
    digest = _digest(own)
    images = found.folder
    root = images / f"python{sys.version_info.major}.{sys.version_info.minor}-{digest}"
    try:
        images.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            images.chmod(0o755)
        with (images / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for unfinished in images.glob(f"{_UNFINISHED}*"):  # Of one who was killed.
                shutil.rmtree(unfinished)
            if not root.exists():
                _build(images, root, own)
    except OSError as error:
        raise errors.SandboxUnsupported(
            f"cannot stage the jail's file system in {images}: {error}; set RRTF_EXECUTOR_HOME"
        ) from error
    _require_readable(root)
    return Image(found, root, digest, own, packages, loads_own)


def _distribution(name: str) -> importlib.metadata.Distribution:
    try:
        return importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError as error:
        raise errors.SandboxError(f"the package {name} is not installed here") from error


@functools.cache
def _digest(own: tuple[str, ...]) -> str:
    """Hash what the file system is made of; what is installed stays while we run."""
    digest = hashlib.sha256(sys.version.encode())
    for name in (_TIME_ZONES, *own):
        digest.update(f"{name} {_distribution(name).version}".encode())
    for name in (*_PROGRAMS, "python") if own else ():
        digest.update(f"{name} {shutil.which(name, path=_PROGRAM_FOLDERS)}".encode())
    digest.update(os.path.realpath(sys.executable).encode())
    guest = (p for p in _GUEST.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    for path in (*sorted(guest), *_SHARED):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _build(images: Path, root: Path, own: tuple[str, ...]) -> None:
    temporary = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=images))
    try:
        standard = Path(sysconfig.get_path("stdlib"))
        library = temporary / "py" / "lib" / standard.name
        shutil.copytree(standard, library, ignore=shutil.ignore_patterns(*_LEFT_OUT))
        binary = temporary / "py" / "bin" / "python3"
        binary.parent.mkdir()
        shutil.copy2(os.path.realpath(sys.executable), binary)
        guest = temporary / "py" / "guest" / "executor" / "guest"
        shutil.copytree(_GUEST, guest, ignore=shutil.ignore_patterns("__pycache__"))
        (guest.parent / "__init__.py").touch()
        values = temporary / "py" / "guest" / "infra" / "contracts" / "values"
        values.mkdir(parents=True)
        for folder in (values, *values.parents[:2]):
            (folder / "__init__.py").touch()
        for path in _SHARED:
            shutil.copy2(path, values)
        for name in own:
            _copy_package(_distribution(name), library)
        _copy_time_zones(temporary / "py" / "zoneinfo", library)
        _share_memory_in_any_folder(library)
        programs = _copy_programs(temporary / "bin") if own else []
        copy_shared_libraries(temporary, [binary, *library.rglob("*.so"), *programs])
        compileall.compile_dir(str(temporary / "py"), quiet=2, workers=1)
        make_readable(temporary)
        temporary.rename(root)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _copy_package(distribution: importlib.metadata.Distribution, library: Path) -> None:
    for file in distribution.files or ():
        # What tells where it was installed from, and whose machine that was.
        left_out = {"..", "tests", "__pycache__", "direct_url.json", "RECORD"} & set(file.parts)
        if not left_out:
            target = library / str(file)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(str(distribution.locate_file(file)), target)


def _copy_programs(target: Path) -> list[Path]:
    target.mkdir()
    for name in ("python", "python3"):
        (target / name).symlink_to("../py/bin/python3")
    found = ((name, shutil.which(name, path=_PROGRAM_FOLDERS)) for name in _PROGRAMS)
    return [
        Path(shutil.copy2(os.path.realpath(path), target / name)) for name, path in found if path
    ]


def _copy_time_zones(target: Path, library: Path) -> None:
    """Put them where no program takes them for the host's, and tell the library where that is."""
    zones = importlib.resources.files(_TIME_ZONES) / "zoneinfo"
    with importlib.resources.as_file(zones) as folder:
        shutil.copytree(folder, target, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    for path in library.glob("_sysconfigdata_*.py"):
        with path.open("a") as file:
            file.write('\nbuild_time_vars["TZPATH"] = "/py/zoneinfo"\n')


def _share_memory_in_any_folder(library: Path) -> None:
    """Have processes share values without asking how much room a file system has: nobody tells."""
    with (library / "multiprocessing" / "heap.py").open("a") as file:
        file.write("\nArena._dir_candidates = []\n")


def make_readable(root: Path) -> None:
    """Have the jail's user read a folder and all in it, whatever the umask was that made it."""
    for folder, _, files in os.walk(root):
        os.chmod(folder, 0o755)  # noqa: S103 - the jail's user reads it, only we write
        for name in files:
            path = os.path.join(folder, name)
            mode = os.stat(path).st_mode
            os.chmod(path, 0o755 if mode & stat.S_IXUSR else 0o644)


def _require_readable(root: Path) -> None:
    """Check that a user other than us can walk to the image, where jails run as one."""
    if os.geteuid() != 0:
        return
    for folder in (root, *root.parents):
        if not folder.stat().st_mode & stat.S_IXOTH:
            raise errors.SandboxUnsupported(
                f"{folder} cannot be entered by the jail's user; set RRTF_EXECUTOR_HOME to a"
                " directory whose parents all have mode o+x, such as /var/lib/rrtf"
            )
