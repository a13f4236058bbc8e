"""The data directory of one machine, and who may enter it."""

import fcntl
import importlib.util
import os
import pwd
import random
import shutil
import socket
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

from infra import errors

API_KEY: Final = "api.key"
API_URL: Final = "api.url"
_FIRST_PORT = 20_000
_PORT_TRIES = 200


def default_home() -> Path:
    """Directory that `rrtf up` uses: `RRTF_HOME`, else the usual place for this user."""
    named = os.environ.get("RRTF_HOME")
    if named:
        return Path(named)
    if os.geteuid() == 0:
        return Path("/var/lib/rrtf")
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "rrtf"


def running_api(home: Path) -> tuple[str, str] | None:
    """Return address and key of the API of a data directory's suite; None if this user may not.

    They stay behind when the suite ends, and the next start writes new ones.
    """
    try:
        return (home / API_URL).read_text(), (home / API_KEY).read_text()
    except OSError:
        return None


class Identity:
    """The user that servers run as: `nobody` when we are root, else ourselves."""

    def __init__(self) -> None:
        self.is_root = os.geteuid() == 0
        user = pwd.getpwnam("nobody") if self.is_root else pwd.getpwuid(os.geteuid())
        self.uid, self.gid = user.pw_uid, user.pw_gid

    def own(self, path: Path) -> None:
        """Give a file or directory of ours to the servers' user."""
        if self.is_root:
            os.chown(path, self.uid, self.gid)


def prepare(home: Path, identity: Identity) -> None:
    """Make the directory; its mode lets the servers' user pass through, but not look.

    Raises:
        errors.ConfigurationError: it cannot be made or written to, or the servers' user could not
            walk to it.
    """
    try:
        if not home.exists():
            home.mkdir(parents=True)
            home.chmod(0o711 if identity.is_root else 0o700)
        with tempfile.TemporaryFile(dir=home):
            pass
    except OSError as error:
        raise errors.ConfigurationError(
            f"the data directory {home} cannot be written to: {error.strerror}; choose another"
            " one with RRTF_HOME or --home"
        ) from error
    if not identity.is_root:
        return
    for folder in (home, *home.parents):
        if not folder.stat().st_mode & stat.S_IXOTH:
            raise errors.ConfigurationError(
                f"{folder} cannot be entered by the user `nobody`, who runs the servers; choose"
                " another RRTF_HOME, such as /var/lib/rrtf, or allow it with chmod o+x"
            )


def package_folder(name: str) -> Path:
    """Find an installed package without importing it.

    Raises:
        errors.ConfigurationError: it is not installed.
    """
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise errors.ConfigurationError(
            f"the package {name} is not installed here; run `make venv`"
        )
    return Path(spec.submodule_search_locations[0])


def reachable(sources: Sequence[Path], copy: Path, identity: Identity) -> Path:
    """Return a folder in which the servers' user can read `sources`, all from one folder.

    It is their own, or a copy of it: a virtual environment below /root is closed to others. They
    are copied together because programs find their libraries by the way from one to the other.
    """
    folder = sources[0].parent
    if not identity.is_root or all(
        step.stat().st_mode & stat.S_IXOTH for step in (*sources, folder, *folder.parents)
    ):
        return folder
    if not copy.exists():
        unfinished = copy.with_name(copy.name + ".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        for source in sources:
            if source.is_dir():
                shutil.copytree(source, unfinished / source.name, symlinks=True)
            else:
                shutil.copy2(source, unfinished / source.name)
        _open_to_all(unfinished)
        unfinished.rename(copy)
    return copy


def _open_to_all(tree: Path) -> None:
    """Let everybody read a copy of ours: under a strict umask a wheel is installed for its owner.

    What only the owner may execute becomes executable by all; links are left alone.
    """
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | (0o055 if mode & stat.S_IXUSR else 0o044))


class HomeLock:
    """Holds a data directory for one suite."""

    def __init__(self, home: Path) -> None:
        self._path = home / "suite.lock"
        self._file: IO[str] | None = None

    def acquire(self) -> None:
        """Take the directory.

        Raises:
            errors.ConfigurationError: another suite runs in it.
        """
        file = self._path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            file.close()
            raise errors.ConfigurationError(
                f"another suite (process {holder}) runs in {self._path.parent}; stop it, or choose"
                " another RRTF_HOME"
            ) from None
        file.seek(0)
        file.truncate()
        file.write(str(os.getpid()))
        file.flush()
        self._file = file

    def release(self) -> None:
        """Let the directory go."""
        if self._file is not None:
            self._file.close()
            self._file = None


def free_port() -> int:
    """Find a port on loopback that nobody listens on.

    It lies below the range from which the kernel serves outgoing connections. In that range a
    client that calls a service which is just being restarted may be given the service's own port.
    """
    end = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    choices = range(_FIRST_PORT, end)
    for port in random.sample(choices, min(_PORT_TRIES, len(choices))):
        if _is_free(port):
            return port
    return _any_port()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def _any_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def secret_file(path: Path, text: str, identity: Identity | None = None) -> None:
    """Write a file that only its owner reads, in place of any older one."""
    temporary = path.with_name(path.name + ".new")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "w") as file:
        file.write(text)
    if identity is not None:
        identity.own(temporary)
    temporary.rename(path)
