"""What can be imported from a folder that pip has filled."""

import importlib.metadata
import re
import sys
from collections.abc import Iterator
from pathlib import Path

_NAME = re.compile(r"[A-Za-z0-9._-]+")


def top_level(folder: Path) -> frozenset[str]:
    """Return the names of the modules and packages in a folder."""
    return frozenset(name for one in _distributions(folder) for name in _modules(one))


def principal(folder: Path) -> tuple[str, ...]:
    """Return the modules of the packages that no other package in the folder asks for.

    Modules that only support another, or that pytest is to load as its plugins, are left out.
    """
    found = list(_distributions(folder))
    asked = {
        _normal(match.group())
        for one in found
        for requirement in one.requires or ()
        if "extra ==" not in requirement and (match := _NAME.match(requirement))
    }
    names = (
        name
        for one in found
        if _normal(one.metadata["Name"]) not in asked
        for name in _modules(one)
        if not name.startswith("_") and name not in _plugins(one)
    )
    return tuple(sorted(set(names)))


def _distributions(folder: Path) -> Iterator[importlib.metadata.Distribution]:
    return iter(importlib.metadata.distributions(path=[str(folder)]))


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _plugins(distribution: importlib.metadata.Distribution) -> set[str]:
    entry_points = distribution.entry_points.select(group="pytest11")
    return {entry_point.value.partition(".")[0] for entry_point in entry_points}


def _modules(distribution: importlib.metadata.Distribution) -> Iterator[str]:
    for file in distribution.files or ():
        first, *rest = file.parts
        stem, _, suffix = first.partition(".")
        if rest:
            is_module = not suffix and rest[-1].endswith((".py", ".so"))
        else:
            is_module = suffix == "py" or suffix.endswith("so")
        if is_module and stem.isidentifier():
            yield stem


if __name__ == "__main__":
    print("# modules:", *sorted(top_level(Path(sys.argv[1]))))  # noqa: T201 - what it is for
