"""Writes exports: a folder that `datasets.load_dataset` reads."""

import functools
import importlib.util
import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from infra import errors
from infra.contracts.prompting import PromptForm
from infra.contracts.views.api import RankedGroupView
from services.exports.card import card
from services.exports.features import Kind, kinds_of
from services.exports.rows import Rows
from services.exports.shapes import Shape
from services.exports.wanted import LeftOut, Wanted

_ROWS = 1_000
"""Rows in one row group of a Parquet file."""


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
    left_out: LeftOut


def export(
    groups: Iterable[RankedGroupView],
    out: Path,
    shape: Shape,
    form: Format,
    wanted: Wanted,
    conversational: bool = False,
    prompt_form: PromptForm | None = None,
) -> Export:
    """Write a folder that `datasets.load_dataset` reads; the card is written last.

    Raises:
        errors.InvalidInput: the folder is not empty or cannot be written, there are no rows, or
            ranked groups are wanted as conversations or in a prompt form.
        errors.ConfigurationError: Parquet is asked for and pyarrow is not installed.
    """
    if shape is Shape.RANKED and (conversational or prompt_form is not None):
        raise errors.InvalidInput(
            "a ranked group has texts as they are: no messages of a conversation, no prompt form"
        )
    rows = Rows(shape, wanted, conversational, prompt_form)
    write = _write_jsonl if form is Format.JSONL else _parquet_writer(shape)
    path = out / "data" / f"train.{form.value}"
    try:
        if out.is_dir() and any(out.iterdir()):
            raise errors.InvalidInput(f"{out} is not empty")
        path.parent.mkdir(parents=True)
        partial = path.with_suffix(".partial")
        try:
            count = write(partial, rows.of(groups))
            if not count:
                why = [f"none of {rows.groups} ranked groups gives a row of this shape"]
                raise errors.InvalidInput("; ".join([*why, *rows.left_out.lines()]))
        except BaseException:
            # What is half written must not stand in the way of the next attempt.
            shutil.rmtree(path.parent)
            raise
        partial.replace(path)
        done = Export(path, count, rows.groups, rows.left_out)
        text = card(path, count, rows.groups, shape, wanted, rows.left_out)
        (out / "README.md").write_text(text, encoding="utf-8")
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


def _parquet_writer(shape: Shape) -> Callable[[Path, Iterable[dict[str, Any]]], int]:
    if importlib.util.find_spec("pyarrow") is None:
        raise errors.ConfigurationError("Parquet needs pyarrow; install it, or export as jsonl")
    if shape is Shape.RANKED:
        return functools.partial(_write_parquet, kinds=kinds_of(RankedGroupView))
    return _write_parquet


def _write_parquet(
    path: Path, rows: Iterable[dict[str, Any]], kinds: dict[str, Kind] | None = None
) -> int:
    """Write rows of these kinds; of those that the first rows have, where nothing is null."""
    import pyarrow
    from pyarrow import parquet

    schema = pyarrow.schema(_arrow(kinds)) if kinds else None
    count = 0
    writer = None
    try:
        for batch in _batches(rows):
            table = pyarrow.Table.from_pylist(batch, schema=schema)
            writer = writer or parquet.ParquetWriter(path, table.schema)
            writer.write_table(table)
            count += len(batch)
    finally:
        if writer is not None:
            writer.close()
    return count


def _arrow(kind: Kind) -> Any:
    """Return the type of a kind, or of fields a struct's."""
    import pyarrow

    if isinstance(kind, str):
        return pyarrow.type_for_alias(kind)
    if isinstance(kind, list):
        return pyarrow.list_(_arrow(kind[0]))
    return pyarrow.struct([(name, _arrow(one)) for name, one in kind.items()])


def _batches(rows: Iterable[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _ROWS:
            yield batch
            batch = []
    if batch:
        yield batch
