"""A student before and after RRTF, beside other ways to train it: `make reproduce`."""

import argparse
import math
from pathlib import Path

from infra import errors
from infra.observability import logs
from tests.benchmarks.reproduction.experiment import BudgetSpent, Experiment

log = logs.get(__name__)


def main() -> int:
    """Run the experiment; return 1 when something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("build/reproduction"))
    parser.add_argument("--out", type=Path, default=Path("infra/docs"))
    parser.add_argument("--budget", type=float, default=math.inf, help="minutes, on the clock")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--training", type=int, default=300, help="problems")
    parser.add_argument("--tuning", type=int, default=100, help="problems, for learning rates")
    parser.add_argument("--held-out", type=int, default=300, help="problems")
    parser.add_argument("--samples", type=int, default=8, help="of the student, for each problem")
    parser.add_argument("--eval-samples", type=int, default=20, help="for each held-out problem")
    parser.add_argument("--epochs", type=int, default=3)
    given = parser.parse_args()
    given.work = given.work.absolute()
    logs.configure("reproduce")
    try:
        Experiment(given).run()
    except BudgetSpent:
        log.info("reproduce.paused", next="the same command goes on")
    except errors.SuiteError as error:
        log.error("reproduce.stopped", code=error.code, reason=error.detail)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
