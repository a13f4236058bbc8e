"""What of a project goes along with one of its test files, as far as a suite can bring files."""

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Final, NamedTuple

from infra import errors
from infra.contracts.problems import MAX_FILES
from infra.forms.project import importing
from infra.forms.project.told import CONFIGURATION, Told
from infra.forms.project.tree import NoText, Tree

_NAME: Final = re.compile(r"[A-Za-z0-9_./-]{1,200}")
_CODE: Final = (".c", ".pyc", ".pyd", ".pyx", ".so")


class Beside(NamedTuple):
    """Files, and what would have gone with them."""

    files: dict[str, str]
    """Texts by paths."""
    data: dict[str, str]
    """Contents of those that are no text, in base64, by paths."""
    code: tuple[str, ...]
    """Texts of what is imported: the test file, the candidate, and what these reach."""
    left_out: dict[str, str]
    """Why, by paths."""


def beside(tree: Tree, told: Told, test: str, candidate: str) -> Beside:
    """Return what lies beside a test file and a candidate that is judged by it.

    That is every package which these or a `conftest.py` reach, data and modules that are imported
    in the folder of the tests, what configures pytest, and what the tests name.

    Raises:
        errors.InvalidInput: it is more than a test may bring along.
    """
    plugins = [path for path in _above(test, "conftest.py") if path in tree.paths]
    reached = importing.reached(tree, [test, candidate, *plugins])
    wanted = {*plugins, *reached, *_above(test, "__init__.py")}
    wanted |= {path for name in CONFIGURATION for path in _above(test, name)}
    tops = {top for path in reached if (top := tree.top_of(path)) is not None}
    folder = test.partition("/")[0] if "/" in test else None
    readers = [test, *plugins]
    for path in tree.paths:
        is_package = any(path.startswith(f"{top}/") for top in tops if top != folder)
        is_near = folder is not None and path.startswith(f"{folder}/")
        is_data = is_near and (not path.endswith(".py") or _is_read(tree, test, path))
        may_be_named = is_near or "/" not in path
        if is_package or is_data or (may_be_named and _is_named(tree, path, readers)):
            wanted.add(path)
    wanted -= {path for path in wanted if told.is_test(path) and path not in reached}
    code = tuple(tree.text(path) for path in sorted(reached))
    return _read(tree, wanted & tree.paths - {test, candidate}, code)


def _above(path: str, name: str) -> Iterator[str]:
    """Yield where a file of this name would lie in the folder of a file, or above."""
    for folder in PurePosixPath(path).parents:
        yield name if str(folder) == "." else f"{folder}/{name}"


def _is_read(tree: Tree, test: str, path: str) -> bool:
    """Tell whether a file of Python is rather data: in a folder of its own, and of no package."""
    folder = PurePosixPath(path).parent
    return folder not in PurePosixPath(test).parents and f"{folder}/__init__.py" not in tree.paths


def _is_named(tree: Tree, path: str, readers: Iterable[str]) -> bool:
    return any(PurePosixPath(path).name in tree.text(reader) for reader in readers)


def _read(tree: Tree, wanted: Iterable[str], code: tuple[str, ...]) -> Beside:
    found = Beside({}, {}, code, {})
    for path in sorted(wanted):
        if path.endswith(_CODE):
            found.left_out[path] = "compiled code is none of Python's"
        elif not _NAME.fullmatch(path):
            found.left_out[path] = "its name has other characters than A-Z, a-z, 0-9, _, ., / and -"
        else:
            try:
                _add(found, tree, path)
            except errors.InvalidInput as error:
                found.left_out[path] = error.detail.removeprefix(path).strip()
    count = len(found.files) + len(found.data)
    if count >= MAX_FILES:  # One more may say which version of it is installed.
        raise errors.InvalidInput(
            f"{count:,} files would go with it, and a test may bring {MAX_FILES:,} along"
        )
    return found


def _add(found: Beside, tree: Tree, path: str) -> None:
    try:
        found.files[path] = tree.text(path)
    except NoText:
        found.data[path] = tree.data(path)
