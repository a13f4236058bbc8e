"""What names are given in test code, where that is plain to see."""

import ast
from collections.abc import Iterator

from executor.guest.guards.text.sites import FUNCTIONS, Function, last_name


def bindings(scope: ast.AST) -> dict[str, list[ast.expr]]:
    """Of each name that a scope binds, the values it has; none where that is not plain to see."""
    found: dict[str, list[ast.expr]] = {}
    seen: set[int] = set()
    for node in _nodes(scope):
        for target, values in _bound(node, found):
            seen.add(id(target))
            found[target.id] = [] if target.id in found else values
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()) if id(node) not in seen:
                found[name] = []
            case ast.ExceptHandler(name=str(name)) | ast.FunctionDef(name=name):
                found[name] = []
            case ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name) | ast.arg(arg=name):
                found[name] = []
            case ast.alias(name=name, asname=asname):
                found[asname or name] = []
    return found


def _nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """Nodes of a scope, parents first; of a module none that are in functions or classes."""
    for child in ast.iter_child_nodes(scope):
        if child is getattr(scope, "args", None) and isinstance(scope, FUNCTIONS):
            continue
        yield child
        if isinstance(scope, ast.Module) and isinstance(child, (*FUNCTIONS, ast.ClassDef)):
            continue
        yield from _nodes(child)


def _bound(
    node: ast.AST, known: dict[str, list[ast.expr]]
) -> Iterator[tuple[ast.Name, list[ast.expr]]]:
    match node:
        case ast.Assign(targets=[target], value=value):
            yield from _unpacked(target, [value])
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            yield from _unpacked(target, [value])
        case ast.For(target=target, iter=rows) | ast.comprehension(target=target, iter=rows):
            yield from _unpacked(target, _rows(rows, known))


def _unpacked(target: ast.expr, rows: list[ast.expr]) -> Iterator[tuple[ast.Name, list[ast.expr]]]:
    """Names of a target with what each is given by the rows in turn."""
    match target:
        case ast.Name():
            yield target, rows
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            fits = all(len(items_of(row)) == len(parts) for row in rows)
            for number, part in enumerate(parts):
                yield from _unpacked(part, [items_of(row)[number] for row in rows] if fits else [])


def _rows(rows: ast.expr, known: dict[str, list[ast.expr]]) -> list[ast.expr]:
    """The expressions that a loop goes through."""
    match rows:
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return items
        case ast.Name(id=name) if len(known.get(name, [])) == 1:
            return _rows(known[name][0], {})
        case ast.Call(func=ast.Attribute(value=table, attr="items"), args=[]):
            if isinstance(table, ast.Name) and len(known.get(table.id, [])) == 1:
                table = known[table.id][0]
            if isinstance(table, ast.Dict):
                pairs = zip(table.keys, table.values, strict=True)
                return [ast.Tuple([key, value]) for key, value in pairs if key is not None]
        case ast.Call(func=ast.Name(id="enumerate"), args=[inner, *_]):
            return [ast.Tuple([ast.Constant(0), row]) for row in _rows(inner, known)]
        case ast.Call(func=ast.Name(id="zip"), args=columns):
            every = zip(*(_rows(column, known) for column in columns), strict=False)
            return [ast.Tuple(list(row)) for row in every]
    return []


def items_of(row: ast.expr) -> list[ast.expr]:
    """The parts of a row of a table, or of what `pytest.param` is given; none if it has none."""
    match row:
        case ast.Tuple(elts=items) | ast.List(elts=items):
            return [] if any(isinstance(item, ast.Starred) for item in items) else items
        case ast.Call(args=items) if last_name(row.func) == "param":
            return items
    return []


def attributes(owner: ast.ClassDef) -> dict[str, list[ast.expr]]:
    """Attributes that a class, or what prepares its tests, gives one value."""
    found = bindings(ast.Module([*owner.body], []))
    for function in owner.body:
        if not isinstance(function, FUNCTIONS):
            continue
        given: dict[int, ast.expr] = {}
        for node in ast.walk(function):
            match node:
                case ast.Assign(targets=[target], value=value) if prepares(function):
                    given[id(target)] = value
                case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name, ctx=ast.Store()):
                    only = id(node) in given and name not in found
                    found[name] = [given[id(node)]] if only else []
    return found


def prepares(function: Function) -> bool:
    """Whether a test framework calls it around tests."""
    name = function.name.lower().replace("_", "")
    return name.startswith(("setup", "teardown", "asyncsetup", "asyncteardown")) or (
        "fixture" in {last_name(item) for item in function.decorator_list}
    )
