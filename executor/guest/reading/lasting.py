"""What test code does that lasts longer than a call: changes that a later call would meet.

In one process a value that was handed over, or came back, may still be the candidate's own, and a
patched function is patched for the candidate too. In two processes nobody meets such a change: a
test that it makes no difference would be passed by everybody.
"""

import ast
from collections.abc import Iterator

from executor.guest.reading.object_use import Objects

_CHANGING = frozenset({
    "append", "appendleft", "extend", "extendleft", "insert", "add", "update", "setdefault",
    "pop", "popleft", "popitem", "remove", "discard", "clear", "sort", "reverse",
})  # fmt: skip
"""Methods of built-in containers that change them."""
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def lasting(tree: ast.Module, objects: Objects, changing: frozenset[str]) -> Iterator[str]:
    """Say what lasts, and in which line.

    `changing` are the globals of the reference program that hold what can be changed.
    """
    bound = _bound(tree)
    for node in ast.walk(tree):
        for what in (*_patches(node, bound), *_identities(node)):
            yield f"{what} (line {getattr(node, 'lineno', 1)})"
        match node:
            case ast.Name(name, ast.Load()) if name in changing - bound:
                yield f"it reads `{name}`, which can change (line {node.lineno})"
    scopes = [tree, *(node for node in ast.walk(tree) if isinstance(node, _FUNCTIONS))]
    found = {name for node in ast.walk(tree) for name in _exchanged(node, objects)}
    of_self = {name for name in found if "." in name}
    for scope in scopes:
        yield from _changes(scope, objects, of_self)


def changing_globals(program: str) -> frozenset[str]:
    """Name the globals of a program that hold a list, dict or set from the start.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: it does not compile.
    """
    found = set()
    for node in ast.parse(program).body:
        match node:
            case ast.Assign(targets, value) if _is_container(value):
                found |= {item.id for item in targets if isinstance(item, ast.Name)}
            case ast.AnnAssign(ast.Name(name), _, ast.expr() as value) if _is_container(value):
                found.add(name)
    return frozenset(found)


def _is_container(value: ast.expr) -> bool:
    match value:
        case ast.List() | ast.Dict() | ast.Set() | ast.ListComp() | ast.DictComp() | ast.SetComp():
            return True
        case ast.Call(ast.Name(name) | ast.Attribute(attr=name)):
            return name in ("list", "dict", "set", "deque", "Counter", "OrderedDict", "defaultdict")
    return False


def _bound(tree: ast.Module) -> set[str]:
    """Names that the test code gives values of its own."""
    bound = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(name, ast.Store()) | ast.arg(name) | ast.ClassDef(name):
                bound.add(name)
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name):
                bound.add(name)
    return bound


def _patches(node: ast.AST, bound: set[str]) -> Iterator[str]:
    """Find changes of what is not the test code's own: of modules, and of the candidate."""
    match node:
        case ast.Attribute(_, _, ast.Store() | ast.Del()):
            changed: ast.expr = node
        case ast.Subscript(_, _, ast.Store() | ast.Del()):
            changed = node
        case ast.Call(ast.Name("setattr" | "delattr"), [changed, *_]):
            pass
        case ast.Call(ast.Attribute(ast.Name(name) as changed, attr)) if attr in _CHANGING:
            if not name.isupper():
                return  # Of a module, or a class: a function like any other.
        case _:
            return
    root = _root(changed)
    if root is not None and root not in bound:
        yield f"it changes `{ast.unparse(changed)[:60]}`"


def _identities(node: ast.AST) -> Iterator[str]:
    """Find where it must be true that two are not one object: what crosses never is."""
    match node:
        case ast.Compare(left, [ast.IsNot()], [right]):
            pass
        case ast.UnaryOp(ast.Not(), ast.Compare(left, [ast.Is()], [right])):
            pass
        case ast.Call(ast.Attribute(attr="assertFalse"), [ast.Compare(left, [ast.Is()], [right])]):
            pass
        case ast.Call(ast.Attribute(attr="assertIsNot"), [left, right, *_]):
            pass
        case ast.Call(ast.Name("id"), [_]):
            yield "it uses `id`"
            return
        case _:
            return
    if not any(isinstance(side, ast.Constant) for side in (left, right)):
        yield f"it asks whether `{ast.unparse(left)[:60]}` is another object"


def _changes(scope: ast.AST, objects: Objects, exchanged: set[str]) -> Iterator[str]:
    """Find what was exchanged with the candidate, is changed, and might be met in a later call.

    `exchanged` are attributes of `self` that are exchanged anywhere.
    """
    nodes = sorted(_nodes(scope), key=lambda node: (node.lineno, node.col_offset))
    calls = [node.lineno for node in nodes if objects.is_asked(node)]
    exchanged = set(exchanged)
    for node in nodes:
        changed = _changed(node)
        is_met = any(line > node.lineno for line in calls)
        if changed is not None and is_met and _is_exchanged(changed, objects, exchanged):
            yield f"it changes `{ast.unparse(changed)}` before a later call (line {node.lineno})"
        exchanged |= set(_exchanged(node, objects))


def _is_exchanged(changed: ast.expr, objects: Objects, exchanged: set[str]) -> bool:
    """Tell whether an expression is, or is in, what a call has given or taken."""
    node = changed
    while not objects.is_asked(node) and ast.unparse(node) not in exchanged:
        if not isinstance(node, (ast.Attribute, ast.Subscript)):
            return False
        node = node.value
    return True


def _nodes(scope: ast.AST) -> Iterator[ast.expr | ast.stmt]:
    """Expressions and statements of a scope, not those of functions and classes in it."""
    for child in ast.iter_child_nodes(scope):
        if isinstance(child, (*_FUNCTIONS, ast.ClassDef)):
            continue
        if isinstance(child, (ast.expr, ast.stmt)):
            yield child
        yield from _nodes(child)


def _changed(node: ast.AST) -> ast.expr | None:
    """Return what a node changes in place."""
    match node:
        case ast.Call(ast.Attribute(value, attr)) if attr in _CHANGING:
            return value
        case ast.Subscript(value, _, ast.Store() | ast.Del()):
            return value
        case ast.AugAssign(target, _, ast.List() | ast.ListComp() | ast.Set() | ast.Dict()):
            return target
    return None


def _exchanged(node: ast.AST, objects: Objects) -> Iterator[str]:
    """Name what a node has from a call of the candidate, or hands over to one."""
    match node:
        case ast.Assign(targets, value) if objects.is_asked(value) and not objects.is_made(value):
            yield from (name for target in targets for name in _named(target))
        case ast.For(target, value) if objects.is_asked(value):
            yield from _named(target)
        case ast.Call(_, args, keywords) if objects.is_asked(node):
            for given in (*args, *(word.value for word in keywords)):
                yield from _named(given)


def _named(node: ast.expr) -> Iterator[str]:
    """Name the variables, and attributes of `self`, that an expression stands for or contains."""
    match node:
        case ast.Name() | ast.Attribute(ast.Name("self" | "cls")):
            yield ast.unparse(node)
        case ast.Tuple(parts) | ast.List(parts):
            yield from (name for part in parts for name in _named(part))
        case ast.Starred(value):
            yield from _named(value)


def _root(node: ast.expr) -> str | None:
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None
