"""Who imports what in a project: told by the text of its modules."""

import ast
from collections.abc import Iterable, Iterator

from infra.forms.project.tree import Tree


def reached(tree: Tree, paths: Iterable[str]) -> set[str]:
    """Return the files that are loaded with some, these included: whatever one imports."""
    found: set[str] = set()
    waiting = list(paths)
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        for module in imported(tree, path):
            waiting += _files(tree, module)
    return found


def used(tree: Tree, path: str) -> set[str]:
    """Return the files that define what a module takes from others, wherever it imports it from."""
    code = tree.parsed(path)
    if code is None:
        return set()
    found: set[str] = set()
    named: dict[str, str] = {}
    whole: dict[str, set[str]] = {}
    """Modules of which nothing has been seen to be taken, by the name that they are reached by."""
    for node in ast.walk(code):
        if isinstance(node, ast.Import):
            for alias in node.names:
                local = alias.asname or alias.name.partition(".")[0]
                named[local] = alias.name if alias.asname else local
                whole.setdefault(local, set()).add(alias.name)
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(tree, path, node)
            for alias in node.names:
                if f"{module}.{alias.name}" in tree.modules:
                    named[alias.asname or alias.name] = f"{module}.{alias.name}"
                found |= {*_definers(tree, module, None if alias.name == "*" else alias.name)}
    for node in ast.walk(code):
        if isinstance(node, ast.Attribute):
            taken = {*_of_attribute(tree, node, named)}
            found |= taken
            if taken:
                whole.pop(ast.unparse(node).partition(".")[0], None)
    for module in set[str]().union(*whole.values()):
        found |= {*_definers(tree, module, None)}
    return found - {path}


def _of_attribute(tree: Tree, node: ast.Attribute, named: dict[str, str]) -> Iterator[str]:
    words = [node.attr]
    value = node.value
    while isinstance(value, ast.Attribute):
        words.append(value.attr)
        value = value.value
    if isinstance(value, ast.Name) and value.id in named:
        module = ".".join([named[value.id], *reversed(words[1:])])
        if module in tree.modules:
            yield from _definers(tree, module, words[0])


def _definers(
    tree: Tree, module: str, name: str | None, seen: set[tuple[str, str]] | None = None
) -> Iterator[str]:
    """Yield the file that defines a name of a module, following what that imports itself.

    `seen` has what was looked for already: each name of a module once, whatever ways lead to it.
    """
    seen = set() if seen is None else seen
    path = tree.modules.get(module)
    if path is None:
        return
    if name is None:
        yield path
        return
    inner = tree.modules.get(f"{module}.{name}")
    if inner is not None:
        yield inner
        return
    seen.add((module, name))
    found = is_followed = False
    for origin, original in _origins(tree, path, name):
        if (origin, original) in seen:
            is_followed = True  # Elsewhere.
            continue
        for one in _definers(tree, origin, original, seen):
            found = True
            yield one
    if not found and (not is_followed or _binds(tree.parsed(path), name)):
        yield path


def _origins(tree: Tree, path: str, name: str) -> Iterator[tuple[str, str]]:
    """Yield the modules from which another may have a name, and what it is called there."""
    code = tree.parsed(path)
    for node in ast.walk(code) if code else ():
        if not isinstance(node, ast.ImportFrom):
            continue
        module = _absolute(tree, path, node)
        for alias in node.names:
            if (alias.asname or alias.name) == name:
                yield module, alias.name
            elif alias.name == "*" and _defines(tree, module, name):
                yield module, name


def _defines(tree: Tree, module: str, name: str, seen: set[str] | None = None) -> bool:
    """Tell whether a module has a name, be it that it takes all names of another.

    `seen` has the files that were looked into already, for some take all names of one another.
    """
    seen = set() if seen is None else seen
    path = tree.modules.get(module)
    if path is None or path in seen:
        return False
    seen.add(path)
    code = tree.parsed(path)
    for node in ast.walk(code) if code else ():
        match node:
            case ast.ImportFrom(_, [ast.alias("*")]):
                if _defines(tree, _absolute(tree, path, node), name, seen):
                    return True
            case ast.alias(found, alias) if name == (alias or found):
                return True
    return _binds(code, name)


def _binds(code: ast.Module | None, name: str) -> bool:
    """Tell whether code gives a name to something of its own."""
    for node in ast.walk(code) if code else ():
        match node:
            case ast.FunctionDef(found) | ast.ClassDef(found) | ast.AsyncFunctionDef(found):
                if found == name:
                    return True
            case ast.Name(found, ast.Store()) if found == name:
                return True
    return False


def imported(tree: Tree, path: str) -> Iterator[str]:
    """Yield the names of the modules that a file imports, and of what it takes from them."""
    code = tree.parsed(path)
    for node in ast.walk(code) if code else ():
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(tree, path, node)
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _absolute(tree: Tree, path: str, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    root = tree.root_of(path)
    inner = path.removeprefix(f"{root}/" if root else "").split("/")
    package = inner[: max(0, len(inner) - node.level)]
    if not package:  # It is in one that has no `__init__.py`, and so as deep as its folders.
        package = path.split("/")[: -node.level]
    return ".".join([*package, *([node.module] if node.module else [])])


def _files(tree: Tree, module: str) -> Iterator[str]:
    """Yield the files that are run where a module is imported: its own, and packages around it."""
    parts = module.split(".")
    for end in range(1, len(parts) + 1):
        path = tree.modules.get(".".join(parts[:end]))
        if path is not None:
            yield path
