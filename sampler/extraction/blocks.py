"""Takes a model's answer apart: fenced blocks, runs of code between prose, transcripts.

Everything here reads line by line, so that its time is linear in the text, whatever the text is.
"""

import re
import textwrap
from collections.abc import Iterator
from keyword import kwlist
from typing import NamedTuple

_MAX_FENCE_INDENT = 3
_MAX_BLOCKS = 256
"""Most blocks kept of one answer, the last ones; more is no answer but a loop."""
_PYTHON = frozenset({"python", "py", "python3", "py3", "ipython", "pycon", "python-repl"})
_CODE_LINE = re.compile(
    r"(?:async )?def \w+ *[(\[]|class \w+ *[:(\[]|import \w|from *[\w.]+ *import\b"
    r"|[@)\]}\"'#]|(?:else|try|finally) *:"
    r"|[A-Za-z_][\w.]*(?:\[[^\]]*\])?(?: *, *[\w.]+)* *(?:[-+*/%&|^]|//|\*\*|<<|>>)?=[^=]"
    r"|[A-Za-z_]\w* *: *[\w.]+(?:\[.*\])?(?: *=|$)|[A-Za-z_][\w.]*\("
)
_STATEMENT_WORDS = frozenset(kwlist) - {"from", "import", "class", "def", "True", "False", "None"}
_AMBIGUOUS_WORDS = frozenset({"as", "for", "if", "in", "is", "not", "or", "and", "with", "while"})
"""Words that begin statements and English sentences alike."""
_PUNCTUATION = re.compile(r"\w[(\[]|[=_]")
"""What a statement has and a sentence has not."""


class Block(NamedTuple):
    """The inside of a fence."""

    language: str
    """First word after the opening fence, in small letters; empty if there is none."""
    text: str
    closed: bool = True
    """Whether a fence ended it, and not the answer."""

    @property
    def is_python(self) -> bool:
        """Whether the fence says that it holds Python."""
        return self.language in _PYTHON


class Answer(NamedTuple):
    """An answer taken apart at its fences."""

    head: str
    """What comes before the first fence."""
    blocks: list[Block]
    bare: str
    """The whole text without its fence lines."""


class _Fence(NamedTuple):
    indent: int
    mark: str
    info: str

    @classmethod
    def of(cls, line: str) -> "_Fence | None":
        """Read a line as a fence, or tell that it is none."""
        inner = line.lstrip(" \t")
        indent = len(line) - len(inner)
        if indent > _MAX_FENCE_INDENT or not inner.startswith(("```", "~~~")):
            return None
        rest = inner.lstrip(inner[0])
        if "`" in rest:
            return None
        return cls(indent, inner[: len(inner) - len(rest)], rest.strip())

    @property
    def language(self) -> str:
        return re.split(r"[\s{:,]", self.info, maxsplit=1)[0].lower()

    def closes(self, opened: "_Fence") -> bool:
        # A fence with words behind it ends a block too, when they are a sentence.
        return (
            self.mark.startswith(opened.mark)
            and self.language not in _PYTHON
            and (not self.info or " " in self.info)
        )

    def opens_within(self, opened: "_Fence") -> bool:
        """Tell whether the fence before was left open, and this one begins the next block."""
        return self.mark == opened.mark and self.language in _PYTHON


def take_apart(text: str) -> Answer:
    """Split a text at its fences; a block that is never closed runs to the end."""
    blocks: list[Block] = []
    head: list[str] | None = None
    bare: list[str] = []
    opened: _Fence | None = None
    inside: list[str] = []

    def close(*, by_fence: bool = True) -> None:
        if opened is not None:
            content = textwrap.dedent("\n".join(inside)) if opened.indent else "\n".join(inside)
            blocks.append(Block(opened.language, content + "\n", by_fence))
        inside.clear()

    for line in text.split("\n"):
        fence = _Fence.of(line)
        if fence is not None and (opened is None or fence.opens_within(opened)):
            head = bare.copy() if head is None else head
            close()
            opened = fence
        elif opened is not None and fence is not None and fence.closes(opened):
            close()
            opened = None
        else:
            ended = opened is not None and _ends_with_fence(line, opened.mark)
            kept = line.rstrip()[: -len(opened.mark)] if opened and ended else line
            bare.append(kept)
            if opened is not None:
                inside.append(kept)
            if ended:
                close()
                opened = None
    close(by_fence=False)
    blocks = [block for block in blocks if block.text.strip()][-_MAX_BLOCKS:]
    return Answer("\n".join(bare if head is None else head), blocks, "\n".join(bare))


def without_cut_block(answer: Answer, name: str | None) -> Answer:
    """Leave out a last block that was cut off, where one before it may be the program."""
    *before, last = answer.blocks or [Block("", "")]
    usable = any(name is None or tries_to_define(block.text, name) for block in before)
    return answer._replace(blocks=before) if usable and not last.closed else answer


def _ends_with_fence(line: str, mark: str) -> bool:
    """Tell whether a line of code has the closing fence glued to its end."""
    line = line.strip()
    return line != mark and line.endswith(mark) and line.count(mark[0]) == len(mark)


def likely_programs(blocks: list[Block]) -> list[Block]:
    """Leave out what is not the program: shell commands, output, files of other languages."""
    if any(block.is_python for block in blocks):
        return [block for block in blocks if block.is_python]
    return [block for block in blocks if not block.language] or blocks


def runs_of_code(text: str) -> list[str]:
    """Return the runs of lines that look like code, parted by lines that are prose.

    Of very many only the last are kept, as with blocks.
    """
    runs: list[list[str]] = []
    is_open = False
    for line in text.split("\n"):
        at_margin = bool(line.strip()) and not line[0].isspace()
        if at_margin and not looks_like_code(line):
            is_open = False
        elif at_margin and not is_open:
            runs.append([line])
            is_open = True
        elif is_open:
            runs[-1].append(line)
    return ["\n".join(run).rstrip() + "\n" for run in runs[-_MAX_BLOCKS:]]


def span_of_code(text: str) -> str:
    """Return everything from the first line that looks like code to the end of the last run."""
    lines = text.split("\n")
    start = end = 0
    is_open = False
    for number, line in enumerate(lines):
        if line.strip() and not line[0].isspace():
            is_open = looks_like_code(line)
            if is_open and not end:
                start = number
        if is_open and line.strip():
            end = number + 1
    return "\n".join(lines[start:end]) + "\n"


def looks_like_code(line: str) -> bool:
    """Tell a line of code at the margin from a line of prose."""
    if _CODE_LINE.match(line):
        return True
    first = re.split(r"[\s:(]", line, maxsplit=1)[0]
    if first in _AMBIGUOUS_WORDS:
        return line.rstrip().endswith((":", "\\")) or _PUNCTUATION.search(line) is not None
    return first in _STATEMENT_WORDS


def without_prompt_marks(text: str) -> str | None:
    """Take the interpreter's prompts off a transcript, and its output out; None if it is none."""
    lines = text.split("\n")
    if not any(line.startswith(">>> ") for line in lines):
        return None
    return "\n".join(_typed(lines)) + "\n"


def _typed(lines: list[str]) -> Iterator[str]:
    for line in lines:
        if line.startswith((">>> ", "... ")):
            yield line[4:]
        elif line.rstrip() in (">>>", "..."):
            yield ""


def first_line(text: str) -> str:
    """Return the first line that is not blank, or nothing."""
    return next((line for line in text.split("\n") if line.strip()), "")


def tries_to_define(text: str, name: str | None) -> bool:
    """Tell whether a line at the margin begins the definition of `name`."""
    if name is None:
        return False
    pattern = rf"^(?:async )?(?:def|class) {re.escape(name)}\b"
    return re.search(pattern, text, re.MULTILINE) is not None
