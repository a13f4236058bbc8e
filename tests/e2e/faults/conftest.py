"""One suite for all faults, how often each is done, and a table of what came of them."""

import os
import random
import subprocess
import sys

import pytest
from rich.console import Console
from rich.table import Table

from services.cli.suite.running import running_suite
from tests.e2e.faults.load import connected, write_replay
from tests.e2e.faults.rig import QUICK, Rig

_RECORDS = pytest.StashKey()
_SEED = pytest.StashKey()
_FRAGILE = {
    "dispatcher": "services.delivery.dispatcher",
    "executor": "executor",
    "ranker": "ranker",
    "sampler": "sampler",
    "sweep": "services.delivery.sweep",
}
_DISK = "1500m"


def pytest_addoption(parser):
    group = parser.getgroup("faults")
    group.addoption("--injections", type=int, default=20, help="times each fault is done")
    group.addoption("--long-outage", type=float, default=2.0, help="seconds of a long outage")
    group.addoption("--fault-seed", type=int, default=None, help="repeat a run's random instants")


def pytest_terminal_summary(terminalreporter, config):
    records = config.stash.get(_RECORDS, [])
    if records:
        table = Table(
            *("fault", "injections", "candidates", "sent again", "requests refused"),
            *("findings", "seconds"),
        )
        for one in records:
            findings = ", ".join(one.findings) or "none"
            cells = (one.injections, one.candidates, one.sent_again, one.refused)
            table.add_row(one.fault, *map(str, cells), findings, f"{one.seconds:.0f}")
        terminalreporter.write_sep("=", f"faults, --fault-seed {config.stash[_SEED]}")
        with (console := Console(width=110)).capture() as captured:
            console.print(table)
        terminalreporter.write(captured.get())


@pytest.fixture(scope="session")
def rng(request):
    """Chance, which the summary tells how to repeat."""
    seed = request.config.getoption("--fault-seed", default=None)
    seed = random.SystemRandom().randrange(10**6) if seed is None else seed
    request.config.stash[_SEED] = seed
    return random.Random(seed)


@pytest.fixture(scope="session")
def records(request):
    return request.config.stash.setdefault(_RECORDS, [])


@pytest.fixture(scope="session")
def injections(request):
    return request.config.getoption("--injections", default=20)


@pytest.fixture(scope="session")
def long_outage(request):
    """Seconds; one outage in twenty lasts so long."""
    return request.config.getoption("--long-outage", default=2.0)


@pytest.fixture(scope="package")
def small_disk(open_directory):
    """A data directory on a file system of its own, where we may mount one."""
    home = open_directory / "faults"
    home.mkdir()
    if os.geteuid() != 0:
        yield home
        return
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK},mode=711", "tmpfs", str(home)]
    subprocess.run(mount, check=True)
    yield home
    subprocess.run(["umount", "--lazy", str(home)], check=True)  # noqa: S607 - whichever there is


@pytest.fixture(scope="package")
def start_rig(rng, records, injections):
    """Start a suite whose services break at our own seams."""
    with_suites = []

    def start(home, settings=QUICK, **options):
        traps = home / "traps"
        traps.mkdir()
        overrides = {name: {"FRAGILE_DIR": str(traps)} for name in _FRAGILE}
        for name, more in settings.items():
            overrides[name] = overrides.get(name, {}) | more
        overrides["sampler"] |= write_replay(home)
        commands = {
            name: [sys.executable, "-m", "tests.e2e.faults.fragile", module]
            for name, module in _FRAGILE.items()
        }
        running = running_suite(
            home, executor_slots=1, overrides=overrides, commands=commands, **options
        )
        suite = running.__enter__()
        with_suites.append(running)
        rig = Rig(suite, rng, injections, traps)
        rig.records = records
        rig.run_undisturbed()
        return rig

    yield start
    for running in reversed(with_suites):
        running.__exit__(None, None, None)


@pytest.fixture(scope="package")
def rig(start_rig, small_disk):
    rig = start_rig(small_disk)
    with connected(rig.suite.database_url) as connection:
        # Else its log of changes alone would fill the small disk.
        connection.execute("ALTER SYSTEM SET max_wal_size = '96MB'")
        connection.execute("SELECT pg_reload_conf()")
    return rig
