"""Images: sets of packages that a problem's tests and candidates may import, each under a name.

`NAME.txt` beside this file pins one with every package it takes; users add others of their own.
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from infra import errors
from infra.parsing import parse

_RUNNER: Final = frozenset({"pytest", "_pytest", "pluggy", "hypothesis"})
"""Modules that test code finds whatever the image."""
_LOST: Final = frozenset(
    {
        "aifc", "asynchat", "asyncore", "audioop", "cgi", "cgitb", "chunk", "crypt", "distutils",
        "imghdr", "imp", "lib2to3", "mailcap", "nis", "nntplib", "ossaudiodev", "pipes", "smtpd",
        "sndhdr", "spwd", "sunau", "telnetlib", "uu", "xdrlib",
    }
)  # fmt: skip
"""Modules of Python 3.11's standard library that 3.12 or 3.13 has no more (PEP 594, PEP 632)."""
_ABSENCE: Final = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})
_IMPORTERS: Final = frozenset({"__import__", "import_module", "importorskip"})
"""Functions that import what their first argument names."""
_FINDERS: Final = frozenset({"find_spec", *_IMPORTERS})
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_MODULES: Final = "# modules:"
_WARM: Final = "# warm:"


class Pinned(NamedTuple):
    """What one image holds."""

    name: str
    requirements: str
    """Lines for pip: each package with its version, and with hashes where they are known."""
    modules: frozenset[str]
    """Names that can be imported from it, beside the standard library."""
    warm: tuple[str, ...]
    """Modules that are loaded before any candidate is there."""

    @property
    def packages(self) -> tuple[str, ...]:
        """The names of its packages, those that others take included."""
        starts = (_NAME.match(line) for line in self.requirements.splitlines())
        return tuple(sorted({start.group() for start in starts if start}))

    @property
    def named(self) -> tuple[str, ...]:
        """The packages that a candidate is told of."""
        return tuple(dict.fromkeys(module.partition(".")[0] for module in self.warm))

    def text(self) -> str:
        """Return the file that `read` reads."""
        head = [f"{_MODULES} {' '.join(sorted(self.modules))}", f"{_WARM} {' '.join(self.warm)}"]
        return "\n".join([*head, self.requirements])


def read(name: str, text: str) -> Pinned:
    """Read the file of an image: its requirements, and what comments say of its modules."""
    words: dict[str, list[str]] = {_MODULES: [], _WARM: []}
    lines = []
    for line in text.splitlines():
        mark = next((mark for mark in words if line.startswith(mark)), None)
        if mark is not None:
            words[mark] += line.removeprefix(mark).split()
        elif line.strip() and not line.startswith("#"):
            lines.append(line.rstrip())
    requirements = "".join(f"{line}\n" for line in lines)
    return Pinned(name, requirements, frozenset(words[_MODULES]), tuple(words[_WARM]))


@cache
def shipped() -> dict[str, Pinned]:
    """Return the images that come with the suite, by name."""
    files = Path(__file__).parent.glob("*.txt")
    return {file.stem: read(file.stem, file.read_text()) for file in sorted(files)}


def not_there(modules: Sequence[str]) -> str:
    """Name modules that are missing, and the first shipped image that has all of them."""
    needed = {module.partition(".")[0] for module in modules}
    enough = [image for image in shipped().values() if needed <= image.modules]
    smallest = min(enough, key=lambda image: len(image.modules), default=None)
    hint = f"; the image `{smallest.name}` has it" if smallest else ""
    return f"not there: {', '.join(modules)}{hint}"


def infer(
    *sources: str,
    images: Mapping[str, Pinned] | None = None,
    beside: Iterable[str] = (),
) -> str:
    """Return the smallest image from which everything that Python sources import comes.

    A source that does not parse imports nothing; an import that may fail, in a `try` that expects
    it, need not be there.

    Args:
        sources: Programs and test code.
        images: Those to choose from; the shipped ones if absent.
        beside: Modules that are there without an image, such as the candidate's own.

    Raises:
        errors.InvalidInput: naming what no image has.
    """
    known = shipped() if images is None else images
    there = sys.stdlib_module_names | _RUNNER | frozenset(beside)
    trees = [tree for source in sources if (tree := _parsed(source)) is not None]
    wanted = frozenset[str]().union(*map(_imported, trees)) - there
    packages = {name for image in known.values() for name in image.named}
    wanted |= packages & {name for tree in trees for name in _patched(tree)}
    # Where something imports by name, a text that is a package's name may be what it is given.
    if any(map(_imports_by_name, trees)):
        wanted |= packages & {text for tree in trees for text in _texts(tree)}
    enough = [image for image in known.values() if wanted <= image.modules]
    if enough:
        return min(enough, key=lambda image: (len(image.modules), image.name)).name
    everywhere = frozenset[str]().union(*(image.modules for image in known.values()))
    missing = sorted(wanted - everywhere)
    if lost := sorted(_LOST.intersection(missing)):
        version = ".".join(map(str, sys.version_info[:2]))
        raise errors.InvalidInput(
            f"the standard library of Python {version} has no {_quoted(lost)} any more; take an"
            " older Python for the suite, or pin what replaces it"
        )
    if missing:
        raise errors.InvalidInput(
            f"no image has {_quoted(missing)}; pin it in a file, and name the image of"
            " `rrtf images build NAME FILE`"
        )
    raise errors.InvalidInput(f"no image has all of {_quoted(sorted(wanted))}")


def imported(source: str) -> frozenset[str]:
    """Return the top-level names of what a source must be able to import, anywhere in it."""
    tree = _parsed(source)
    return frozenset() if tree is None else _imported(tree)


def _parsed(source: str) -> ast.Module | None:
    try:
        return parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _imported(tree: ast.AST) -> frozenset[str]:
    found: set[str] = set()
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").partition(".")[0])
        elif isinstance(node, ast.Try) and any(map(_expects_absence, node.handlers)):
            # What stands in for something is not needed where that is there.
            handlers = [] if _is_standard(node.body) else node.handlers
            waiting += [*handlers, *node.orelse, *node.finalbody]
        elif isinstance(node, ast.If) and _is_for_types(node.test):
            waiting += node.orelse
        else:
            if isinstance(node, ast.Call) and (named := _argument_of_import(node)):
                found.add(named.partition(".")[0])
            waiting += ast.iter_child_nodes(node)
    return frozenset(found) - {""}


def _is_standard(body: list[ast.stmt]) -> bool:
    """Tell whether statements import something, and nothing beyond the standard library."""
    names = frozenset[str]().union(*map(_imported, body))
    return bool(names) and names <= sys.stdlib_module_names


def _expects_absence(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    names = (node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name))
    return not _ABSENCE.isdisjoint(names)


def _is_for_types(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", None)
    return name == "TYPE_CHECKING"


def _argument_of_import(call: ast.Call) -> str | None:
    match call:
        case ast.Call(args=[ast.Constant(value=str(named)), *_]):
            return named if _name_of(call.func) in _IMPORTERS else None
    return None


def _patched(tree: ast.Module) -> Iterator[str]:
    """Yield the first part of each dotted text that names what is patched."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(args=[ast.Constant(value=str(named)), *_]) if "." in named:
                if _name_of(node.func) == "patch":
                    yield named.partition(".")[0]


def _imports_by_name(tree: ast.Module) -> bool:
    """Tell whether something is imported, or looked for, of which the name is worked out."""
    return any(
        isinstance(node, ast.Call)
        and _name_of(node.func) in _FINDERS
        and not (node.args and isinstance(node.args[0], ast.Constant))
        for node in ast.walk(tree)
    )


def _texts(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _name_of(function: ast.expr) -> str | None:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", None)


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
