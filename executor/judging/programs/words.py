"""Reads programs of any language word by word: enough to tell a literal from a comment.

The time it takes grows with the length of a program, whatever is in that: what opens and is never
closed is looked for once.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from infra.contracts.base import Language

_NUMBER_SIGN: Final = frozenset({Language.BASH, Language.RUBY, Language.PERL, Language.R})
"""Languages whose comments begin with it; those of the others are C's or Lua's."""
_WORD: Final = r"""
    (?P<quote>["'`])
  | (?P<number>(?<![\w.])\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.]) | (?<![\w.])\d+[fFlLuU]+\b)
  | (?P<truth>\b(?:true|false)\b)
  | (?P<name>[A-Za-z_$@][\w$]*)
  | (?P<open>[(\[{]) | (?P<close>[)\]}])
  | (?P<assign>:=|(?<![=!<>+*/%&|^-])=(?![=>]))
  | (?P<end>[;\n])
"""
_OF_C: Final = r"(?P<comment>//[^\n]*|(?<!\S)--[ \t][^\n]*|^[ \t]*\#[^\n]*)|(?P<block>/\*)|"
# `$#`, `${#a[@]}` and `$#{$a}` of shells and Perl are none.
_OF_SCRIPTS: Final = r"(?P<comment>(?<![^\s;(),])\#[^\n]*)|"
_C_LIKE: Final = re.compile(_OF_C + _WORD, re.X | re.S | re.M)
_SCRIPT: Final = re.compile(_OF_SCRIPTS + _WORD, re.X | re.S | re.M)
_LISP: Final = re.compile(
    r"""
    (?P<comment>;[^\n]*|\#\\(?:[A-Za-z]+|.)) | (?P<block>\#\|)
  | (?P<quote>")
  | (?P<number>(?<![^\s()\[\]{}"'`,;+-])\d+(?:\.\d+)?(?=[\s()\[\]{}"';]|\Z))
  | (?P<truth>\#(?:true|false|t|f)(?=[\s()\[\]{}"';]|\Z))
  | (?P<name>(?![+-]?\.?\d)[^\s()\[\]{}"'`,;|\\]+)
  | (?P<open>[(\[{]) | (?P<close>[)\]}]) | (?P<end>\n)
    """,
    re.X | re.S,
)
"""Of Racket; a character, such as `#\\(`, is passed over like a comment."""
_VERILOG: Final = re.compile(
    r"""
    (?P<comment>//[^\n]*|\[\s*\d+\s*(?::\s*\d+\s*)?\]) | (?P<block>/\*)
  | (?P<quote>")
  | (?P<number>(?<![\w.'])(?:\d+\s*)?'[sS]?[bBoOdDhH][\da-fA-FxXzZ?_]+
      | (?<![\w.'$])\d[\d_]*(?:\.\d+)?(?![\w.']))
  | (?P<truth>[!=]==?)
  | (?P<name>[`A-Za-z_$][\w$]*)
  | (?P<open>[(\[{]) | (?P<close>[)\]}])
  | (?P<assign>(?<![<>])=)
  | (?P<end>[;\n])
    """,
    re.X | re.S,
)
"""Of Verilog; a comparison is as good as a literal of truth, and widths are passed over."""
_OWN: Final = {Language.RACKET: _LISP, Language.VERILOG: _VERILOG}
_BLOCK_ENDS: Final = {"/*": "*/", "#|": "|#"}
_REST: Final = {
    '"': re.compile(r'(?:[^"\\\n]|\\.)*+', re.S),
    "'": re.compile(r"(?:[^'\\\n]|\\.)*+", re.S),
    "`": re.compile(r"(?:[^`\\]|\\.)*+", re.S),
}
"""What may follow each quote in a text, up to its end."""


class Word(NamedTuple):
    """A piece of a program."""

    kind: str
    """`text`, `number`, `truth`, `name`, `open`, `close`, `assign` or `end`."""
    text: str
    start: int
    end: int


def words(source: str, language: Language) -> Iterator[Word]:
    """Return the words of a program, comments left out."""
    pattern = _OWN.get(language, _SCRIPT if language in _NUMBER_SIGN else _C_LIKE)
    unclosed: dict[str, int] = {}
    """Of each opening mark how far nothing closes it."""
    at = 0
    while found := pattern.search(source, at):
        start, at = found.span()
        kind, text = str(found.lastgroup), found.group()
        if kind in ("quote", "block"):
            if start < unclosed.get(text, 0):
                continue
            is_block = kind == "block"
            end = (_end_of_block if is_block else _end_of_text)(source, at, text)
            if end < 0:
                unclosed[text] = ~end
                continue
            kind, text, at = {"quote": "text"}.get(kind, "comment"), source[start:end], end
        if kind != "comment":
            yield Word(kind, text, start, at)


def _end_of_block(source: str, at: int, begin: str) -> int:
    """Return where a comment ends, or the complement of how far it is open."""
    end = source.find(_BLOCK_ENDS[begin], at)
    return ~len(source) if end < 0 else end + 2


def _end_of_text(source: str, at: int, quote: str) -> int:
    """Return where a text ends, or the complement of how far it is open."""
    rest = _REST[quote].match(source, at)
    end = at if rest is None else rest.end()
    return end + 1 if source.startswith(quote, end) else ~end
