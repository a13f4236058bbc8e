"""`rrtf export`: ranked data in the shapes that TRL reads, with a card that says what it is."""

import hashlib
import importlib.util
import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from infra import errors
from infra.contracts.api import RankedGroupView
from infra.contracts.base import Integrity, Label

_ROWS = 1_000
"""Rows in one row group of a Parquet file."""
_ORDER = tuple(Label)


class Shape(StrEnum):
    """What a row is."""

    COMPLETION = "completion"
    """A prompt with its best program: for SFTTrainer."""
    PREFERENCE = "preference"
    """A training pair, `chosen` over `rejected`: for DPOTrainer and RewardTrainer."""
    RANKED = "ranked"
    """A prompt with all its programs and their scores, best first."""


class Format(StrEnum):
    """How rows are written."""

    JSONL = "jsonl"
    PARQUET = "parquet"


class Export(NamedTuple):
    """What was written."""

    path: Path
    rows: int
    groups: int
    """Ranked groups that were used."""
    left_out: int = 0
    """Further ones, which were not wanted."""


class Wanted(NamedTuple):
    """Which groups are exported; all, if nothing is said."""

    integrity: Integrity | None = None
    min_strength: float | None = None
    """Least share of mutants that the tests of the problem notice; unmeasured ones are left out."""

    def has(self, group: RankedGroupView) -> bool:
        """Tell whether a group is one of them."""
        if self.integrity not in (None, group.integrity):
            return False
        if self.min_strength is None:
            return True
        return group.strength is not None and group.strength >= self.min_strength

    def note(self, left_out: int) -> str:
        """Say how many groups were left out, if some were to be."""
        words = [f"not `{self.integrity}`"] if self.integrity is not None else []
        if self.min_strength is not None:
            words.append(f"tests of strength below {self.min_strength:g} or unknown")
        return f"; left out, {' or '.join(words)}: {left_out}" if words else ""


def rows_of(group: RankedGroupView, shape: Shape, min_label: Label) -> Iterator[dict[str, Any]]:
    """Make the rows of one group; what is chosen or best has at least `min_label`."""
    common = {"prompt": group.prompt, "problem": group.problem_slug, "policy": group.policy}
    responses = group.responses

    def is_good(index: int) -> bool:
        return _ORDER.index(responses[index].label) >= _ORDER.index(min_label)

    match shape:
        case Shape.COMPLETION:
            best = responses[group.best]
            if is_good(group.best):
                yield common | {
                    "completion": best.program,
                    "label": best.label.value,
                    "score": best.score,
                }
        case Shape.PREFERENCE:
            for better, worse, gap in group.pairs:
                if is_good(better):
                    yield common | {
                        "chosen": responses[better].program,
                        "rejected": responses[worse].program,
                        "chosen_label": responses[better].label.value,
                        "rejected_label": responses[worse].label.value,
                        "margin": gap,
                    }
        case Shape.RANKED:
            yield common | {
                "responses": [response.program for response in responses],
                "scores": [response.score for response in responses],
                "labels": [response.label.value for response in responses],
                "authors": [response.author.value for response in responses],
            }


def export(
    groups: Iterable[RankedGroupView],
    out: Path,
    shape: Shape,
    form: Format,
    min_label: Label,
    wanted: Wanted,
) -> Export:
    """Write a folder that `datasets.load_dataset` reads; the card is written last.

    Raises:
        errors.InvalidInput: the folder is not empty or cannot be written, or there are no rows.
        errors.ConfigurationError: Parquet is asked for and pyarrow is not installed.
    """
    used = left_out = 0

    def rows() -> Iterator[dict[str, Any]]:
        nonlocal used, left_out
        for group in groups:
            if not wanted.has(group):
                left_out += 1
                continue
            used += 1
            yield from rows_of(group, shape, min_label)

    write = _write_jsonl if form is Format.JSONL else _parquet_writer()
    path = out / "data" / f"train.{form.value}"
    try:
        if out.is_dir() and any(out.iterdir()):
            raise errors.InvalidInput(f"{out} is not empty")
        path.parent.mkdir(parents=True)
        partial = path.with_suffix(".partial")
        try:
            count = write(partial, rows())
            if not count:
                raise errors.InvalidInput(
                    f"none of {used} ranked groups gives a row of this shape"
                    + wanted.note(left_out)
                )
        except BaseException:
            # What is half written must not stand in the way of the next attempt.
            shutil.rmtree(path.parent)
            raise
        partial.replace(path)
        done = Export(path, count, used, left_out)
        card = _card(done, shape, min_label, wanted)
        (out / "README.md").write_text(card, encoding="utf-8")
    except OSError as error:
        raise errors.InvalidInput(f"cannot write {out}: {error}") from error
    return done


def _write_jsonl(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count


def _parquet_writer() -> Callable[[Path, Iterable[dict[str, Any]]], int]:
    if importlib.util.find_spec("pyarrow") is None:
        raise errors.ConfigurationError("Parquet needs pyarrow; install it, or export as jsonl")
    return _write_parquet


def _write_parquet(path: Path, rows: Iterable[dict[str, Any]]) -> int:
    import pyarrow
    from pyarrow import parquet

    count = 0
    writer = None
    try:
        for batch in _batches(rows):
            table = pyarrow.Table.from_pylist(batch)
            writer = writer or parquet.ParquetWriter(path, table.schema)
            writer.write_table(table)
            count += len(batch)
    finally:
        if writer is not None:
            writer.close()
    return count


def _batches(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _ROWS:
            yield batch
            batch = []
    if batch:
        yield batch


_COLUMNS = {
    Shape.COMPLETION: "`completion` is the best program of a group, `label` and `score` are its.",
    Shape.PREFERENCE: "`chosen` did better in its tests than `rejected`, or as well as it and is a"
    " teacher's; `margin` is the difference of their scores, or the tie bonus.",
    Shape.RANKED: "`responses`, `scores`, `labels` and `authors` are lists of equal length, best"
    " response first.",
}


def _card(done: Export, shape: Shape, min_label: Label, wanted: Wanted) -> str:
    digest = hashlib.sha256(done.path.read_bytes()).hexdigest()
    left_out = wanted.note(done.left_out)
    floor = "" if shape is Shape.RANKED else f" Programs to imitate are `{min_label}` or better."
    return f"""---
configs:
- config_name: default
  data_files:
  - split: train
    path: data/{done.path.name}
task_categories:
- text-generation
tags:
- code
- execution-feedback
---

# Ranked programs, shape `{shape}`

{done.rows} rows of {done.groups} ranked groups{left_out}. Every program was executed against the
tests of its problem in a sandbox; labels, worst to best, are `compile_error`, `runtime_error`,
`partial_pass` and `all_pass`, and scores follow from them.{floor}

Each row has the `prompt`, the name of the `problem` and the `policy` that the group was made for.
{_COLUMNS[shape]}

SHA-256 of `data/{done.path.name}`: `{digest}`

    from datasets import load_dataset
    load_dataset("PATH_OF_THIS_FOLDER", split="train")

The programs are models' or people's, with whatever licence and faults those have.
"""
