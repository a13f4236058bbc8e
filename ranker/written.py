"""Whether there is code in a text: white space, comments and fences are none."""

import re

from infra.contracts.base import Language

_NUMBER_SIGN = frozenset({Language.PYTHON, Language.BASH, Language.RUBY, Language.PERL, Language.R})
"""Languages whose comments begin with it; but for those of `_NO_CODE`, the others have C's."""
_BLANK = r"[\s\ufeff\u200b]|```[^\n]*+"
# Possessive and with alternatives that begin differently: linear, whatever was written.
_NO_CODE_NUMBER_SIGN = re.compile(rf"(?:{_BLANK}|\#[^\n]*+)*+")
_NO_CODE_C = re.compile(rf"(?:{_BLANK}|//[^\n]*+|/\*(?:[^*]|\*(?!/))*+(?:\*/)?)*+")


_NO_CODE_LUA = re.compile(rf"(?:{_BLANK}|--\[\[(?:[^\]]|\](?!\]))*+(?:\]\])?|--[^\n]*+)*+")
_NO_CODE_HASKELL = re.compile(rf"(?:{_BLANK}|\{{-(?:[^-]|-(?!\}}))*+(?:-\}})?|--[^\n]*+)*+")
# A tag that opens code is none, and PHP has both kinds of comments.
_NO_CODE_PHP = re.compile(
    rf"(?:{_BLANK}|<\?php|//[^\n]*+|\#(?!\[)[^\n]*+|/\*(?:[^*]|\*(?!/))*+(?:\*/)?)*+"
)
_NO_CODE_D = re.compile(
    rf"(?:{_BLANK}|//[^\n]*+|/\*(?:[^*]|\*(?!/))*+(?:\*/)?|/\+(?:[^+]|\+(?!/))*+(?:\+/)?)*+"
)
_NO_CODE_RACKET = re.compile(
    rf"(?:{_BLANK}|;[^\n]*+|\#(?:lang[^\n]*+|\|(?:[^|]|\|(?!\#))*+(?:\|\#)?))*+"
)
_NO_CODE = {
    Language.LUA: _NO_CODE_LUA, Language.PHP: _NO_CODE_PHP, Language.HASKELL: _NO_CODE_HASKELL,
    Language.D: _NO_CODE_D, Language.RACKET: _NO_CODE_RACKET,
}  # fmt: skip


def has_code(text: str, language: Language) -> bool:
    """Tell whether anything stands in a text beside white space, comments and a block's fences."""
    usual = _NO_CODE_NUMBER_SIGN if language in _NUMBER_SIGN else _NO_CODE_C
    pattern = _NO_CODE.get(language, usual)
    return pattern.fullmatch(text) is None
