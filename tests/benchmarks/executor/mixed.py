"""Honest and hostile candidates mixed 1:1 through the service: `make bench-mixed`.

Every honest verdict must be what the candidate gets when it runs alone.
"""

import argparse
import itertools
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg

from executor import label
from infra.contracts.base import Author, GroupState
from infra.contracts.candidates import NewCandidate, NewGroup
from infra.contracts.execution import Verdict
from infra.contracts.problems import CallTest, Limits, Problem
from infra.records import importers
from services.cli.suite.running import running_suite
from tests.benchmarks.executor import tasks as made

_HOSTILE_PROBLEM = Problem(
    slug="hostile/add",
    prompt="add",
    entry_point="add",
    tests=tuple(CallTest(args=(n, 2 * n), expected=[n, 2 * n, 3 * n]) for n in (3, 7, 11)),
    limits=Limits(
        cpu_seconds=0.2, total_cpu_seconds=0.5, memory_bytes=96 * 2**20,
        output_bytes=64 * 1024, file_bytes=4 * 2**20, processes=16,
    ),
)  # fmt: skip


def solo(data: Path, slots: int, number: int) -> list[tuple[dict[str, Any], Verdict]]:
    """Label recorded candidates with nothing hostile beside them; leave out those near a limit."""
    tasks = made.recorded(data, made.problems(data))[: 2 * number]
    found = []
    for item in label(made.as_problems(tasks), tasks, slots=slots):
        verdict = item.verdict
        if verdict is not None and verdict.usage.cpu_seconds < 0.5 and not verdict.unstable:
            found.append((dict(item.record), verdict))
    return list(itertools.islice(itertools.cycle(found), number))


def hostile(number: int) -> list[str]:
    """Programs that attack, over and over."""
    folders = sorted(path.parent for path in made.HOSTILE.glob("*/expect.toml"))
    sources = [
        (folder / "program.py").read_bytes().decode("utf-8", "replace") for folder in folders
    ]
    return list(itertools.islice(itertools.cycle(sources), number))


def through_the_service(
    honest: list[tuple[dict[str, Any], Verdict]], attacks: list[str], slots: int
) -> tuple[list[str], float]:
    """Submit all, one of each kind in turn; return what differs, and the time it took."""
    tasks = [task for task, _ in honest]
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        Path(folder).chmod(0o711)
        with (
            running_suite(Path(folder, "home"), executor_slots=slots, trainer=False) as suite,
            suite.client() as client,
        ):
            problems = [importers.to_problem(p) for p in made.as_problems(tasks)]
            client.add_problems([*problems, _HOSTILE_PROBLEM])
            ids = {problem.slug: problem.id for problem in client.problems()}
            began = time.monotonic()
            for start in range(0, len(honest), 8):
                by_problem: dict[str, list[NewCandidate]] = {}
                for number, (task, _) in enumerate(honest[start : start + 8], start):
                    by_problem.setdefault(task["task_id"], []).append(
                        _candidate(f"{task['program']}\n# honest {number}\n", number)
                    )
                by_problem[_HOSTILE_PROBLEM.slug] = [
                    _candidate(f"{source}\n# hostile {number}\n", number)
                    for number, source in enumerate(attacks[start : start + 8], start)
                ]
                for slug, candidates in by_problem.items():
                    client.create_group(ids[slug], NewGroup(candidates=tuple(candidates)))
            while client.stats().groups[GroupState.OPEN]:
                time.sleep(0.5)
            seconds = time.monotonic() - began
            with psycopg.connect(suite.database_url.replace("+psycopg", "")) as connection:
                rows = connection.execute(
                    "SELECT c.program, c.state, c.label, e.tests FROM candidates c"
                    " LEFT JOIN executions e ON e.id = c.execution_id"
                ).fetchall()
    return list(_differences(honest, rows)), seconds


def _candidate(program: str, number: int) -> NewCandidate:
    author = Author.TEACHER if number % 2 else Author.STUDENT
    return NewCandidate(author=author, program=program)


def _differences(
    honest: list[tuple[dict[str, Any], Verdict]], rows: list[tuple[Any, ...]]
) -> "itertools.chain[str]":
    found = []
    labels: Counter[str] = Counter()
    seen = 0
    for program, state, labelled, tests in rows:
        source = bytes(program).decode("utf-8", "surrogatepass")
        kind, _, number = source.rstrip().rpartition("\n# ")[2].partition(" ")
        labels[f"{kind} {labelled or state}"] += 1
        if kind != "honest":
            continue
        seen += 1
        alone = honest[int(number)][1]
        outcomes = [test["outcome"] for test in tests or []]
        if labelled != alone.label.value or outcomes != [t.outcome.value for t in alone.tests]:
            found.append(
                f"{honest[int(number)][0]['task_id']}: {alone.label} alone, {labelled} here"
            )
    print(dict(sorted(labels.items())))
    missing = [] if seen == len(honest) else [f"{len(honest) - seen} have no row"]
    return itertools.chain(found, missing)


def main() -> None:
    """Run, print what differs, end with 1 if anything does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--each", type=int, default=5_000)
    parser.add_argument("--slots", type=int, default=(os.cpu_count() or 1) + 1)
    given = parser.parse_args()
    honest = solo(given.data, given.slots, given.each)
    differences, seconds = through_the_service(honest, hostile(given.each), given.slots)
    print(
        f"{2 * given.each} candidates in {seconds:.0f} s, {len(differences)} honest verdicts differ"
    )
    for line in differences[:50]:
        print(line)
    sys.exit(bool(differences))


if __name__ == "__main__":
    main()
