"""The folder of an evaluation: what lies where, and that a part of it is of one piece.

benchmarks/NAME.jsonl                   the problems: name, level, date, prompt, known flaw
models/MODEL/model.json                 when its training data end
models/MODEL/BENCHMARK/SETTING/         a cell: programs of one kind for one benchmark; those of
                                        another seed than 0 in SETTING_sSEED
    asked.json                          what was asked of whom, and the versions of what did it
    candidates.jsonl                    the programs
    labels.jsonl                        what became of each; there, once the cell is complete
evaluation.json, report.md, report.html all numbers, and two forms to read them in
"""

import importlib.metadata
import json
import platform
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from infra import errors
from infra.records import importers
from infra.records.record_files import BadLine
from services.evaluation.benchmarks import Item
from services.evaluation.plan import Setting

_VERSIONED = ("rrtf-suite", "torch", "transformers")


class Cell(NamedTuple):
    """Programs of one kind, of one model, for one benchmark."""

    folder: Path
    model: str
    benchmark: str

    @property
    def asked(self) -> Path:
        """What was asked of whom."""
        return self.folder / "asked.json"

    @property
    def candidates(self) -> Path:
        """The programs."""
        return self.folder / "candidates.jsonl"

    @property
    def labels(self) -> Path:
        """What became of them."""
        return self.folder / "labels.jsonl"

    @property
    def is_complete(self) -> bool:
        """Whether every program is judged."""
        return self.labels.exists()

    def begin(self, asked: Mapping[str, Any], setting: Setting) -> None:
        """Say what the cell is of, or find that it is of just that.

        Raises:
            errors.InvalidInput: it is of something else.
        """
        said = {"asked": dict(asked), "setting": setting.model_dump(mode="json")}
        record = said | {"versions": versions()}
        if self.asked.exists():
            before = read_json(self.asked)
            if self.is_complete:
                record["versions"] = before["versions"]
            if before != record:
                differ = ", ".join(_differing(before, record))
                raise errors.InvalidInput(
                    f"{self.folder} was made of something else ({differ} differ); give another"
                    " folder"
                )
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        write_json(self.asked, record)

    def setting(self) -> Setting:
        """Return how its programs were drawn."""
        return Setting.model_validate(read_json(self.asked)["setting"])

    def seed(self) -> int:
        """Return the seed that they were drawn with; 0 where there is none."""
        return int(read_json(self.asked)["asked"].get("sampling", {}).get("seed", 0))


class Folder:
    """An evaluation on disk."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def cell(self, model: str, benchmark: str, kind: str) -> Cell:
        """Return where programs of one kind are."""
        return Cell(self.root / "models" / model / benchmark / kind, model, benchmark)

    def cells(self) -> Iterator[Cell]:
        """Yield all complete cells, by model, benchmark and setting."""
        for labels in sorted(self.root.glob("models/*/*/*/labels.jsonl")):
            cell = labels.parent
            yield Cell(cell, cell.parent.parent.name, cell.parent.name)

    def write_items(self, benchmark: str, items: Iterable[Item]) -> None:
        """Write the problems of a benchmark.

        Raises:
            errors.InvalidInput: others are there under its name.
        """
        path = self._items(benchmark)
        text = "".join(json.dumps(item.model_dump(exclude_defaults=True)) + "\n" for item in items)
        if path.exists() and path.read_text() != text:
            raise errors.InvalidInput(
                f"{path} has other problems than {benchmark} now; give the benchmark another name,"
                " or another folder"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, text)

    def items(self, benchmark: str) -> list[Item]:
        """Read the problems of a benchmark."""
        return [Item.model_validate(row) for row in read_lines(self._items(benchmark))]

    def _items(self, benchmark: str) -> Path:
        return self.root / "benchmarks" / f"{benchmark}.jsonl"


def versions() -> dict[str, str]:
    """Return the versions of what decides the programs and their labels."""
    found = {"python": platform.python_version()}
    for name in _VERSIONED:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read JSON objects, one to a line.

    Raises:
        errors.InvalidInput: the file cannot be read, or a line is none.
    """
    return list(rows_of(path))


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    """Yield JSON objects, one to a line.

    Raises:
        errors.InvalidInput: the file cannot be read, or a line is none.
    """
    for _, row in importers.read_records(path):
        if isinstance(row, BadLine):
            raise errors.InvalidInput(f"{path}, line {row.number}: {row.reason}")
        yield row


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        errors.InvalidInput: it cannot be read.
    """
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise errors.InvalidInput(f"cannot read {path}: {error}") from None


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file at once."""
    _replace(path, json.dumps(value, indent=1) + "\n")


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write JSON objects, one to a line, at once."""
    whole = path.with_name(path.name + ".whole")
    with whole.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row) + "\n")
    whole.replace(path)


def write_text(path: Path, text: str) -> None:
    """Write a text file at once."""
    _replace(path, text)


def _replace(path: Path, text: str) -> None:
    whole = path.with_name(path.name + ".whole")
    whole.write_text(text, "utf-8")
    whole.replace(path)


def _differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    flat = [{**one["asked"], **one["versions"], "setting": one["setting"]} for one in (before, now)]
    return [key for key in sorted({*flat[0], *flat[1]}) if flat[0].get(key) != flat[1].get(key)]
