"""What a project's own files say of it: where its tests are, and which version it is."""

import ast
import configparser
import re
import tomllib
from typing import Any, Final

from infra import errors
from infra.forms.project.tree import Tree

_ASKS: Final = re.compile(r"\b(?:importlib[._]metadata|pkg_resources)\b")
_UNKNOWN: Final = "0"
"""Of a version that only the project's own build works out."""


def metadata_of(tree: Tree, root: str, texts: list[str]) -> dict[str, str]:
    """Return the file by which an installed project is known, if one of some texts asks for it.

    `root` is the folder from which its modules are imported.
    """
    if not any(map(_ASKS.search, texts)):
        return {}
    said = _said(tree)
    name = said.get("name")
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9._-]{1,100}", name):
        return {}
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {_version(tree, said)}"]
    summary = said.get("description")
    if isinstance(summary, str):
        lines.append(f"Summary: {' '.join(summary.split())}")
    folder = f"{root}/" if root else ""
    return {f"{folder}{name.replace('-', '_')}.dist-info/METADATA": "\n".join([*lines, "", ""])}


def test_paths(tree: Tree) -> list[str]:
    """Return the files and folders in which pytest is told to look for tests."""
    for path, table in (
        *(("pytest.ini", "pytest"), ("pyproject.toml", "tool.pytest.ini_options")),
        *(("tox.ini", "pytest"), ("setup.cfg", "tool:pytest")),
    ):
        if path not in tree.paths:
            continue
        try:
            text = tree.text(path)
            said = _of_toml(text, table) if path.endswith(".toml") else _of_ini(text, table)
        except (errors.InvalidInput, ValueError, configparser.Error):
            continue
        if said:
            found = said.get("testpaths", [])
            return found.split() if isinstance(found, str) else [str(one) for one in found]
    return []


def _said(tree: Tree) -> dict[str, Any]:
    for path in ("pyproject.toml", "setup.cfg"):
        if path in tree.paths:
            try:
                text = tree.text(path)
                toml = path.endswith(".toml")
                said = _of_toml(text, "project") if toml else _of_ini(text, "metadata")
            except (errors.InvalidInput, ValueError, configparser.Error):
                continue
            if said.get("name"):
                return said
    return {}


def _of_toml(text: str, table: str) -> dict[str, Any]:
    found: Any = tomllib.loads(text)
    for name in table.split("."):
        found = found.get(name, {}) if isinstance(found, dict) else {}
    return found if isinstance(found, dict) else {}


def _of_ini(text: str, section: str) -> dict[str, Any]:
    parser = configparser.RawConfigParser()
    parser.read_string(text)
    return dict(parser[section]) if parser.has_section(section) else {}


def _version(tree: Tree, said: dict[str, Any]) -> str:
    """Return the version that is written down, or else the one that a module has as a literal."""
    version = said.get("version")
    if isinstance(version, str) and re.fullmatch(r"[A-Za-z0-9.+!_-]+", version):
        return version
    for path in tree.python:
        if path.endswith(("/__init__.py", "/_version.py", "/version.py")):
            for node in getattr(tree.parsed(path), "body", ()):
                match node:
                    case ast.Assign([ast.Name("__version__")], ast.Constant(str(version))):
                        return version
    return _UNKNOWN
