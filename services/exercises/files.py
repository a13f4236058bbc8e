"""Writes exercises into files: problems, teachers' programs and the corpus."""

import gzip
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from services.exercises.exercise import Split
from services.exercises.making import corpus, problems, teacher_programs

TEACHERS = "teachers.jsonl"
TEACHERS_STEPS = "teachers_steps.jsonl"
"""The same programs with a comment above each step."""
CORPUS = "corpus.jsonl.gz"


def write_problems(folder: Path, split: Split, seed: int, count: int) -> Path:
    """Write problems of one split, and for training problems what the teachers wrote.

    Returns the file of the problems.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = list(problems(split, seed, count))
    path = folder / f"{split}.jsonl"
    _write(path, (problem.model_dump(mode="json", exclude_unset=True) for _, problem in made))
    if split is Split.TRAINING:
        for name, steps in ((TEACHERS, False), (TEACHERS_STEPS, True)):
            items = (
                item.model_dump(mode="json")
                for exercise, problem in made
                for item in teacher_programs(exercise, problem.slug, seed, steps=steps)
            )
            _write(folder / name, items)
    return path


def write_corpus(folder: Path, seed: int, count: int) -> Path:
    """Write prompts with the crowd's programs, gzipped; return the file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / CORPUS
    lines = (
        json.dumps({"prompt": prompt, "program": program}) + "\n"
        for prompt, program in corpus(seed, count)
    )
    # Without a time in its header, the same corpus is the same file.
    path.write_bytes(gzip.compress("".join(lines).encode(), mtime=0))
    return path


def _write(path: Path, records: Iterable[Mapping[str, Any]]) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
