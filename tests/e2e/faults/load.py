"""A steady load of tiny candidates whose labels are known, and how far it is."""

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import psycopg

from infra import errors
from infra.contracts.base import Author, Priority
from infra.contracts.candidates import NewCandidate, NewGroup, SamplePlan
from infra.contracts.problems import CallTest, Problem
from infra.contracts.views.api import BulkGroup
from services.cli.suite.running import RunningSuite
from services.client import Client

POISON, LETHAL = "poison", "lethal"
"""Models of candidates that kill their process, or all of their worker; see `fragile`."""
PROBLEM = Problem(
    slug="faults/add",
    prompt='def add(a, b):\n    """Return the sum."""\n',
    entry_point="add",
    tests=(
        CallTest(args=(0, 0), expected=0),
        CallTest(args=(1, 2), expected=3),
        CallTest(args=(-1, 1), expected=0),
    ),
)
BODIES = {
    "right": "def add(a, b):\n    return a + b\n",
    "half": "def add(a, b):\n    return a - b\n",
    "none": "def add(a, b):\n    return None\n",
    "raises": "def add(a, b):\n    raise ValueError(a)\n",
    "broken": "def add(a, b:\n    return a\n",
}
"""Programs by the model that wrote them; the same model always earns the same label."""
_REPLAYED = [
    {"task_id": PROBLEM.slug, "author": author.value, "model": model, "program": BODIES[model]}
    for author in Author
    for model in BODIES
]
_OPEN = 32
"""Groups that the load keeps waiting, so that every worker always has something in hand."""
_AT_ONCE = 8
_PAUSE_SECONDS = 0.05


def group(number: int, poison: str | None = None) -> NewGroup:
    """Make a group unlike every other, but for a teacher's program that two of them share."""
    models = list(BODIES)
    programs = [(Author.STUDENT, models[(number + offset) % len(models)]) for offset in range(3)]
    programs.append(programs[0])  # The same program once more.
    candidates = [
        NewCandidate(author=author, model=model, program=f"{BODIES[model]}\n_n = {number}\n")
        for author, model in programs
    ]
    shared = f"{BODIES['right']}\n_shared = {number // 2}\n"
    candidates.append(NewCandidate(author=Author.TEACHER, model="right", program=shared))
    if poison:
        candidates.insert(
            number % len(candidates),
            NewCandidate(
                author=Author.STUDENT,
                model=poison,
                program=f"_{poison} = {number}\nwhile True:\n    pass\n",
            ),
        )
    samples = [
        SamplePlan(author=Author.STUDENT, backend="replay", num_samples=2, seed=number)
        for _ in range(number % 4 == 0)
    ]
    return NewGroup(
        candidates=tuple(candidates),
        samples=tuple(samples),
        priority=Priority.BULK if number % 3 else Priority.INTERACTIVE,
    )


def write_replay(home: Path) -> dict[str, str]:
    """Write what the sampler replays; return the setting that says where."""
    path = home / "replay.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in _REPLAYED))
    return {"RRTF_SAMPLER_REPLAY": str(path)}


def size(new: NewGroup) -> int:
    """Count the candidates that a group will have."""
    return len(new.candidates) + sum(plan.num_samples for plan in new.samples)


class Load:
    """Submits groups through the API for as long as it is entered."""

    def __init__(self, suite: RunningSuite, first: int = 0) -> None:
        self._suite = suite
        self.number = first
        """Number of the next group."""
        self.accepted: dict[UUID, int] = {}
        """Candidates of every group that the API said it took."""
        self.failures = 0
        """Requests that brought no answer, or an answer of trouble."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        with suite.client() as client:
            client.add_problem(PROBLEM)

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def submit(self, client: Client, groups: int = _AT_ONCE, poison: str | None = None) -> None:
        """Submit groups, and remember them once they are accepted."""
        new = [group(self.number + offset, poison) for offset in range(groups)]
        self.number += groups
        bulk = [BulkGroup(problem=PROBLEM.slug, **dict(one)) for one in new]
        outcomes = client.create_groups(bulk).outcomes
        for one, outcome in zip(new, outcomes, strict=True):
            assert outcome.id is not None, outcome.error
            self.accepted[outcome.id] = size(one)

    def _run(self) -> None:
        with Client(self._suite.api_url, self._suite.api_key, timeout_seconds=10) as client:
            while not self._stop.wait(_PAUSE_SECONDS):
                try:
                    if waiting(self._suite.database_url)["groups"] < _OPEN:
                        self.submit(client)
                except (errors.SuiteError, psycopg.OperationalError):
                    # The fault at work; whether the group was taken is for the audit to find.
                    self.failures += 1


def waiting(url: str) -> dict[str, int]:
    """Count what is not finished.

    Raises:
        psycopg.OperationalError: Postgres is away.
    """
    unfinished = {
        "candidates": "state NOT IN ('labelled', 'quarantined')",
        "sample_requests": "state NOT IN ('completed', 'quarantined')",
        "groups": "state <> 'ranked'",
        "problems": "check_state = 'pending'",
    }
    with connected(url) as connection:
        return {
            table: int(
                connection.execute(
                    f"SELECT count(*) FROM {table} WHERE {condition}"  # noqa: S608
                ).fetchone()[0]
            )
            for table, condition in unfinished.items()
        }


@contextlib.contextmanager
def connected(url: str) -> Iterator[psycopg.Connection]:
    """Open a connection of the test's own, which a fault that cuts the suite's leaves alone."""
    with psycopg.connect(
        url, autocommit=True, connect_timeout=3, application_name="faults"
    ) as connection:
        yield connection


def until(condition, seconds=60.0, pause=0.05):
    """Wait for something; tell whether it came."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(pause)
    return False
