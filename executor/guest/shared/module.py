"""The module of the test code, which no candidate can read as a file."""

import ast
import os
import re
import types
import unicodedata
from typing import Final

import pytest
from _pytest.assertion.rewrite import rewrite_asserts

from executor.guest.guards.text.sites import last_name

_OF_SOURCE: Final = {"getsource", "getsourcelines", "getsourcefile", "findsource", "getlines"}
_ASSERT: Final = re.compile(r"\bassert\b")
_FOLDERS: Final = {"dirname", "parent", "parents"}


class TestCode:
    """Test code, compiled before a candidate is there and forgotten then."""

    __test__ = False

    def __init__(self, source: str, file: str, code: types.CodeType | None = None) -> None:
        """Put a file there by which pytest finds the tests; it has their text if they read it.

        `code` is what was compiled of it before; the text is then only there if they read it.
        """
        self._source: str | None = source
        self._code = code
        self.file: Final = file
        """Where it lies."""
        text = source if code is not None or reads_itself(source) else ""
        os.makedirs(os.path.dirname(file), exist_ok=True)
        with open(file, "w", encoding="utf-8", errors="surrogatepass") as place:
            place.write(text)

    def compile_now(self) -> None:
        """Compile it before pytest has its options, for these may have the candidate loaded."""
        source = self._source
        try:
            self._code = self.compiled(None)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            self._source = source  # It is told of where it is loaded.

    def compiled(self, config: pytest.Config | None) -> types.CodeType:
        """Return the module's code, its asserts written as pytest writes them.

        Raises:
            SyntaxError, ValueError: it does not compile.
        """
        source, self._source = self._source, None
        if self._code is not None:
            return self._code
        assert source is not None, "it is compiled once"
        return compiled(source, self.file, config)


def compiled(source: str, file: str, config: pytest.Config | None) -> types.CodeType:
    """Compile test code that lies in a file, its asserts written as pytest writes them.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: it does not compile.
    """
    text = source.encode("utf-8", "surrogatepass")
    if not _ASSERT.search(source):
        return compile(text, file, "exec", dont_inherit=True)
    tree = ast.parse(text, file)
    rewrite_asserts(tree, text, file, config)
    return compile(tree, file, "exec", dont_inherit=True)


def reads_itself(source: str) -> bool:
    """Tell whether test code is after its own text, and not only after the folder that it is in."""
    # Names are read in this form; what is not even mentioned need not be looked for.
    text = unicodedata.normalize("NFKC", source)
    if not any(name in text for name in (*_OF_SOURCE, "__file__")):
        return False
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    own = {n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    folders = {
        id(inner)
        for node in ast.walk(tree)
        if last_name(node) in _FOLDERS
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Name(id="__file__") if id(node) not in folders:
                return True
            case ast.Call(args=args) if last_name(node) in _OF_SOURCE:
                read = {last_name(inner) for arg in args for inner in ast.walk(arg)}
                if read & {*own, "self", "cls", "__name__", "__file__"}:
                    return True
    return False
