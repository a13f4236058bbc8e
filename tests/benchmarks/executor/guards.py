"""How many checks of published suites are guarded where tests run beside the candidate.

    python -m tests.benchmarks.executor.guards --data FOLDER [--problems 40]

Every suite is run shared, whether or not it would be; what is counted are places where it checks
something, and the CPU time of the reference program with and without changed copies of the tests.
"""

import argparse
import contextlib
from collections import Counter
from pathlib import Path

from executor.judging.asserting import SuiteBroken
from executor.judging.judge import Judge
from executor.sandbox.slot import Slot
from executor.settings import ExecutorSettings
from infra.contracts.base import Label
from infra.contracts.problems import Limits
from tests.hostile.shared_suites import published

SETS = (
    *("classeval", "bigcodebench_std_conv", "odex_std", "humanevalx_python", "mbxp_python"),
    *("puzzles_p3", "cruxeval", "mathqa_python", "humanevalpack_python"),
)


def main() -> None:
    """Print a row for each set."""
    options = argparse.ArgumentParser()
    options.add_argument("--data", type=Path, required=True)
    options.add_argument("--problems", type=int, default=40, help="of each set, spread over it")
    given = options.parse_args()
    row = "{:24}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}"
    print(row.format("set", "suites", "left out", "checks", "guarded", "share", "CPU"))
    with contextlib.closing(Slot(ExecutorSettings(), number=9)) as slot:
        for name in SETS:
            every = list(published(given.data, name))
            count = Counter()
            for one in every[:: max(1, len(every) // given.problems)]:
                measure(slot, one, count)
            share, cost = (
                f"{count['guarded'] / max(1, count['checks']):.1%}",
                f"{count['with'] / max(1, count['without']):.2f} x",
            )
            print(
                row.format(
                    *(name, count["suites"], count["left out"], count["checks"], count["guarded"]),
                    *(share, cost),
                )
            )


def measure(slot, one, count) -> None:
    """Add what becomes of one suite; microseconds of CPU time."""
    limits = Limits()
    bare = Judge(slot.sandbox, one.suite(with_reference=False, limits=limits), slot.version)
    alone = bare.judge(one.reference)
    if alone.label is not Label.ALL_PASS:
        count["left out"] += 1
        return
    try:
        judge = Judge(slot.sandbox, one.suite(limits=limits), slot.version)
    except SuiteBroken:
        count["left out"] += 1
        return
    verdict = judge.judge(one.reference)
    assert verdict.guards is not None
    count["suites"] += 1
    count["checks"] += verdict.guards.sites
    count["guarded"] += verdict.guards.guarded
    count["with"] += int(verdict.usage.cpu_seconds * 1e6)
    count["without"] += int(alone.usage.cpu_seconds * 1e6)


if __name__ == "__main__":
    main()
