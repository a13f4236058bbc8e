"""Where studies of quantization lie in the folder of an evaluation."""

import os
from pathlib import Path
from typing import Any, Final

from services.evaluation.folder import read_json

STUDIES: Final = "quantization"
"""Folder of an evaluation that holds studies: MODEL/BENCHMARK/VARIANT."""
STUDY: Final = "study.json"
"""File of a study that holds all that was found."""
PAGE: Final = "study.md"
"""The same, to be read."""


def studies(root: Path) -> list[dict[str, Any]]:
    """Return the studies of an evaluation, by model and benchmark.

    Raises:
        errors.InvalidInput: one cannot be read.
    """
    return [read_json(path) for path in sorted(root.glob(f"{STUDIES}/*/*/{STUDY}"))]


def processor() -> str:
    """Name the processor of this machine, and how many threads it offers us."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return f"{names[0] if names else os.uname().machine}, {len(os.sched_getaffinity(0))} threads"
