"""Reads a completion as the rest of the function that its prompt began: pure, and linear."""

import re
import textwrap
from collections.abc import Iterator

from sampler.extraction import syntax
from sampler.extraction.blocks import first_line, looks_like_code, tries_to_define

_MAX_CUTS = 4
"""Most times a continuation is cut back to where it still compiles."""
_BODY_START = re.compile(r"(?:return|yield|raise|for|while|if|try|with)\b")
_FUNCTION = re.compile(r"^[ \t]*(?:async )?(?:def|class) ", re.MULTILINE)


def begins_with_body(text: str) -> bool:
    """Tell whether a text goes on inside a function rather than beginning one."""
    first = first_line(text)
    return first.startswith((" ", "\t")) or _BODY_START.match(first) is not None


def continuations(prompt: str, text: str, name: str | None) -> Iterator[str]:
    """Read the completion as the rest of the prompt's last function."""
    if not prompt.strip() or not _FUNCTION.search(prompt):
        return
    margin = _indentation(prompt)
    body = _before_redefinition(text, name) if begins_with_body(text) else text
    body = body.lstrip("\n") if prompt.endswith("\n") else body
    for program in _indentations(prompt, body, margin):
        yield cut_back(prompt, program)
    for program in _indentations(prompt, body, margin):
        cut = prompt + _inside_function(program.removeprefix(prompt))
        yield cut


def _indentation(prompt: str) -> str:
    """Return the blanks that the lines of the body begin with."""
    last = next((line for line in reversed(prompt.split("\n")) if line.strip()), "")
    blanks = last[: len(last) - len(last.lstrip())]
    return blanks + "    " if last.rstrip().endswith(":") else blanks or "    "


def _before_redefinition(text: str, name: str | None) -> str:
    """Drop what a model wrote after it began the same function over again."""
    kept: list[str] = []
    for line in text.split("\n"):
        if kept and tries_to_define(line, name):
            break
        kept.append(line)
    return "\n".join(kept)


def _indentations(prompt: str, body: str, margin: str) -> Iterator[str]:
    """Yield the prompt with the body as it is, then with the indentation it may have lost."""
    yield prompt + body
    if not prompt.endswith("\n") and not body.startswith("\n"):
        prompt += "\n"
        yield prompt + body
    lines = body.split("\n")
    start = next((n for n, line in enumerate(lines) if line.strip()), None)
    if start is None:
        return
    if lines[start][0].isspace():
        return
    if not looks_like_code(lines[start]):
        first = next((n for n, line in enumerate(lines) if line.startswith((" ", "\t"))), None)
        if first is not None and not any(looks_like_code(line) for line in lines[:first] if line):
            # Chat, and then the body.
            yield prompt + "\n".join(lines[first:])
    tree = syntax.tree_of(body)
    if tree is not None and _FUNCTION.match(lines[start]):
        return  # A program of its own, under another name.
    # Only the first line lost it, as when the tokenizer swallowed the leading blanks.
    yield prompt + "\n".join([margin + lines[start], *lines[start + 1 :]])
    yield prompt + textwrap.indent(body, margin)


def cut_back(prompt: str, program: str) -> str:
    """Cut what follows a function back to the last line up to which all compiles.

    A fault inside the last function that begins before it is left as it is.
    """
    lines = program.split("\n")
    inside = len(prompt.split("\n")) + 1 if prompt else 0
    for _ in range(_MAX_CUTS):
        line = syntax.line_of_error("\n".join(lines))
        if line is None:
            break
        cut = min(line, len(lines)) - 1
        while cut > inside and not _leaves_function(lines[cut]):
            cut -= 1
        if cut <= inside:
            return program
        lines = [*lines[:cut], ""]
    return "\n".join(lines)


def _inside_function(body: str) -> str:
    """Keep the lines up to the first that leaves the function."""
    kept: list[str] = []
    for line in body.split("\n"):
        if _leaves_function(line):
            break
        kept.append(line)
    return "\n".join(kept) + "\n"


def _leaves_function(line: str) -> bool:
    return bool(line.strip()) and not line[0].isspace() and line[0] not in "#)]}"
