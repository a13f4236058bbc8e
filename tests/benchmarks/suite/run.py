"""The whole suite under load, through its REST API: `make bench-suite`.

For 1, 2 and 4 executor processes: candidates/s at each stage, latency from POST to label, what
the database and Redis grow by, memory of every service, how long a trainer waits. Then the same
load with the execution cache on, when nine of ten programs come again.
"""

import argparse
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

from infra.contracts.base import GroupState
from infra.contracts.views.api import BulkGroup
from services.cli.suite.running import RunningSuite, running_suite
from tests.benchmarks.suite import intake, workload
from tests.benchmarks.suite.observe import Look, growth, rates, watching
from tests.benchmarks.suite.workload import Written

_ROOM = {"api": {"RRTF_API_MAX_WAITING": "10000000", "RRTF_API_MAX_WAITING_PER_KEY": "10000000"}}


@contextmanager
def suite_of(slots: int, data: Path) -> Iterator[RunningSuite]:
    """Start a suite of its own, with the problems of the load."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o711)
        with running_suite(
            Path(folder, "home"), executor_slots=slots, trainer=False, overrides=_ROOM
        ) as suite:
            with suite.client() as client:
                client.add_problems(workload.problems(data))
            yield suite


def load(suite: RunningSuite, groups: Sequence[BulkGroup], known: Sequence[Written]) -> None:
    """Submit everything as fast as the API takes it, wait for the end, print the figures."""
    total = sum(len(group.candidates) for group in groups)
    requests = intake.bodies(groups)
    before = _sizes(suite)
    with watching(suite, *known[0]) as (watch, trainer, visitor):
        poster = threading.Thread(target=intake.post, args=(suite, requests), daemon=True)
        poster.start()
        poster.join()
        with suite.client() as client:
            # One visit may be under way at any moment; a load is over when no other group is open.
            while client.stats().groups.get(GroupState.OPEN, 0) > 1:
                time.sleep(3)
        visitor.end()
        time.sleep(1)
    _print(watch.looks, total, before, _sizes(suite))
    print("  POST to label   " + _quantiles(_latencies(suite)))
    print("  beside it, interactive   " + _quantiles(visitor.seconds))
    if waits := trainer.waits():
        print(f"  trainer: {len(waits) + 1} batches, waits   " + _quantiles(waits))


def _print(looks: list[Look], total: int, before: tuple[int, int], after: tuple[int, int]) -> None:
    print("  candidates/s:  " + ", ".join(f"{k} {v:.0f}" for k, v in rates(looks, total).items()))
    most = max(look.redis for look in looks)
    print(
        f"  database {(after[0] - before[0]) / total:.0f} bytes a candidate; Redis at most"
        f" {most / 2**20:.1f} MiB, {(after[1] - before[1]) / 2**20:+.1f} MiB after"
    )
    memory = ", ".join(
        f"{name} {looks[-1].memory[name]:.0f} MiB ({growth(looks, name):.2f}x)"
        for name in looks[-1].memory
    )
    print(f"  memory at the end (late / early): {memory}")
    first, last = looks[0].cpu, looks[-1].cpu
    cpu = ", ".join(f"{k} {(last[k] - first.get(k, 0)) / total * 1000:.2f}" for k in last)
    print(f"  CPU milliseconds for a candidate: {cpu}")


def _sizes(suite: RunningSuite) -> tuple[int, int]:
    import redis

    with redis.Redis.from_url(suite.redis_url) as queues:
        used = int(queues.info("memory")["used_memory"])
    with _database(suite) as database:
        row = database.execute("SELECT pg_database_size(current_database())").fetchone()
    return row[0], used


def _latencies(suite: RunningSuite) -> list[float]:
    query = (
        "SELECT extract(epoch FROM c.labelled_at - c.created_at) FROM candidates c"
        " WHERE c.labelled_at IS NOT NULL AND NOT c.interactive"
    )
    with _database(suite) as database:
        return [float(seconds) for (seconds,) in database.execute(query)]


def _database(suite: RunningSuite) -> "psycopg.Connection[tuple[int]]":
    return psycopg.connect(suite.database_url.replace("+psycopg", ""))


def _quantiles(seconds: Sequence[float]) -> str:
    ordered = sorted(seconds)
    if not ordered:
        return "none"
    p50, p99 = (ordered[int(len(ordered) * q)] for q in (0.5, 0.99))
    return f"p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms, of {len(ordered)}"


def main() -> None:
    """Run every load and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--candidates", type=int, default=100_000)
    parser.add_argument("--processes", default="1,2,4")
    given = parser.parse_args()
    known = workload.programs(given.data, slots=3)
    print(f"{given.candidates} candidates, of {len(known)} programs that end soon")
    counts = [int(word) for word in given.processes.split(",")]
    with suite_of(counts[0], given.data) as suite:
        some = list(workload.groups(known, min(given.candidates, 20_000), cache=False))
        ours, copied = intake.measure(suite, some)
        print(f"API takes {ours:.0f} candidates/s, COPY {copied:.0f}/s: {ours / copied:.2f}")
    for slots in counts:
        print(f"{slots} executor processes, cache off")
        with suite_of(slots, given.data) as suite:
            load(suite, list(workload.groups(known, given.candidates, cache=False)), known)
    print(f"{counts[-1]} executor processes, cache on")
    with suite_of(counts[-1], given.data) as suite:
        load(suite, list(workload.groups(known, given.candidates, cache=True)), known)


if __name__ == "__main__":
    main()
