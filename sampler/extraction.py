"""From the text a model wrote to the program in it: pure, and linear in the length of the text.

Models continue the prompt, answer in fenced blocks, chat around the code, repeat the prompt's
function, or stop in the middle. Every rule here tries candidates in a fixed order and takes the
first that parses and defines what was asked for; when none does, the likeliest is returned as it
is, so that it is labelled rather than lost.
"""

import ast
import re
import textwrap
import warnings
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple


class ExtractionMethod(StrEnum):
    """Where the program was found."""

    FENCED = "fenced"
    CONTINUATION = "continuation"
    WHOLE = "whole"
    CHAT = "chat"


class Extraction(NamedTuple):
    """A program and where it was found."""

    program: str
    method: ExtractionMethod


_MAX_PARSED = 200_000
"""Longest text that is parsed to choose among candidates; longer ones are taken as they are."""
_FENCE = re.compile(r"^[ \t]{0,3}(```+|~~~+)[ \t]*([A-Za-z0-9_+-]*)[^\n`]*$", re.MULTILINE)
_CODE_START = re.compile(
    r"^(?:def |class |import |from |@|async def |#|if __name__|[A-Za-z_][A-Za-z0-9_]* *[:=])"
)


def extract(prompt: str, completion: str, entry_point: str | None) -> Extraction:
    """Find the program in a completion of a prompt; the same input gives the same program."""
    text = completion.replace("\r\n", "\n")
    # What models put before and after the text itself, a control token of some chat format.
    text = re.sub(r"<\|[A-Za-z0-9_]{1,30}\|>", "", text)
    name = entry_point.partition(".")[0] if entry_point else None
    attempts = list(_attempts(prompt, text, name))
    for attempt in attempts:
        if _parses(attempt.program) and _defines(attempt.program, name):
            return attempt
    if not _tries_to_define(text, name):
        for attempt in attempts:
            if _parses(attempt.program) and attempt.program.strip():
                return attempt
    # Cut off, or simply wrong: what the model tried to write is labelled as it is.
    return attempts[0] if attempts else Extraction(text, ExtractionMethod.WHOLE)


def _tries_to_define(text: str, name: str | None) -> bool:
    if name is None:
        return False
    pattern = rf"^(?:async )?(?:def|class) {re.escape(name)}\b"
    return re.search(pattern, text, re.MULTILINE) is not None


def _attempts(prompt: str, text: str, name: str | None) -> Iterator[Extraction]:
    blocks = fenced_blocks(text)
    if blocks:
        yield from _from_blocks(prompt, blocks, name)
    bare = _FENCE.sub("", text) if blocks else text
    whole = (
        Extraction(bare, ExtractionMethod.WHOLE),
        Extraction(_without_chat(bare), ExtractionMethod.CHAT),
        Extraction(_imports(prompt) + _without_chat(bare), ExtractionMethod.CHAT),
    )
    first = next((line for line in bare.split("\n") if line.strip()), "")
    if _tries_to_define(bare, name) and not first.startswith((" ", "\t")):
        # The function again: reading it as the rest of the prompt would only hide its faults.
        yield from whole
    else:
        yield from _continuations(prompt, bare)
        yield from whole


def fenced_blocks(text: str) -> list[str]:
    """Return the contents of fenced blocks in order; one that is never closed runs to the end."""
    blocks: list[str] = []
    opened: re.Match[str] | None = None
    for fence in _FENCE.finditer(text):
        if opened is None:
            opened = fence
        elif fence[1][0] == opened[1][0] and len(fence[1]) >= len(opened[1]) and not fence[2]:
            blocks.append(text[opened.end() + 1 : fence.start()])
            opened = None
    if opened is not None:
        blocks.append(text[opened.end() + 1 :])
    return [block for block in blocks if block.strip()]


def _from_blocks(prompt: str, blocks: list[str], name: str | None) -> Iterator[Extraction]:
    blocks = [_without_prompt_marks(textwrap.dedent(block)) for block in blocks]
    defining = [number for number, block in enumerate(blocks) if _tries_to_define(block, name)]
    if defining:
        last = defining[-1]
        # The last one is the model's final word; blocks before it may hold its helpers.
        yield Extraction(_with_imports(prompt, blocks[last]), ExtractionMethod.FENCED)
        joined = "\n".join(blocks[: last + 1])
        yield Extraction(_with_imports(prompt, joined), ExtractionMethod.FENCED)
        yield Extraction(_with_imports(prompt, blocks[defining[0]]), ExtractionMethod.FENCED)
        return
    for block in blocks:
        for item in _continuations(prompt, block):
            yield Extraction(item.program, ExtractionMethod.FENCED)
    yield Extraction("\n".join(blocks), ExtractionMethod.FENCED)
    yield Extraction(max(blocks, key=len), ExtractionMethod.FENCED)


def _without_prompt_marks(block: str) -> str:
    """Take the interpreter's prompts off a transcript."""
    lines = block.split("\n")
    if not any(line.startswith(">>> ") for line in lines):
        return block
    return "\n".join(line[4:] for line in lines if line.startswith((">>> ", "... ")))


def _continuations(prompt: str, text: str) -> Iterator[Extraction]:
    """Read the completion as the rest of the prompt's last function."""
    if not prompt.strip() or not re.search(r"^\s*(?:async )?(?:def|class) ", prompt, re.MULTILINE):
        return
    body = text.lstrip("\n") if prompt.endswith("\n") else text
    yield Extraction(prompt + body, ExtractionMethod.CONTINUATION)
    for candidate in (body, _indented(body)):
        cut = _inside_function(candidate)
        yield Extraction(prompt + cut, ExtractionMethod.CONTINUATION)


def _indented(body: str) -> str:
    """Give a body that forgot its indentation the usual one."""
    first = next((line for line in body.split("\n") if line.strip()), "")
    if first.startswith((" ", "\t")):
        return body
    rest = [line for line in body.split("\n")[1:] if line.strip()]
    if rest and all(line.startswith("    ") for line in rest) and not first.endswith(":"):
        # Only the first line lost it, as when the tokenizer swallowed the leading blanks.
        return "    " + body
    return textwrap.indent(body, "    ")


def _inside_function(body: str) -> str:
    """Keep the lines up to the first that leaves the function."""
    kept: list[str] = []
    for line in body.split("\n"):
        outside = line.strip() and not line[0].isspace()
        if outside and not (line.startswith("#") or line.startswith((")", "]", "}"))):
            break
        kept.append(line)
    return "\n".join(kept) + "\n"


def _without_chat(text: str) -> str:
    """Keep the lines from the first that looks like code to the last that belongs to it."""
    lines = text.split("\n")
    start = next((n for n, line in enumerate(lines) if _CODE_START.match(line)), None)
    if start is None:
        return text
    end = len(lines)
    for number in range(start + 1, len(lines)):
        line = lines[number]
        outside = line.strip() and not line[0].isspace()
        if outside and not _CODE_START.match(line) and not re.match(r"[)\]}\"'a-z_]", line):
            end = number
            break
    return "\n".join(lines[start:end]) + "\n"


def _imports(prompt: str) -> str:
    lines = [line for line in prompt.split("\n") if line.startswith(("import ", "from "))]
    return "\n".join(lines) + "\n" if lines else ""


def _with_imports(prompt: str, block: str) -> str:
    """Put the prompt's imports before a block that repeats the function but not them."""
    imports = _imports(prompt)
    return imports + block if imports and imports.strip() not in block else block


def _parses(program: str) -> bool:
    if len(program) > _MAX_PARSED or "\x00" in program:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(program)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return True


def _defines(program: str, name: str | None) -> bool:
    if name is None:
        return bool(program.strip())
    for node in ast.parse(program).body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            # A prompt with nothing after it is a function that consists of its docstring.
            if node.name == name and not _is_only_docstring(node):
                return True
        elif isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == name for target in node.targets
        ):
            return True
    return False


def _is_only_docstring(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    only = node.body[0] if len(node.body) == 1 else None
    return isinstance(only, ast.Expr) and isinstance(only.value, ast.Constant)
