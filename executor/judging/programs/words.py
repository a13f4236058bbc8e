"""Reads programs of any language word by word: enough to tell a literal from a comment."""

import re
from typing import Final

from infra.contracts.base import Language

_NUMBER_SIGN: Final = frozenset({Language.BASH, Language.RUBY, Language.PERL})
"""Languages whose comments begin with it; those of the others are C's or Lua's."""
_WORD: Final = r"""
    (?P<text>"(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' | `(?:[^`\\]|\\.)*`)
  | (?P<number>(?<![\w.])\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.]) | (?<![\w.])\d+[fFlLuU]+\b)
  | (?P<truth>\b(?:true|false)\b)
  | (?P<name>[A-Za-z_$@][\w$]*)
  | (?P<open>[(\[{]) | (?P<close>[)\]}])
  | (?P<assign>:=|(?<![=!<>+*/%&|^-])=(?![=>]))
  | (?P<end>[;\n])
"""
_OF_C: Final = r"(?P<comment>//[^\n]*|/\*.*?\*/|(?<!\S)--[ \t][^\n]*|^[ \t]*\#[^\n]*)|"
_OF_SCRIPTS: Final = r"(?P<comment>\#[^\n]*)|"
_C_LIKE: Final = re.compile(_OF_C + _WORD, re.X | re.S | re.M)
_SCRIPT: Final = re.compile(_OF_SCRIPTS + _WORD, re.X | re.S | re.M)


def words(source: str, language: Language) -> list[re.Match[str]]:
    """Return the words of a program, comments left out; the group of each says what it is."""
    pattern = _SCRIPT if language in _NUMBER_SIGN else _C_LIKE
    return [found for found in pattern.finditer(source) if found.lastgroup != "comment"]
