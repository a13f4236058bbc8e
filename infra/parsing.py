"""Reads Python without a word about what it warns of."""

import ast
import warnings


def parse(source: str) -> ast.Module:
    """Parse Python that somebody else wrote; escapes and the like, which run all the same, pass.

    Since Python 3.12 the parser warns of them on standard error, and a process in which warnings
    are errors refuses them.

    Raises:
        SyntaxError: it is no Python.
        ValueError: it has a null byte, or a lone surrogate.
        RecursionError: it is nested too deeply.
        MemoryError: it is nested too deeply for the parser itself.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source)
