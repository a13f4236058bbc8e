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
    """Return the files by which an installed project is known, if one of some texts asks for them.

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
    if isinstance(said.get("license"), str):
        lines.append(f"License-Expression: {' '.join(said['license'].split())}")
    folder = f"{root}/" * bool(root) + f"{name.replace('-', '_')}.dist-info"
    found = {f"{folder}/METADATA": "\n".join([*lines, "", ""])}
    entries = _entry_points(tree, said)
    return found | ({f"{folder}/entry_points.txt": entries} if entries else {})


def _entry_points(tree: Tree, said: dict[str, Any]) -> str:
    """Return what an installed project offers under names: its plug-ins and commands."""
    groups: dict[str, Any] = {}
    if isinstance(said.get("entry-points"), dict):
        groups |= said["entry-points"]
    for table, group in (("scripts", "console_scripts"), ("gui-scripts", "gui_scripts")):
        groups[group] = said.get(table)
    text = "".join(
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in offered.items())
        for group, offered in groups.items()
        if isinstance(offered, dict)
    )
    if text or "setup.cfg" not in tree.paths:
        return text
    try:
        offered = told.of_ini(tree.text("setup.cfg"), "options.entry_points")
    except (errors.InvalidInput, configparser.Error):
        return ""
    return "".join(f"[{group}]\n{lines.strip()}\n" for group, lines in offered.items())


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
