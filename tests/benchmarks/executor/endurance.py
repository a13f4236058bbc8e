"""100,000 candidates through the pool: does anything grow? `make bench-endurance`.

Every window of candidates gives a line: rate, CPU, memory, files, cgroups, mounts and processes.
"""

import argparse
import os
import time
from pathlib import Path
from typing import NamedTuple

import matplotlib
import psutil

from executor import label
from tests.benchmarks.executor import tasks as made
from tests.benchmarks.executor.figures import machine_cpu

matplotlib.use("Agg")
from matplotlib import pyplot as plt


class Sample(NamedTuple):
    """What the pool holds after so many candidates."""

    candidates: int
    rate: float
    cpu_milliseconds: float
    memory_mebibytes: float
    files: int
    cgroups: int
    mounts: int
    processes: int


def measure(candidates: int, window: int, seconds: float, cpu: float) -> Sample:
    """Look at every process below this one, and at the kernel's lists."""
    memory = files = mounts = 0
    processes = psutil.Process().children(recursive=True)
    for process in processes:
        try:
            memory += process.memory_full_info().uss
            files += process.num_fds()
            mounts = max(
                mounts, len(Path(f"/proc/{process.pid}/mountinfo").read_text().split("\n"))
            )
        except (psutil.NoSuchProcess, OSError):
            continue
    cgroups = sum(len(folders) for _, folders, _ in os.walk("/sys/fs/cgroup"))
    return Sample(
        candidates, window / seconds, cpu / window * 1000, memory / 2**20, files, cgroups, mounts,
        len(processes),
    )  # fmt: skip


def run(data: Path, total: int, window: int, slots: int) -> list[Sample]:
    """Label `total` reference programs; measure after every window."""
    tasks = made.references(made.problems(data), 1)
    problems = made.as_problems(tasks)
    samples: list[Sample] = []
    began, cpu = time.monotonic(), machine_cpu()
    candidates = (tasks[number % len(tasks)] for number in range(total))
    for number, item in enumerate(label(problems, candidates, slots=slots), start=1):
        assert item.verdict is not None, item.error
        assert item.verdict.label == "all_pass", (item.record["task_id"], item.verdict.error)
        if number % window == 0:
            sample = measure(number, window, time.monotonic() - began, machine_cpu() - cpu)
            samples.append(sample)
            print(" ".join(f"{name}={value:.6g}" for name, value in sample._asdict().items()))
            began, cpu = time.monotonic(), machine_cpu()
    return samples


def plot(samples: list[Sample], path: Path) -> None:
    """Draw every quantity over the number of candidates."""
    names = Sample._fields[1:]
    figure, axes = plt.subplots(len(names), 1, sharex=True, figsize=(8, 11))
    for axis, name in zip(axes, names, strict=True):
        axis.plot([s.candidates for s in samples], [getattr(s, name) for s in samples])
        axis.set_ylabel(name.replace("_", "\n"), fontsize=8)
        axis.set_ylim(bottom=0)
    axes[-1].set_xlabel("candidates")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90)


def main() -> None:
    """Run and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--total", type=int, default=100_000)
    parser.add_argument("--window", type=int, default=5_000)
    parser.add_argument("--slots", type=int, default=(os.cpu_count() or 1) + 1)
    parser.add_argument("--out", type=Path, default=Path("build/endurance.png"))
    given = parser.parse_args()
    plot(run(given.data, given.total, given.window, given.slots), given.out)


if __name__ == "__main__":
    main()
