"""Finds programs of the languages beyond Python in a model's answer.

Nothing here parses those languages: a program is told by its fence, by the words it begins with,
and by the function in which it starts. Their problems are judged by standard input and output, so
that what is wanted is always one whole program.
"""

import re
from collections.abc import Sequence
from itertools import takewhile
from typing import Final, NamedTuple

from infra.contracts.base import Language
from sampler.extraction.blocks import Answer, Block


class Marks(NamedTuple):
    """How one language is recognised."""

    fences: frozenset[str]
    """First words after an opening fence that name it."""
    starts: re.Pattern[str]
    """Where a program starts to run; nothing else of a language need be found."""
    line: re.Pattern[str]
    """A line at the margin that is code and no prose."""


def _marks(fences: str, starts: str, line: str) -> Marks:
    every = rf"(?:{line})|//|/\*|[{{}}]|.*[;{{}}]\s*$"
    return Marks(frozenset(fences.split()), re.compile(starts, re.MULTILINE), re.compile(every))


_MARKS: Final = {
    Language.C: _marks("c h", r"\bmain\s*\(", r"#\s*\w|(?:int|void|static|struct|typedef)\b"),
    Language.CPP: _marks(
        "cpp c++ cc cxx hpp",
        r"\bmain\s*\(",
        r"#\s*\w|(?:int|void|static|struct|class|using|template|namespace|const|typedef)\b",
    ),
    Language.RUST: _marks(
        "rust rs", r"\bfn\s+main\s*\(", r"#!?\[|(?:use|fn|pub|struct|enum|impl|mod|const|static)\b"
    ),
    Language.GO: _marks(
        "go golang", r"\bfunc\s+main\s*\(", r"(?:package|import|func|type|var|const)\b|\)\s*$"
    ),
    Language.JAVA: _marks(
        "java",
        r"\bvoid\s+main\s*\(",
        r"(?:import|package|public|class|final|interface)\b|@",
    ),
    Language.JAVASCRIPT: _marks(
        "javascript js node nodejs mjs cjs",
        r"\S",
        r"#!|(?:const|let|var|function|async|class|import|require|process|console|[\w.]+\()",
    ),
    Language.TYPESCRIPT: _marks(
        "typescript ts",
        r"\S",
        r"#!|(?:const|let|var|function|async|class|interface|type|enum|import|export|[\w.]+\()",
    ),
    Language.PHP: _marks("php", r"\S", r"<\?php|#|\$\w|(?:function|class|use|echo|require)\b"),
    Language.RUBY: _marks(
        "ruby rb", r"\S", r"#|(?:def|class|module|require|puts|print|end|if|while)\b|\w+(?:\.|\s*=)"
    ),
    Language.PERL: _marks("perl pl", r"\S", r"#|[$@%]\w|(?:use|my|our|sub|package|print)\b"),
    Language.LUA: _marks("lua", r"\S", r"--|(?:local|function|return|end|for|while|if|print)\b"),
    Language.HASKELL: _marks(
        "haskell hs",
        r"^main\s*(?:::|=)",
        r"\{-|--|(?:module|import|data|type|newtype|class|instance)\b|\w+\s*(?:::|[^=\n]*=)",
    ),
    Language.KOTLIN: _marks(
        "kotlin kt", r"\bfun\s+main\s*\(", r"(?:import|fun|val|var|class|object|data|package)\b|@"
    ),
    Language.R: _marks("r rscript", r"\S", r"#|[\w.]+\s*(?:<-|=|\()|(?:for|while|if|function)\b"),
    Language.SCALA: _marks(
        "scala",
        r"\bdef\s+main\s*\(|\bextends\s+App\b",
        r"(?:import|object|class|case|trait|def|val|var|package)\b|@",
    ),
    Language.D: _marks(
        "d dlang",
        r"\bmain\s*\(",
        r"(?:import|module|void|int|long|bool|string|auto|alias|enum|struct|class|template|unittest"
        r"|const|immutable|static|pure)\b|@|/\+",
    ),
    Language.RACKET: _marks("racket rkt", r"\S", r"#lang\b|[;()\[\]\"]|#\|"),
    Language.CSHARP: _marks(
        "csharp cs c#",
        r"\bstatic\s+(?:async\s+)?\w+(?:<\w+>)?\s+Main\s*\(",
        r"(?:using|namespace|public|internal|class|struct|interface|enum|static|sealed)\b|[\[#]",
    ),
    Language.VERILOG: _marks(
        "verilog systemverilog sv v",
        r"\bmodule\b",
        r"(?:module|endmodule|input|output|inout|wire|reg|logic|assign|always\w*|initial|begin|end"
        r"|parameter|localparam|integer|function|task|typedef|case|endcase|if|else|generate)\b|`",
    ),
}
_COMPILED: Final = {
    Language.C, Language.CPP, Language.RUST, Language.GO, Language.JAVA, Language.HASKELL,
    Language.KOTLIN, Language.SCALA, Language.D, Language.CSHARP, Language.VERILOG,
}  # fmt: skip
_SCRIPTS: Final = _MARKS.keys() - _COMPILED
"""Languages whose programs begin at their first line."""
_READS: Final = re.compile(
    r"(?i:\bstdin\b)|readFileSync|readline|\bgets\b|<>|\bARGF\b|\bio\.(?:read|lines)\b|php://input"
    r"|\(read(?:-\w+)?[\s)]|\bcurrent-input-port\b|\(in-lines\b|\(port->"
)
"""What reads standard input, in one or the other of the scripting languages."""
_SHELL_FENCES: Final = frozenset({"bash", "sh", "shell", "zsh", "shellscript"})


def find(language: Language, prompt: str, answer: Answer) -> tuple[str, bool]:
    """Return the likeliest program, and whether it came out of a fence."""
    if answer.blocks:
        return _of_blocks(language, answer.blocks), True
    marks = _MARKS.get(language)
    if marks is None:
        return _script(answer.bare), False
    if not marks.starts.search(answer.bare) and marks.starts.search(prompt):
        # The prompt began the program, and the model went on.
        return prompt + answer.bare, False
    return _span(marks, answer.bare), False


def _of_blocks(language: Language, blocks: Sequence[Block]) -> str:
    marks = _MARKS.get(language)
    fences = _SHELL_FENCES if marks is None else marks.fences
    named = [block.text for block in blocks if block.language in fences]
    unnamed = [block.text for block in blocks if not block.language]
    texts = named or unnamed or [block.text for block in blocks]
    if marks is None:
        return _last_script(texts)
    starting = [text for text in texts if marks.starts.search(text)]
    if language in _SCRIPTS or not starting:
        return "\n".join(texts) if not _reads_input(texts) else _reads_input(texts)[-1]
    # The last one is the model's final word.
    return starting[-1]


def _reads_input(texts: Sequence[str]) -> list[str]:
    return [text for text in texts if _READS.search(text)]


def _last_script(texts: Sequence[str]) -> str:
    """Prefer the last script to the lines that show how it is called."""
    scripts = [text for text in texts if text.lstrip().startswith("#!")]
    reading = [text for text in texts if re.search(r"\bread\b|\bcat\b|/dev/stdin", text)]
    return (scripts or reading or texts)[-1]


def _script(text: str) -> str:
    """Take the chat before the first line off a script; it can be told by no other mark."""
    start = text.find("#!")
    at_margin = start > 0 and text[start - 1] == "\n"
    return text[start:] if at_margin else text


def _span(marks: Marks, text: str) -> str:
    """Return everything from the first line that looks like code to the last."""
    lines = text.split("\n")

    def is_prose(line: str) -> bool:
        return not line.strip() or (not line[0].isspace() and not marks.line.match(line))

    before = sum(1 for _ in takewhile(is_prose, lines))
    if before == len(lines):
        return text
    after = sum(1 for _ in takewhile(is_prose, reversed(lines)))
    return "\n".join(lines[before : len(lines) - after]) + "\n"
