"""What pytest is told of a project's tests: where they are, and what their files are called."""

import configparser
import fnmatch
import tomllib
from collections.abc import Iterator
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any, Final

from infra import errors
from infra.forms.project.tree import Tree

CONFIGURATION: Final = {
    "pytest.toml": ("pytest",),
    ".pytest.toml": ("pytest",),
    "pytest.ini": ("pytest",),
    ".pytest.ini": ("pytest",),
    "pyproject.toml": ("tool.pytest", "tool.pytest.ini_options"),
    "tox.ini": ("pytest",),
    "setup.cfg": ("tool:pytest",),
}
"""Where pytest looks for its options: files, the first before the others, and tables of them."""
_NAMES: Final = ("test_*.py", "*_test.py")


class Told:
    """What the files of a project's root tell pytest."""

    def __init__(self, tree: Tree) -> None:
        self._tree: Final = tree

    @cached_property
    def places(self) -> list[str]:
        """The files and folders in which pytest looks for tests; none if it is not told."""
        patterns = _words(self._options.get("testpaths", []))
        return [place for pattern in patterns for place in self._matching(pattern)]

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Patterns of what files of tests are called."""
        return tuple(_words(self._options.get("python_files", []))) or _NAMES

    def is_test(self, path: str) -> bool:
        """Tell whether a file is of those in which tests are looked for.

        A pattern with a `/` is one of the end of a path.
        """
        return path.endswith(".py") and any(
            fnmatch.fnmatchcase(f"/{path}", f"*/{name}")
            if "/" in name
            else fnmatch.fnmatchcase(PurePosixPath(path).name, name)
            for name in self.names
        )

    def _matching(self, pattern: str) -> Iterator[str]:
        if not any(character in pattern for character in "*?["):
            yield pattern
            return
        known = {*self._tree.paths}
        for path in self._tree.paths:
            known.update(map(str, PurePosixPath(path).parents))
        depth = len(PurePosixPath(pattern).parts)
        for path in sorted(known):
            parts = PurePosixPath(path).parts
            if len(parts) == depth and PurePosixPath(path).match(pattern):
                yield path

    @cached_property
    def _options(self) -> dict[str, Any]:
        for path, tables in CONFIGURATION.items():
            if path not in self._tree.paths:
                continue
            try:
                text = self._tree.text(path)
                read = of_toml if path.endswith(".toml") else of_ini
                said = [_own(read(text, table)) for table in tables]
            except (errors.InvalidInput, ValueError, configparser.Error):
                continue
            if any(said):
                return next(filter(None, said))
        return {}


def _own(table: dict[str, Any]) -> dict[str, Any]:
    """Return what a table says itself, without those that are in it."""
    return {name: value for name, value in table.items() if not isinstance(value, dict)}


def _words(told: Any) -> list[str]:
    return told.split() if isinstance(told, str) else [str(one) for one in told]


def of_toml(text: str, table: str) -> dict[str, Any]:
    """Return a table of TOML, by its name with dots; an empty one if there is none.

    Raises:
        ValueError: it is no TOML.
    """
    found: Any = tomllib.loads(text)
    for name in table.split("."):
        found = found.get(name, {}) if isinstance(found, dict) else {}
    return found if isinstance(found, dict) else {}


def of_ini(text: str, section: str) -> dict[str, Any]:
    """Return a section of an ini file; an empty one if there is none.

    Raises:
        configparser.Error: it is no such file.
    """
    parser = configparser.RawConfigParser()
    parser.read_string(text)
    return dict(parser[section]) if parser.has_section(section) else {}
