"""One suite under load, the faults done to it, and the proof afterwards that nothing is amiss."""

import contextlib
import random
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from infra.db.unit_of_work import Database
from infra.queues.messaging import queue_depths
from ranker.batching.batches import MAX_LEASES
from services.audit import Audit, Maxima, audit
from services.cli.suite.running import RunningSuite
from tests.e2e.faults.load import LETHAL, POISON, Load, connected, until, waiting

MAX_ATTEMPTS = 30
"""Of the suite that all faults share: who was killed so often was unlucky, not poison."""
VISIBILITY_SECONDS = 2.0
"""After which what a worker holds is handed out again."""
_SETTLE_SECONDS = 100.0
"""Longest wait for the end of everything, and a second more for each injection."""
_SHORT = {
    "RRTF_QUEUE_TASK_SECONDS": str(VISIBILITY_SECONDS * 0.9),
    "RRTF_QUEUE_VISIBILITY_SECONDS": str(VISIBILITY_SECONDS),
}

QUICK = {
    "sweep": {
        "RRTF_SWEEP_INTERVAL_SECONDS": "0.25",
        "RRTF_SWEEP_UNSENT_SECONDS": "1",
        "RRTF_SWEEP_BACKLOG_SECONDS": "4",
        "RRTF_SWEEP_STARTED_SECONDS": "4",
        "RRTF_SWEEP_FLUSH_SECONDS": "1",
        "RRTF_SWEEP_MAX_ATTEMPTS": str(MAX_ATTEMPTS),
        "RRTF_RANKER_BATCH_GROUPS": "16",
    },
    "ranker": {"RRTF_RANKER_BATCH_GROUPS": "16", **_SHORT},
    "sampler": _SHORT,
    "executor": {"RRTF_EXECUTOR_BATCH_SECONDS": str(VISIBILITY_SECONDS / 3), **_SHORT},
    "trainer": {
        "RRTF_TRAINER_LEASE_SECONDS": "4",
        "RRTF_TRAINER_THREADS": "1",
        "RRTF_TRAINER_MAX_PROMPT_TOKENS": "32",
        "RRTF_TRAINER_MAX_RESPONSE_TOKENS": "32",
    },
}
"""Settings with which what is lost is found within seconds."""


@dataclass
class Record:
    """What one fault did, for the table at the end."""

    fault: str
    injections: int = 0
    candidates: int = 0
    sent_again: int = 0
    refused: int = 0
    findings: list[str] = field(default_factory=list)
    seconds: float = 0.0


Verdicts = dict[str, set[tuple[object, ...]]]


class Rig:
    """A running suite to do harm to."""

    def __init__(
        self, suite: RunningSuite, rng: random.Random, injections: int, traps: Path
    ) -> None:
        self.suite = suite
        self.rng = rng
        self.traps = traps
        """Folder in which services look for files that tell them to break."""
        self.records: list[Record] = []
        self.max_attempts = MAX_ATTEMPTS
        self._injections = injections
        self._next = 0
        self.undisturbed: Verdicts = {}

    def run_undisturbed(self) -> None:
        """Label some groups in peace; what they get is what every later one must get."""
        load = Load(self.suite)
        with self.suite.client() as client:
            load.submit(client)
        self._next = load.number
        self.settle()
        self.undisturbed = self.verdicts()
        assert all(len(found) == 1 for found in self.undisturbed.values()), self.undisturbed

    @contextlib.contextmanager
    def fault(self, name: str) -> Iterator[Iterator[int]]:
        """Keep the suite under load while faults are done to it; then prove that all is well.

        Yields an iterator that pauses for a random while before each injection.
        """
        record = Record(name)
        self.records.append(record)
        with self.measured(record):
            with Load(self.suite, self._next) as load:
                assert until(lambda: waiting(self.suite.database_url)["candidates"] > 0)
                yield self._inject(record)
            self._next = load.number
            record.refused = load.failures
            self.prove(record, load)

    @contextlib.contextmanager
    def measured(self, record: Record) -> Iterator[None]:
        """Note how many candidates came in meanwhile, and how long it took."""
        began, before = time.monotonic(), self._counts()
        yield
        candidates, sent_again = self._counts()
        record.candidates, record.sent_again = candidates - before[0], sent_again - before[1]
        record.seconds = time.monotonic() - began

    def _inject(self, record: Record) -> Iterator[int]:
        for number in range(self._injections):
            time.sleep(self.rng.uniform(0.0, 0.5))
            record.injections += 1
            yield number

    def prove(self, record: Record, load: Load, seconds: float | None = None) -> None:
        """Wait until nothing is waiting; then audit, and compare every label."""
        self.settle(seconds)
        found = self.audit()
        record.findings = [f"{one.code} ({one.count})" for one in found.findings]
        assert found.is_clean, found.findings
        assert load.accepted, "the load never got through"
        assert self._stored(load) == load.accepted
        disturbed = self.verdicts()
        assert disturbed == {model: self.undisturbed[model] for model in disturbed}

    def settle(self, seconds: float | None = None) -> None:
        """Wait until nothing is waiting for anything."""
        seconds = seconds or _SETTLE_SECONDS + self._injections

        def done() -> bool:
            self.suite.check()
            try:
                return not any(waiting(self.suite.database_url).values())
            except psycopg.OperationalError:
                return False

        assert until(done, seconds, pause=0.1), self._stuck()

    def audit(self) -> Audit:
        """Audit the suite's database, which must be done with everything."""
        with contextlib.closing(Database(self.suite.database_url)) as database:
            return audit(database, Maxima(self.max_attempts, MAX_LEASES), complete=True)

    def verdicts(self) -> Verdicts:
        """Every different verdict that the programs of each model got."""
        with connected(self.suite.database_url) as connection:
            rows = connection.execute(
                "SELECT DISTINCT c.model, c.state, c.label, e.passed, e.total, e.unstable"
                " FROM candidates c LEFT JOIN executions e ON e.id = c.execution_id"
                " WHERE c.model <> ALL(%s)",
                [[POISON, LETHAL]],
            ).fetchall()
        found: Verdicts = {}
        for model, *verdict in rows:
            found.setdefault(model, set()).add(tuple(verdict))
        return found

    def _stored(self, load: Load) -> dict[object, int]:
        with connected(self.suite.database_url) as connection:
            rows = connection.execute(
                "SELECT group_id, count(*) FROM candidates WHERE group_id = ANY(%s) GROUP BY 1",
                [list(load.accepted)],
            )
            return dict(rows.fetchall())

    def _counts(self) -> tuple[int, int]:
        """Count the candidates there are, and how many the sweep has sent again."""
        with connected(self.suite.database_url) as connection:
            (candidates,) = connection.execute("SELECT count(*) FROM candidates").fetchone()
        log = (self.suite.home / "logs" / "sweep.log").read_text()
        again = re.findall(r'"count": (\d+), "event": "sweep.candidates_sent_again"', log)
        return int(candidates), sum(map(int, again))

    def _stuck(self) -> str:
        with connected(self.suite.database_url) as connection:
            rows = connection.execute(
                "SELECT id, state, attempts, now() - sent_at, now() - started_at, follows, reason"
                " FROM candidates WHERE state NOT IN ('labelled', 'quarantined')"
                " ORDER BY sent_at LIMIT 10"
            ).fetchall()
        depths = queue_depths(self.suite.redis_url)
        return f"{waiting(self.suite.database_url)} wait, {depths}, among them {rows}"
