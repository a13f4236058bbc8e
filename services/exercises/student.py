"""A student made from nothing: a corpus, and pretraining in a process of its own."""

import sys
from pathlib import Path

from services.evaluation import run
from services.exercises import files

_CORPUS = 30_000


def make_student(folder: Path, seed: int = 0, threads: int = 1) -> Path:
    """Write a corpus and the student trained on it below a folder; return where the student is.

    It takes a minute and a half of CPU time. More threads than idle cores make it slower.

    Raises:
        errors.Unavailable: pretraining failed; it has said why on standard error.
    """
    corpus = files.write_corpus(folder, seed, _CORPUS)
    student = folder / "student"
    command = [sys.executable, "-m", "trainer.pretrain", "--corpus", str(corpus)]
    run([*command, "--out", str(student), "--seed", str(seed), "--threads", str(threads)])
    return student
