"""The files of a project's folder: what they are called, and which modules of Python they are."""

import ast
import base64
import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Final

from infra import errors
from infra.contracts.problems import MAX_SOURCE_CHARACTERS
from infra.forms import sources

_SKIPPED: Final = frozenset(
    {"__pycache__", "build", "dist", "env", "node_modules", "site-packages", "venv"}
)
"""Folders that are no part of a project's own files, beside those that are hidden."""
_MOST_FILES: Final = 20_000


class NoText(errors.InvalidInput):
    """A file has something else in it than text."""


class Tree:
    """A project as it lies in its folder; nothing of it is run."""

    def __init__(self, root: Path) -> None:
        """List the files of a folder.

        Raises:
            errors.InvalidInput: it is no folder, or has more files than a project has.
        """
        if not root.is_dir():
            raise errors.InvalidInput(f"{root} is no folder")
        self.root: Final = root
        self.paths: Final = frozenset(self._listed())
        """Of all files, below the folder, with `/`."""
        self._texts: dict[str, str] = {}
        self._trees: dict[str, ast.Module | None] = {}

    def _listed(self) -> Iterator[str]:
        count = 0
        for place, folders, names in os.walk(self.root):
            folders[:] = sorted(name for name in folders if name[0] != "." and name not in _SKIPPED)
            for name in names:
                path = Path(place, name)
                count += 1
                if count > _MOST_FILES:
                    raise errors.InvalidInput(f"{self.root} has more than {_MOST_FILES:,} files")
                if not path.is_symlink() and path.is_file():
                    yield path.relative_to(self.root).as_posix()

    def text(self, path: str) -> str:
        """Return a file's text, its line ends as they are.

        Raises:
            NoText: it is no text in UTF-8.
            errors.InvalidInput: it cannot be read, or is longer than a source may be.
        """
        if path not in self._texts:
            try:
                with (self.root / path).open(encoding="utf-8", newline="") as file:
                    text = file.read(MAX_SOURCE_CHARACTERS + 1)
            except ValueError as error:
                raise NoText(f"{path} is no text in UTF-8: {error}") from None
            except OSError as error:
                raise errors.InvalidInput(f"{path} cannot be read: {error}") from None
            if len(text) > MAX_SOURCE_CHARACTERS:
                limit = f"{MAX_SOURCE_CHARACTERS:,} characters"
                raise errors.InvalidInput(f"{path} has more than {limit}")
            self._texts[path] = text
        return self._texts[path]

    def data(self, path: str) -> str:
        """Return a file's content in base64.

        Raises:
            errors.InvalidInput: it cannot be read, or is longer than a file may be.
        """
        most = MAX_SOURCE_CHARACTERS // 4 * 3
        try:
            with (self.root / path).open("rb") as file:
                content = file.read(most + 1)
        except OSError as error:
            raise errors.InvalidInput(f"{path} cannot be read: {error}") from None
        if len(content) > most:
            raise errors.InvalidInput(f"{path} has more than {most:,} bytes, and is no text")
        return base64.b64encode(content).decode()

    def parsed(self, path: str) -> ast.Module | None:
        """Return a file's code; None if it is no Python that can be read."""
        if path not in self._trees:
            try:
                self._trees[path] = sources.tree_of(self.text(path), path)
            except errors.InvalidInput:
                self._trees[path] = None
        return self._trees[path]

    @cached_property
    def python(self) -> list[str]:
        """The paths of all files of Python."""
        return sorted(path for path in self.paths if path.endswith(".py"))

    @cached_property
    def modules(self) -> dict[str, str]:
        """Paths by the names under which files are modules, as if the project were installed.

        Beside these, as `python -m pytest` at the root of the project has them.
        """
        found: dict[str, str] = {}
        for path in self.python:
            found.setdefault(_dotted(path, self.root_of(path)), path)
        for root in ("src/", ""):
            for path in self.python:
                if path.startswith(root):
                    found.setdefault(_dotted(path, root.rstrip("/")), path)
        return found

    def root_of(self, path: str) -> str:
        """Return the folder from which a file is a module, `` for the root of the project."""
        folder = PurePosixPath(path).parent
        while str(folder) != "." and f"{folder}/__init__.py" in self.paths:
            folder = folder.parent
        return "" if str(folder) == "." else str(folder)

    def top_of(self, path: str) -> str | None:
        """Return the folder of the outermost package that a file is in; None if it is in none."""
        root = PurePosixPath(self.root_of(path))
        inner = PurePosixPath(path).relative_to(root).parts
        return str(root / inner[0]) if len(inner) > 1 else None


def _dotted(path: str, root: str) -> str:
    inner = path.removeprefix(f"{root}/" if root else "").removesuffix(".py")
    return inner.removesuffix("/__init__").replace("/", ".")
