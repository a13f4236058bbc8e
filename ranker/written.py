"""Whether there is code in a text: white space, comments and fences are none."""

import re

from infra.contracts.base import Language

_NUMBER_SIGN = frozenset({Language.PYTHON, Language.BASH})
"""Languages whose comments begin with it; those of the others are C's."""
_BLANK = r"[\s\ufeff\u200b]|```[^\n]*+"
# Possessive and with alternatives that begin differently: linear, whatever was written.
_NO_CODE_NUMBER_SIGN = re.compile(rf"(?:{_BLANK}|\#[^\n]*+)*+")
_NO_CODE_C = re.compile(rf"(?:{_BLANK}|//[^\n]*+|/\*(?:[^*]|\*(?!/))*+(?:\*/)?)*+")


def has_code(text: str, language: Language) -> bool:
    """Tell whether anything stands in a text beside white space, comments and a block's fences."""
    pattern = _NO_CODE_NUMBER_SIGN if language in _NUMBER_SIGN else _NO_CODE_C
    return pattern.fullmatch(text) is None
