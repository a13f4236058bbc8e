"""Watches a suite under load: its stages, its latencies, what its processes and servers hold."""

import contextlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from statistics import median
from typing import NamedTuple

import psutil
import psycopg
import redis

from infra.contracts.base import Author, Priority
from infra.contracts.candidates import NewCandidate, NewGroup
from infra.contracts.ranking import CompleteRequest, Lease, LeaseRequest, NewCheckpoint
from services.cli.suite.running import RunningSuite
from trainer.batches.client import LeaseClient

_VISITOR_SECONDS = 0.05
"""Between two questions; more of them would be a load of their own."""
_STAGES = {
    "accepted": "SELECT count(*) FROM candidates",
    "sent": "SELECT count(*) FROM candidates WHERE sent_at IS NOT NULL OR state <> 'submitted'",
    "labelled": "SELECT count(*) FROM candidates WHERE state <> 'submitted'",
    "in ranked groups": "SELECT count(*) FROM candidates c JOIN groups g ON g.id = c.group_id"
    " WHERE g.state <> 'open'",
}


class Look(NamedTuple):
    """What there was at one moment."""

    seconds: float
    stages: dict[str, int]
    memory: dict[str, float]
    """Mebibytes that a service's processes have for themselves."""
    cpu: dict[str, float]
    """CPU seconds that a service or server has used since its start."""
    database: int
    """Bytes of the database."""
    redis: int
    """Bytes that Redis holds."""


class Watch(threading.Thread):
    """Looks every few seconds until it is told to end."""

    def __init__(self, suite: RunningSuite, every: float) -> None:
        super().__init__(daemon=True)
        self._suite = suite
        self._every = every
        self._ended = threading.Event()
        self._began = time.monotonic()
        self.looks: list[Look] = []

    def run(self) -> None:
        """Look, and look again."""
        with (
            psycopg.connect(
                self._suite.database_url.replace("+psycopg", ""), autocommit=True
            ) as database,
            redis.Redis.from_url(self._suite.redis_url) as queues,
        ):
            while True:
                last = self._ended.is_set()
                self.looks.append(self._look(database, queues))
                if last:
                    return
                self._ended.wait(self._every)

    def end(self) -> None:
        """Take a last look."""
        self._ended.set()
        self.join()

    def _look(self, database: "psycopg.Connection[tuple[int]]", queues: "redis.Redis") -> Look:
        stages = {name: _number(database, query) for name, query in _STAGES.items()}
        trees = {name: _tree(pid) for name, pid in self._pids().items()}
        memory = {name: _memory(trees[name]) / 2**20 for name in self._suite.names}
        cpu = {name: _cpu(tree) for name, tree in trees.items()}
        size = _number(database, "SELECT pg_database_size(current_database())")
        used = int(queues.info("memory")["used_memory"])
        return Look(time.monotonic() - self._began, stages, memory, cpu, size, used)

    def _pids(self) -> dict[str, int]:
        pids = {name: self._suite.pid(name) or 0 for name in self._suite.names}
        home = str(self._suite.home)
        for process in psutil.process_iter(["name", "cmdline"]):
            name, command = process.info["name"], process.info["cmdline"] or []
            if name in ("postgres", "valkey-server") and any(home in word for word in command):
                pids[name] = process.pid
        return pids


def _number(database: "psycopg.Connection[tuple[int]]", query: str) -> int:
    row = database.execute(query).fetchone()  # type: ignore[arg-type]  # Constants of this file.
    assert row is not None
    return row[0]


def _tree(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _memory(tree: list[psutil.Process]) -> int:
    total = 0
    for process in tree:
        with contextlib.suppress(psutil.NoSuchProcess):
            total += process.memory_full_info().uss
    return total


def _cpu(tree: list[psutil.Process]) -> float:
    total = 0.0
    for process in tree:
        with contextlib.suppress(psutil.NoSuchProcess):
            # The first four: own and those of children that have ended.
            total += sum(process.cpu_times()[:4])
    return total


def rates(looks: list[Look], total: int) -> dict[str, float]:
    """Candidates/s of every stage, from its first to the last of `total` candidates."""
    found = {}
    for stage in _STAGES:
        before = max((look.seconds for look in looks if not look.stages[stage]), default=0.0)
        after = next(look.seconds for look in looks if look.stages[stage] >= total)
        found[stage] = total / max(after - before, 1e-9)
    return found


def growth(looks: list[Look], name: str) -> float:
    """Memory of a service late in the load as a multiple of that early in it.

    Each is the median over a fifth of the time, after the first tenth in which caches fill.
    """
    kept = [look.memory[name] for look in looks if name in look.memory]
    fifth = max(len(kept) // 5, 1)
    start = len(kept) // 10
    return median(kept[-fifth:]) / median(kept[start : start + fifth])


class Trainer(threading.Thread):
    """Leases and completes without training: how long would the fastest trainer wait?"""

    def __init__(self, suite: RunningSuite) -> None:
        super().__init__(daemon=True)
        self._ended = threading.Event()
        self._client = LeaseClient(suite.api_url, suite.api_key, self._ended)
        self.arrivals: list[float] = []

    def run(self) -> None:
        """Take batches until told to end."""
        version = 0
        while not self._ended.is_set():
            request = LeaseRequest(worker="load", wait_seconds=1)
            for batch in self._client.lease(request).batches:
                version += 1
                self._client.complete(
                    CompleteRequest(
                        leases=(Lease(batch_id=batch.batch_id, epoch=batch.epoch),),
                        checkpoint=NewCheckpoint(version=version, path="none", sha256="0" * 64),
                    )
                )
                self.arrivals.append(time.monotonic())

    def end(self) -> None:
        """Stop."""
        self._ended.set()
        self.join()
        self._client.close()

    def waits(self) -> list[float]:
        """Seconds between one batch and the next, sorted."""
        return sorted(after - before for before, after in pairwise(self.arrivals))


class Visitor(threading.Thread):
    """Posts one interactive candidate after another: how long does somebody wait beside a load?"""

    def __init__(self, suite: RunningSuite, slug: str, program: str) -> None:
        super().__init__(daemon=True)
        self._suite = suite
        self._slug = slug
        self._program = program
        self._ended = threading.Event()
        self.seconds: list[float] = []

    def run(self) -> None:
        """Post, wait for the label, pause."""
        with self._suite.client() as client:
            problem = client.find_problem(self._slug).id
            number = 0
            while not self._ended.wait(0.5):
                number += 1
                program = f"{self._program}\n# visit {number}\n"
                new = NewGroup(
                    candidates=(NewCandidate(author=Author.STUDENT, program=program),),
                    priority=Priority.INTERACTIVE,
                    policy="visitor",
                )
                began = time.monotonic()
                group = client.create_group(problem, new)
                while client.get_group(group.id).candidates.get("submitted"):
                    if self._ended.is_set():
                        return
                    time.sleep(_VISITOR_SECONDS)
                self.seconds.append(time.monotonic() - began)

    def end(self) -> None:
        """Stop."""
        self._ended.set()
        self.join()


@contextmanager
def watching(
    suite: RunningSuite, slug: str, program: str
) -> Iterator[tuple[Watch, Trainer, Visitor]]:
    """Run all three beside a load."""
    threads = Watch(suite, 5.0), Trainer(suite), Visitor(suite, slug, program)
    for thread in threads:
        thread.start()
    try:
        yield threads
    finally:
        for thread in reversed(threads):
            thread.end()
