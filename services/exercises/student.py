"""A student of a million parameters: the one that is kept here, or another made from nothing.

`python -m services.exercises.student` makes the kept one again (`make student`).
"""

import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
import sys
import tempfile
from pathlib import Path

from infra import errors
from services.evaluation.programs.sampling import run
from services.exercises import files

KEPT = Path(__file__).parent / "kept"
RECIPE = "recipe.json"
"""What the kept student was made from, and the SHA-256 of each of its files."""
_CORPUS = 30_000
_NAME = "student"


def kept_student(folder: Path) -> Path:
    """Copy the kept student below a folder; return where it is.

    Raises:
        errors.ConfigurationError: a file of it is not what was recorded when it was made.
    """
    recorded = json.loads((KEPT / RECIPE).read_text())["files"]
    if _hashes(KEPT) != recorded:
        raise errors.ConfigurationError(
            f"the student in {KEPT} is not what its {RECIPE} records; install the suite again, or"
            " make one with `rrtf student --seed 0`"
        )
    student = folder / _NAME
    student.mkdir(parents=True, exist_ok=True)
    for name in recorded:
        shutil.copyfile(KEPT / name, student / name)
    return student


def make_student(folder: Path, seed: int = 0, threads: int = 1) -> Path:
    """Write a corpus and the student trained on it below a folder; return where the student is.

    It takes a minute and a half of CPU time, and ten times that on a processor without
    instructions for bfloat16. More threads than idle cores make it slower.

    Raises:
        errors.Unavailable: pretraining failed; it has said why on standard error.
    """
    corpus = files.write_corpus(folder, seed, _CORPUS)
    student = folder / _NAME
    command = [sys.executable, "-m", "trainer.models.pretrain", "--corpus", str(corpus)]
    run([*command, "--out", str(student), "--seed", str(seed), "--threads", str(threads)])
    return student


def keep(seed: int = 0) -> None:
    """Make the kept student again, and record what it was made from.

    The same weights come out again only with the same versions on a like processor.
    """
    with tempfile.TemporaryDirectory() as folder:
        student = make_student(Path(folder), seed)
        corpus = (Path(folder) / files.CORPUS).read_bytes()
        shutil.rmtree(KEPT, ignore_errors=True)
        shutil.copytree(student, KEPT)
    recipe = {
        "made_by": "make student",
        "seed": seed,
        "corpus": {"programs": _CORPUS, "sha256": hashlib.sha256(corpus).hexdigest()},
        "versions": {
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in ("torch", "transformers")},
        },
        "processor": _processor(),
        "files": _hashes(KEPT),
    }
    (KEPT / RECIPE).write_text(json.dumps(recipe, indent=2) + "\n")


def _hashes(folder: Path) -> dict[str, str]:
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
        if path.name != RECIPE
    }


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return names[0] if names else os.uname().machine


if __name__ == "__main__":
    keep()
