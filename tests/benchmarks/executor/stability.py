"""The recorded candidates three times beside busy loops: `make bench-stability`.

Every label and every test's outcome must be the same each time, and as on a quiet machine.
"""

import argparse
import multiprocessing
import os
import sys
import time
from pathlib import Path

from executor import label
from infra.contracts.execution import Verdict
from infra.records import importers
from tests.benchmarks.executor import tasks as made


def spin() -> None:
    """Keep one processor busy."""
    while True:
        pass


def verdicts(data: Path, every: int, slots: int) -> tuple[list[str], list[Verdict]]:
    """Label every so manieth recorded candidate; return names and verdicts."""
    known = made.problems(data)
    records = [
        record for _, record in importers.read_records(data / "humaneval_candidates.jsonl.gz")
    ]
    chosen = [record for record in records if isinstance(record, dict)][::every]
    found = [item.verdict for item in label(known.values(), chosen, slots=slots)]
    assert all(found)
    return [record["task_id"] for record in chosen], [verdict for verdict in found if verdict]


def main() -> None:
    """Run four times, print what differs, end with 1 if anything does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--slots", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    names, quiet = verdicts(given.data, given.every, given.slots)
    loops = [multiprocessing.Process(target=spin, daemon=True) for _ in range(os.cpu_count() or 1)]
    for loop in loops:
        loop.start()
    differences = 0
    for run in range(1, 4):
        began = time.monotonic()
        _, loaded = verdicts(given.data, given.every, given.slots)
        seconds = time.monotonic() - began
        for name, before, after in zip(names, quiet, loaded, strict=True):
            outcomes = [[test.outcome for test in verdict.tests] for verdict in (before, after)]
            if before.label is not after.label or outcomes[0] != outcomes[1]:
                differences += 1
                print(f"  run {run}: {name}: {before.label} quiet, {after.label} loaded")
        unstable = sum(verdict.unstable for verdict in loaded)
        print(f"run {run}: {len(loaded)} candidates in {seconds:.0f} s, {unstable} marked unstable")
    for loop in loops:
        loop.terminate()
    print(f"{differences} verdicts differ from those of the quiet machine")
    sys.exit(bool(differences))


if __name__ == "__main__":
    main()
