"""Where test code, the candidate, and what pytest reads lie in the folder of a suite."""

import re
from collections.abc import Collection, Mapping
from pathlib import PurePosixPath
from typing import Any, Final

FOLDER: Final = "/tmp/suite"
TESTS: Final = f"{FOLDER}/test_suite.py"
"""The test code, where nothing else is said."""
_PLUGIN: Final = "conftest.py"
_OWN: Final = frozenset({"pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml"})
_OF_SEVERAL_TOOLS: Final = frozenset({"pyproject.toml", "setup.cfg", "tox.ini"})


def tests_file(start: Mapping[str, Any]) -> str:
    """Return where the test code of a run lies."""
    path = start.get("path")
    return TESTS if path is None else f"{FOLDER}/{path}"


def candidate_file(start: Mapping[str, Any], module: str) -> tuple[str, str]:
    """Return where the candidate of a run lies, and the folder from which it is a module."""
    inner = module.replace(".", "/")
    path = start.get("candidate_path")
    if path is None:
        path = f"{inner}/__init__.py" if _is_package(inner, start["files"]) else f"{inner}.py"
    end = "/__init__.py" if path.endswith(f"{inner}/__init__.py") else ".py"
    above = path.removesuffix(end).removesuffix(inner).rstrip("/")
    return f"{FOLDER}/{path}", f"{FOLDER}/{above}".rstrip("/")


def _is_package(inner: str, files: Collection[str]) -> bool:
    return any(name.startswith(f"{inner}/") and name.endswith(".py") for name in files)


def configuration(files: Mapping[str, str]) -> list[str]:
    """Name the files by which pytest is told how to run tests; plugins of the suite are not."""
    return sorted(name for name, text in files.items() if _configures(PurePosixPath(name), text))


def _configures(path: PurePosixPath, text: str) -> bool:
    return path.name in _OWN or (path.name in _OF_SEVERAL_TOOLS and "pytest" in text)


def plugins(files: Collection[str]) -> list[str]:
    """Name the files that are plugins of the suite."""
    return sorted(name for name in files if PurePosixPath(name).name == _PLUGIN)


_HOOK: Final = re.compile(r"^[ \t]*def pytest_(?!configure\b|addoption\b|generate_tests\b)", re.M)
_DECIDES: Final = re.compile(
    r"\.(?:outcome|exitstatus|longrepr|wasxfail)\s*=(?!=)|\bforce_result\b|\bforce_exception\b"
    r"|def pytest_(?:runtest_protocol|runtestloop)\b"
    r"|setattr\([^,\n]+,\s*[\"'](?:outcome|exitstatus|longrepr|wasxfail)[\"']"
)


_SEES: Final = re.compile(
    r"^[ \t]*def pytest_"
    r"(?!addoption\b|addhooks\b|cmdline_|collect|configure\b|generate_tests\b|ignore_collect\b"
    r"|itemcollected\b|make_parametrize_id\b|plugin_registered\b|pycollect_|pyfunc_call\b"
    r"|sessionstart\b|unconfigure\b)",
    re.M,
)
_OF_FAILURES: Final = ("longrepr", "CallInfo")


def see_failures(files: Mapping[str, str]) -> bool:
    """Tell whether plug-ins of a suite may look at how the failure of a test is told."""
    if not plugins(files):
        return False
    code = [text for name, text in files.items() if name.endswith(".py")]
    if any(word in text for text in code for word in _OF_FAILURES):
        return True
    # A pattern takes long to find nothing.
    return any("def pytest_" in text and _SEES.search(text) for text in code)


def decide_outcomes(files: Mapping[str, str]) -> bool:
    """Tell whether plug-ins of a suite say themselves what became of tests, or of all of them."""
    return any(
        name.endswith(".py") and _HOOK.search(text) and _DECIDES.search(text)
        for name, text in files.items()
    )


def modules(files: Collection[str]) -> set[str]:
    """Return the names under which files, or folders that they are in, may be imported."""
    return {part.removesuffix(".py") for name in files for part in PurePosixPath(name).parts}
