"""Benchmarks that are known by name: the one list of names, and where their files are."""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import Field

from infra import errors
from infra.contracts.base import Contract
from infra.settings import data_directory

_LIST: Final = Path(__file__).with_name("known.toml")


class Known(Contract):
    """What is known of a published benchmark."""

    source: str
    """What its problems' metadata say as their `source`."""
    files: tuple[str, ...] = ()
    """What its file is called as published, beside its name."""
    problems: int | None = None
    """How many are published."""
    level: str | None = None
    """Key of the metadata that says how hard a problem is, or of what kind."""
    by_language: bool = False
    """Whether the level of a problem is its language."""
    renamed: dict[str, str] = Field(default_factory=dict)
    """Levels that are misspelt as published."""
    date: str | None = None
    """Key of the metadata that says when it was published."""
    releases: dict[str, int] = Field(default_factory=dict)
    """How many problems each has, which are the first ones."""
    stop: tuple[str, ...] = ()
    """Texts behind which a completion of its prompts, shown raw, is another text."""
    flaws: dict[str, str] = Field(default_factory=dict)
    """What is known to be wrong with single problems."""


class Named(NamedTuple):
    """A benchmark's file, and what the benchmark is called."""

    name: str
    path: Path


@cache
def known() -> Mapping[str, Known]:
    """Return the benchmarks that are known by name."""
    tables = tomllib.loads(_LIST.read_text("utf-8"))
    return {name: Known.model_validate(table) for name, table in tables.items()}


def named(text: str) -> Named:
    """Find a benchmark: `FILE`, `NAME=FILE`, or the name of one in the folder of `RRTF_DATA`.

    A name is one that is known, or that of a file there; only letters and digits of it count. What
    is given without a name has the one it is known by, or else that of its file.

    Raises:
        errors.InvalidInput: there is none of such a name.
    """
    name, _, path = text.rpartition("=")
    if Path(path).exists():
        return Named(name or stem(Path(path)), Path(path))
    files = _files()
    for wanted in _names(path):
        for file in files:
            if _letters(stem(file)) == _letters(wanted):
                return Named(name or _known_name(path) or stem(file), file)
    there = ", ".join(sorted({stem(file) for file in files})) or "none"
    raise errors.InvalidInput(
        f"no benchmark {text!r}: give FILE, NAME=FILE, or a name of which there is a file in the"
        f" folder of RRTF_DATA, where there are: {there}; names are known of {', '.join(known())}"
    )


def several(given: Sequence[str]) -> list[Named]:
    """Find benchmarks as `named` does; each text may hold several, with commas between.

    Raises:
        errors.InvalidInput: there is none of such a name.
    """
    texts = [part for text in given for part in ([text] if _is_one(text) else text.split(","))]
    return [named(text.strip()) for text in texts if text.strip()]


def stem(path: Path) -> str:
    """Return the name of a file without its endings."""
    return path.name.partition(".")[0]


def _is_one(text: str) -> bool:
    return Path(text.rpartition("=")[2]).exists()


def _files() -> list[Path]:
    folder = data_directory()
    return sorted(file for file in folder.iterdir() if file.is_file()) if folder else []


def _names(text: str) -> Iterator[str]:
    """Yield what the file of a benchmark may be called."""
    yield text
    name = _known_name(text)
    if name is not None:
        yield from (name, *known()[name].files)


def _known_name(text: str) -> str | None:
    return next((name for name in known() if _letters(name) == _letters(text)), None)


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text)).lower()
