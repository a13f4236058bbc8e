"""The sampler beside the server it asks, and its memory: `make bench-sampler`.

What a server writes by itself is measured inside its process, with the same number of requests
waiting and nothing but its own batches to do. Then a sampler worker (a process, with Celery,
Valkey, Postgres and its ledger) asks the same server over HTTP. The two take turns, for a machine's
speed changes; the ratio is what counts. Exits with 1 where it is below 0.9, or memory grows. A
completion has the length of a short program; shorter ones are more requests a second, of which the
worker, its database and the server's own HTTP take processor time from the model beside them.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import httpx
import psutil
from sqlalchemy import func, select

from infra import intake, stored_problems
from infra.contracts.base import Author, CallState, SampleState
from infra.contracts.candidates import NewGroup, SamplePlan
from infra.db import migrate
from infra.db.ledger import CallRow
from infra.db.tables import CandidateRow, SampleRequestRow
from infra.db.unit_of_work import Database
from infra.local.home import free_port
from infra.local.servers import LocalServers
from infra.queues.messaging import Sender, Task, celery_app
from services.delivery import priorities
from services.starter import load

_LEAST_SHARE = 0.9
_MOST_GROWTH = 8 * 2**20
"""Bytes that a worker may grow by between a third of the requests and the end."""
_PLAN = 64
_STARTER = "tests.model_server.sources:Starter"
_SERVERS = (
    # The first takes a processor core for itself, as no GPU server does; the second takes none.
    ("a small model on one core", ("tests.model_server.student:Student",), 1024),
    ("64 completions at once, 4 s each", (_STARTER, "--seconds", "4", "--slots", "64"), 512),
    ("64 completions at once, 0.05 s each", (_STARTER, "--seconds", "0.05", "--slots", "64"), 0),
)
"""Name, source and completions of one round; none for the one that memory is measured with."""


class Bench:
    """Database, queue, a model server, and one sampler worker that asks it."""

    def __init__(self, servers: LocalServers, url: str, folder: Path, in_flight: int) -> None:
        os.environ["REDIS_URL"] = servers.redis_url
        self._database = Database(servers.database_url)
        self._sender = Sender(celery_app())
        config = folder / "servers.toml"
        config.write_text(
            f'[policy]\nurl = "{url}/v1"\nmodel = "tiny"\nform = "completion"\n'
            # With a price, so that the account is part of what is measured.
            f"concurrency = {in_flight}\ninput_price = 1\noutput_price = 1\nbudget = 100000000\n"
        )
        given = {
            "DATABASE_URL": servers.database_url,
            "REDIS_URL": servers.redis_url,
            "RRTF_SAMPLER_ENDPOINTS": str(config),
            "RRTF_LOG_LEVEL": "WARNING",
        }
        with Path("build/bench-sampler.log").open("wb") as log:
            self.worker = subprocess.Popen(
                [sys.executable, "-m", "sampler"], env=os.environ | given, stdout=log, stderr=log
            )
        self.problem = load.problems()[0]
        with self._database.unit_of_work() as work:
            self._problem_id, _ = stored_problems.add_problem(work, self.problem)

    def sample(self, number: int, tokens: int) -> float:
        """Ask for completions in plans of 64; return completions a second."""
        plan = SamplePlan(
            author=Author.STUDENT, backend="policy", num_samples=_PLAN, max_tokens=tokens
        )
        with self._database.unit_of_work() as work:
            wanted = [(self._problem_id, NewGroup(samples=(plan,)))] * (number // _PLAN)
            intake.open_groups(work, wanted)
        began = time.perf_counter()
        with self._database.unit_of_work() as work:
            messages = [one for one, _ in priorities.take_samples(work, len(wanted))]
        for message in messages:
            self._sender.send_or_raise(Task.SAMPLE_GROUP, message)
        while self._open():
            time.sleep(0.05)
        return number / (time.perf_counter() - began)

    def _open(self) -> bool:
        if self.worker.poll() is not None:
            raise SystemExit("the worker died; see build/bench-sampler.log")
        with self._database.reading() as session:
            states = dict(
                session.execute(
                    select(SampleRequestRow.state, func.count()).group_by(SampleRequestRow.state)
                ).all()
            )
        if states.get(SampleState.QUARANTINED):
            raise SystemExit("a request for samples was set aside")
        return bool(states.get(SampleState.SUBMITTED))

    def memory(self) -> int:
        """Return the worker's resident bytes."""
        return int(psutil.Process(self.worker.pid).memory_info().rss)

    def cpu_seconds(self) -> float:
        """Return the processor time the worker has used."""
        return float(sum(psutil.Process(self.worker.pid).cpu_times()[:2]))

    def check(self) -> None:
        """Hold every candidate against a completed call."""
        with self._database.reading() as session:
            calls = session.scalar(select(func.count()).where(CallRow.state == CallState.COMPLETED))
            candidates = session.scalar(select(func.count()).select_from(CandidateRow))
        if calls != candidates:
            raise SystemExit(f"{calls} completed calls for {candidates} candidates")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.worker.terminate()
        self.worker.wait(60)
        self._database.close()


@contextmanager
def model_server(*arguments: str) -> Iterator[str]:
    """Run the test server as a process; yield its address."""
    port = free_port()
    command = [sys.executable, "-m", "tests.model_server", "--port", str(port), *arguments]
    process = subprocess.Popen(command)
    url = f"http://127.0.0.1:{port}"
    try:
        while True:
            try:
                httpx.get(f"{url}/v1/models", timeout=1)
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait()


def throughput(
    bench: Bench, url: str, rounds: int, number: int, in_flight: int, tokens: int
) -> bool:
    """Compare the server alone with the sampler; tell whether the sampler keeps up."""
    shares = []
    for one in range(rounds):
        # In the server's own process, so that both are the same model in the same state.
        answer = httpx.post(
            f"{url}/alone",
            json={
                "prompt": bench.problem.prompt,
                "number": number,
                "in_flight": in_flight,
                "max_tokens": tokens,
            },
            timeout=None,
        )
        by_itself = float(answer.json())
        sampled = bench.sample(number, tokens)
        shares.append(sampled / by_itself)
        print(
            f"round {one + 1}: server alone {by_itself:7.1f}/s   through the sampler"
            f" {sampled:7.1f}/s   share {shares[-1]:.3f}",
            flush=True,
        )
    share = statistics.median(shares)
    print(f"share of the server's own batch throughput: median {share:.3f} of {rounds} rounds")
    return share >= _LEAST_SHARE


def memory(bench: Bench, number: int) -> bool:
    """Ask for so many completions; tell whether the worker stays as large as it was."""
    rates = [bench.sample(number // 3, 256)]
    before, cpu = bench.memory(), bench.cpu_seconds()
    rates += [bench.sample(number // 3, 256) for _ in range(2)]
    grown, used = bench.memory() - before, bench.cpu_seconds() - cpu
    print(
        f"memory: {before / 2**20:.1f} MiB after {number // 3} requests, {grown / 2**20:+.1f} MiB"
        f" after {number}; {statistics.median(rates):.0f} requests a second,"
        f" {used / (number // 3 * 2) * 1000:.1f} ms of processor time for each"
    )
    return grown <= _MOST_GROWTH


def main() -> int:
    """Measure; return 1 where a bound is not kept."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=256, help="of each completion")
    parser.add_argument("--in-flight", type=int, default=128)
    parser.add_argument("--requests", type=int, default=6144, help="for the memory")
    given = parser.parse_args()
    kept = []
    Path("build").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o711)
        with LocalServers(Path(folder, "home"), durable=True) as servers:
            migrate.upgrade(servers.database_url)
            for name, source, number in _SERVERS:
                print(f"{name}:", flush=True)
                with (
                    model_server("--source", *source) as url,
                    Bench(servers, url, Path(folder), given.in_flight) as bench,
                ):
                    if number:
                        numbers = (given.rounds, number, given.in_flight, given.tokens)
                        kept.append(throughput(bench, url, *numbers))
                    else:
                        kept.append(memory(bench, given.requests))
                    bench.check()
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
