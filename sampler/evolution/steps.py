"""Programs that say each step in a comment: asked for, and recognised: pure."""

import ast
import io
import tokenize
from collections.abc import Iterator, Sequence

from infra.prompting.wording import Message
from sampler.extraction.syntax import tree_of

_ASK = (
    "Solve it step by step: above each step of the program write a comment, on a line of its own,"
    " that says in one short sentence what the step does and why."
)


def ask_for_steps(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Ask for a program that says its steps, in the words that ask for a program."""
    *before, last = messages
    return (*before, Message(role=last.role, content=f"{last.content}\n\n{_ASK}"))


def says_steps(program: str, name: str) -> bool:
    """Tell whether at least half the statements of a function or class have a comment above.

    Of what stands inside a loop or a condition, the loop or condition counts. A docstring is no
    step, and neither is a comment at the end of a line.
    """
    tree = tree_of(program)
    if tree is None:
        return False
    comments = _comment_lines(program)
    starts = [
        (end, statement.lineno)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and node.name == name
        for function in ast.walk(node)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for end, statement in _statements(function)
    ]
    told = sum(any(end < line < start for line in comments) for end, start in starts)
    return bool(starts) and 2 * told >= len(starts)


def _statements(
    function: ast.FunctionDef | ast.AsyncFunctionDef,
) -> Iterator[tuple[int, ast.stmt]]:
    """Yield the statements of a body, each with the line that ends what stands before it."""
    body = function.body
    end = function.lineno
    if ast.get_docstring(function, clean=False) is not None:
        end, body = body[0].end_lineno or end, body[1:]
    for statement in body:
        yield end, statement
        end = statement.end_lineno or statement.lineno


def _comment_lines(program: str) -> set[int]:
    """Return the lines that hold a comment with a word, and nothing else."""
    lines = io.StringIO(program).readline
    try:
        tokens = list(tokenize.generate_tokens(lines))
    except (tokenize.TokenError, SyntaxError):
        return set()
    return {
        token.start[0]
        for token in tokens
        if token.type == tokenize.COMMENT
        and not token.line[: token.start[1]].strip()
        and any(letter.isalpha() for letter in token.string)
    }
