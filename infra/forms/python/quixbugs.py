"""QuixBugs: programs with a defect in one line; JSON cases, or tests for pytest."""

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from infra import errors, strict_json
from infra.composing import WHOLE
from infra.contracts.problems import AssertTest, CallTest, Problem, ValueComparator
from infra.forms import sources

Read = Callable[[Path], str]
NOT_IMPORTED: Final = ("correct_python_programs",)
"""What tests import if an option asks for it, which it does not here."""
_CONFTEST: Final = "import pytest\n\npytest.use_correct = False\npytest.run_slow = False\n"
"""What the set's own has its options say."""
_LOAD: Final = """\
import json
from pathlib import Path


def load_json_testcases(algorithm):
    path = Path(__file__).with_name(f"{algorithm}.json")
    return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
"""
"""The set's own reads from a folder beside that of the tests, which are alone here."""
_DATA: Final = "testdata = load_json_testcases({name}.__name__)"
_PLAIN: Final = "assert {name}(*input_data) == expected"


def is_root(path: Path) -> bool:
    """Tell whether a folder is the set's."""
    return (path / "python_testcases").is_dir() and (path / "python_programs").is_dir()


def names(path: Path) -> list[str]:
    """Return the names of its programs that have tests."""
    return sorted(
        file.stem.removeprefix("test_") for file in (path / "python_testcases").glob("test_*.py")
    )


def to_problem(path: Path, name: str, read: Read) -> Problem:
    """Make a problem of one of its programs: the defect is to be mended.

    Cases that are compared as they stand become calls; else the test is run as it is.

    Args:
        path: The set's folder.
        name: The program's.
        read: Reads a file.

    Raises:
        errors.InvalidInput: a file cannot be read, or is not what it is called.
    """
    defective = read(path / "python_programs" / f"{name}.py")
    correct = path / "correct_python_programs" / f"{name}.py"
    test = read(path / "python_testcases" / f"test_{name}.py")
    calls = _calls(path, name, test, read)
    return Problem(
        slug=f"QuixBugs/{name}",
        prompt=(
            "One line of this Python program has a defect. Write the whole program without it.\n\n"
            f"```python\n{defective.strip()}\n```\n"
        ),
        entry_point=name,
        tests=calls or (_as_published(path, name, test, read),),
        reference_program=read(correct) if correct.is_file() else None,
        metadata={"source": "QuixBugs", **WHOLE.metadata()},
    )


def _calls(path: Path, name: str, test: str, read: Read) -> tuple[CallTest, ...]:
    """Return the JSON cases of a program, if its test does no more than call it with each."""
    tree = sources.tree_of(test, f"test_{name}.py")
    file = path / "json_testcases" / f"{name}.json"
    data = [ast.unparse(node) for node in tree.body if isinstance(node, ast.Assign)]
    functions = [node for node in sources.definitions(tree) if node.name == f"test_{name}"]
    if len(functions) != 1 or data != [_DATA.format(name=name)] or not file.is_file():
        return ()
    *before, last = functions[0].body
    skipped = [_skipped(node) for node in before]
    if ast.unparse(last) != _PLAIN.format(name=name) or None in skipped:
        return ()
    cases = [_case(line) for line in read(file).splitlines() if line.strip()]
    return tuple(
        CallTest(args=tuple(given), expected=wanted, comparator=ValueComparator.EQUAL)
        for given, wanted in cases
        if given not in skipped
    )


def _skipped(node: ast.stmt) -> list[Any] | None:
    """Return the input that a statement skips the test for; None if it does something else."""
    if not isinstance(node, ast.If) or not ast.unparse(node.body[0]).startswith("pytest.skip("):
        return None
    for part in ast.walk(node.test):
        if isinstance(part, ast.Compare) and ast.unparse(part.left) == "input_data":
            try:
                value = ast.literal_eval(part.comparators[0])
            except ValueError:
                return None
            return value if isinstance(value, list) else None
    return None


def _case(line: str) -> tuple[list[Any], Any]:
    try:
        given, wanted = strict_json.loads(line.encode())
    except (ValueError, TypeError, RecursionError):
        raise errors.InvalidInput(f"not a case of input and output: {line[:80]!r}") from None
    return given if isinstance(given, list) else [given], wanted


def _as_published(path: Path, name: str, test: str, read: Read) -> AssertTest:
    tree = sources.tree_of(test, f"test_{name}.py")
    files = {"conftest.py": _CONFTEST}
    modules = set(sources.imported(tree))
    if "load_testdata" in modules:
        files["load_testdata.py"] = _LOAD
        files[f"{name}.json"] = read(path / "json_testcases" / f"{name}.json")
    if "node" in modules:
        files["node.py"] = read(path / "python_testcases" / "node.py")
    return AssertTest(source=test, module=f"python_programs.{name}", files=files)
