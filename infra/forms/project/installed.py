"""What a project's own files say of it: what it is called, and which version it is."""

import ast
import configparser
import re
from typing import Any, Final

from infra import errors
from infra.forms.project import told
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


def _said(tree: Tree) -> dict[str, Any]:
    for path in ("pyproject.toml", "setup.cfg"):
        if path in tree.paths:
            try:
                text = tree.text(path)
                toml = path.endswith(".toml")
                said = told.of_toml(text, "project") if toml else told.of_ini(text, "metadata")
            except (errors.InvalidInput, ValueError, configparser.Error):
                continue
            if said.get("name"):
                return said
    return {}


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
