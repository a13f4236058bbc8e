"""Builds the distribution `rrtf-client`: `python -m services.client.distribution FOLDER`.

What others install must not put `services` and `infra` into their environment. So the modules that
the client stands on are copied below one package, `rrtf`, with their imports written anew; nothing
else of them is changed, and nothing is kept here twice.
"""

import ast
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("infra", "sampler", "executor", "ranker", "trainer", "services")
PUBLIC = {
    "services.client.rrtf": "rrtf",
    "services.adapters": "rrtf.adapters",
    "services.reward": "rrtf.reward",
}
"""Where what others import is found; all the rest is below `rrtf._suite`."""
METADATA = Path(__file__).parent / "rrtf-client.toml"


def new_name(module: str) -> str:
    """Return what a module of this repository is called in the distribution."""
    for old, new in PUBLIC.items():
        if module == old or module.startswith(old + "."):
            return new + module.removeprefix(old)
    return f"rrtf._suite.{module}"


def path_of(module: str) -> Path | None:
    """Return the file of a module or package, or None if there is no such module."""
    base = ROOT / module.replace(".", "/")
    found = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
    return found if found.is_file() else None


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield the modules of the rooms that a module imports, packages around them included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            if node.module.partition(".")[0] in ROOMS:
                yield node.module
                yield from (f"{node.module}.{one.name}" for one in node.names)
        elif isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name.partition(".")[0] in ROOMS)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            # `import_module` of a name that stands in a table.
            head, dot, _ = node.value.partition(".")
            if dot and head in ROOMS and path_of(node.value):
                yield node.value


def closure(modules: list[str]) -> dict[str, Path]:
    """Return all modules that some import, directly or not, with their files."""
    found: dict[str, Path] = {}
    while modules:
        module = modules.pop()
        path = path_of(module)
        if module in found or path is None:
            continue
        found[module] = path
        modules += imported(ast.parse(path.read_text()))
        if "." in module:
            modules.append(module.rpartition(".")[0])
    return found


def rewritten(text: str) -> str:
    """Return a module's text with the imports of rooms as the distribution has them."""
    for old, new in PUBLIC.items():
        # In imports as in what docstrings tell users to write.
        text = re.sub(rf"\b{re.escape(old)}\b", new, text)
        text = text.replace(old.replace(".", "/"), new.replace(".", "/"))
    lines = text.splitlines(keepends=True)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            if node.module.partition(".")[0] not in ROOMS:
                continue
            indent = " " * node.col_offset
            places = [_place(node.module, one) for one in node.names]
            end = node.end_lineno or node.lineno
            lines[node.lineno - 1 : end] = [
                "".join(f"{indent}from {where} import {what}\n" for where, what in places),
                *[""] * (end - node.lineno),
            ]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            head, dot, _ = node.value.partition(".")
            if dot and head in ROOMS and path_of(node.value):
                row = lines[node.lineno - 1]
                lines[node.lineno - 1] = row.replace(node.value, new_name(node.value))
    return "".join(lines)


def _place(module: str, one: ast.alias) -> tuple[str, str]:
    """Return from where something is imported in the distribution, and by which words."""
    alias = f" as {one.asname}" if one.asname else ""
    whole = f"{module}.{one.name}"
    if path_of(whole) is None:
        return new_name(module), one.name + alias
    package, _, name = new_name(whole).rpartition(".")
    return package, name + (alias or (f" as {one.name}" if name != one.name else ""))


def write(folder: Path) -> None:
    """Write the sources of the distribution into a folder."""
    starts = ["services.client.rrtf", "services.reward"]
    starts += [
        f"services.{path.parent.name}.{path.stem}"
        for path in (ROOT / "services/adapters").glob("for_*.py")
    ]
    starts += [
        f"services.client.rrtf.{path.stem}" for path in (ROOT / "services/client/rrtf").glob("*.py")
    ]
    for module, path in closure(starts).items():
        place = folder / new_name(module).replace(".", "/")
        target = place / "__init__.py" if path.name == "__init__.py" else place.with_suffix(".py")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(rewritten(path.read_text()))
    for parent in {path.parent for path in folder.glob("rrtf/**/*.py")}:
        (parent / "__init__.py").touch()
    (folder / "rrtf/_suite/__init__.py").touch()
    (folder / "rrtf/py.typed").touch()
    (folder / "pyproject.toml").write_text(METADATA.read_text())
    (folder / "LICENSE").write_text((ROOT / "LICENSE").read_text())


def main() -> None:
    """Build the wheel into a folder, from sources that are written for it and for nothing else."""
    folder = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as source:
        write(Path(source))
        subprocess.run(
            [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
             "--wheel-dir", folder, source],
            check=True,
        )  # fmt: skip


if __name__ == "__main__":
    main()
