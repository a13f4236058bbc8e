"""Runs graders on tasks and measures them; what they print is a table of this one run."""

import contextlib
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from executor import label
from executor.sandbox.slot import nsjail_binary
from infra.contracts.base import Author, GroupState, Label
from infra.contracts.candidates import NewCandidate
from infra.contracts.views.api import BulkGroup
from services.cli.suite.running import running_suite
from services.client import Client
from tests.benchmarks.executor import tasks as made

CONTENDERS = Path(__file__).with_name("contenders.py")
_TICK = os.sysconf("SC_CLK_TCK")
_APART = (
    "unshare", *(() if os.geteuid() == 0 else ("--map-root-user",)), "--mount", "--pid", "--net",
    "--ipc", "--fork", "--kill-child",
    "sh", "-c", 'mount -t tmpfs none /tmp && mount -t proc none /proc && exec "$@"', "sh",
)  # fmt: skip
"""Programs that run in a grader's own process see no process, network or `/tmp` of the host."""


class Figures(NamedTuple):
    """One row of the table."""

    name: str
    rate: float
    latencies: list[float]
    cpu_seconds: float
    passed: list[bool]
    labels: tuple[str, ...] = ()
    own_seconds: float | None = None
    """Of the CPU seconds, what the processes took that watch the jails."""


def machine_cpu() -> float:
    """CPU seconds that the machine has worked since its start."""
    fields = [int(word) for word in Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
    return (sum(fields) - fields[3] - fields[4]) / _TICK


def supervisors_cpu() -> float:
    """CPU seconds of this process and those below it so far, without what runs in any jail."""
    ticks, pending = 0, [os.getpid()]
    while pending:
        pid = pending.pop()
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            comm, _, rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
            if not comm.endswith("(nsjail"):
                ticks += sum(int(word) for word in rest.split()[11:13])
                for task in os.listdir(f"/proc/{pid}/task"):
                    children = Path(f"/proc/{pid}/task/{task}/children").read_text()
                    pending += map(int, children.split())
    return ticks / _TICK


def contender(python: str, name: str, workers: int, tasks: list[dict[str, Any]]) -> Figures:
    """Run a grader that is not ours, in namespaces of its own: most of them protect nothing."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        given, out = Path(folder, "tasks.json"), Path(folder, "out.json")
        given.write_text(json.dumps(tasks))
        command = [*_APART, python, str(CONTENDERS), name, str(workers), str(given), str(out)]
        command += [str(nsjail_binary())] if name == "llm_sandbox" else []
        before = machine_cpu()
        subprocess.run(
            command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, cwd=folder,
        )  # fmt: skip
        cpu = machine_cpu() - before
        found = json.loads(out.read_text())
    latencies = sorted(seconds for _, seconds in found["results"])
    passed = [passed for passed, _ in found["results"]]
    rate = len(tasks) / found["seconds"]
    return Figures(f"{name}, {workers} workers", rate, latencies, cpu / len(tasks), passed)


def ours(name: str, slots: int, strict: bool, tasks: list[dict[str, Any]]) -> Figures:
    """Run our pool through its public function; its start is not counted, as with the others."""
    problems = made.as_problems(tasks)
    warm = [tasks[0]] * slots * (16 if strict else 200)
    labelled = label(problems, [*warm, *tasks], slots=slots, strict=strict)
    for _ in warm:
        next(labelled)
    before, own_before, began = machine_cpu(), supervisors_cpu(), time.perf_counter()
    found = [next(labelled) for _ in tasks]
    seconds, cpu = time.perf_counter() - began, machine_cpu() - before
    own = supervisors_cpu() - own_before
    assert next(labelled, None) is None
    passed = [item.verdict is not None and item.verdict.label is Label.ALL_PASS for item in found]
    latencies = sorted(item.seconds for item in found)
    labels = tuple(item.verdict.label if item.verdict else item.error for item in found)
    return Figures(
        f"{name}, {slots} slots", len(found) / seconds, latencies, cpu / len(found), passed,
        labels, own / len(found),
    )  # fmt: skip


def service(slots: int, tasks: list[dict[str, Any]]) -> Figures:
    """Run our whole service path, from the first POST to the last stored label and ranking.

    Its start, as much warming up as the pool has, and the check that each problem has once, when it
    is stored, are not counted.
    """
    from infra.records import importers

    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o711)
        with (
            running_suite(Path(folder, "home"), executor_slots=slots, trainer=False) as suite,
            suite.client() as client,
        ):
            client.add_problems([importers.to_problem(one) for one in made.as_problems(tasks)])
            submit(client, [tasks[0]] * slots * 200, "warm")
            with psycopg.connect(suite.database_url.replace("+psycopg", "")) as connection:
                pending = "SELECT count(*) FROM problems WHERE check_state = 'pending'"
                while connection.execute(pending).fetchall()[0][0]:
                    time.sleep(0.2)
            before, began = machine_cpu(), time.time()
            submit(client, tasks, "")
            cpu = machine_cpu() - before
            with psycopg.connect(suite.database_url.replace("+psycopg", "")) as connection:
                ended = "SELECT extract(epoch FROM max(ranked_at)) FROM groups"
                seconds = float(connection.execute(ended).fetchall()[0][0]) - began
                rows = connection.execute(
                    "SELECT label, extract(epoch FROM labelled_at - created_at), state, reason"
                    " FROM candidates WHERE model <> 'warm'"
                ).fetchall()
            unlabelled = [row for row in rows if row[0] is None]
            assert not unlabelled, unlabelled[:3]
    latencies = sorted(float(row[1]) for row in rows)
    passed = [row[0] == Label.ALL_PASS.value for row in rows]
    return Figures(
        f"our service, {slots} slots", len(rows) / seconds, latencies, cpu / len(rows), passed
    )


def submit(client: Client, tasks: list[dict[str, Any]], model: str) -> None:
    """Submit a group for each problem, or for 64 of its programs, and wait for all rankings."""
    by_problem: dict[str, list[str]] = {}
    for task in tasks:
        by_problem.setdefault(task["task_id"], []).append(task["program"])
    groups = []
    for slug, programs in by_problem.items():
        candidates = tuple(
            NewCandidate(
                author=Author.TEACHER if number % 2 else Author.STUDENT,
                model=model,
                # A comment keeps equal programs from being labelled once for all.
                program=f"{program}\n# {model}{number}\n",
            )
            for number, program in enumerate(programs)
        )
        for start in range(0, len(candidates), 64):
            groups.append(BulkGroup(problem=slug, candidates=candidates[start : start + 64]))
    for start in range(0, len(groups), 100):
        outcomes = client.create_groups(groups[start : start + 100]).outcomes
        assert all(outcome.id for outcome in outcomes), outcomes
    while client.stats().groups[GroupState.OPEN]:
        # Counting costs the machine something too: when it was over, the database knows.
        time.sleep(1)


def in_turns(rounds: int, makers: list[Callable[[], Figures]]) -> list[Figures]:
    """Measure all of them in turn, round after round; return the median round of each by its rate.

    A machine of one's own in a cloud is faster at one minute than at the next.
    """
    found = [[make() for make in makers] for _ in range(rounds)]
    columns = [sorted(column, key=lambda row: row.rate) for column in zip(*found, strict=True)]
    return [column[len(column) // 2] for column in columns]


def show(title: str, rows: list[Figures], base: Figures | None = None) -> None:
    """Print a table; the last column compares with the base."""
    print(f"\n{title}")
    for row in rows:
        p50, p99 = (row.latencies[int(len(row.latencies) * q)] * 1000 for q in (0.5, 0.99))
        ratio = f"{row.rate / base.rate:>6.2f} of {base.name}" if base else ""
        own = "" if row.own_seconds is None else f", {row.own_seconds * 1000:.2f} outside the jails"
        print(
            f"  {row.name:<26}{row.rate:>8.1f}/s  p50 {p50:>8.1f} ms  p99 {p99:>8.1f} ms"
            f"  CPU {row.cpu_seconds * 1000:>6.2f} ms{own}  passed {sum(row.passed):>5}  {ratio}"
        )
