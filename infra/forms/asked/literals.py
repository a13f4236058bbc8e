"""Reads what test programs of C++, Go, Java, JavaScript, Rust and TypeScript call and expect."""

import re
from typing import Any, Final, NamedTuple

from infra.contracts.base import Language

_TOKEN: Final = re.compile(
    r"""
    \s+ | //[^\n]* | /\*.*?\*/
  | (?P<token>
        "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*'
      | (?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?(?:[fFdDlLuU]+|[iu](?:8|16|32|64|size)|f(?:32|64))?\b
      | \d+\.(?!\w)
      | [A-Za-z_$][\w$]*(?:!(?!=))?
      | === | !== | == | != | := | => | ::
      | .
    )""",
    re.X | re.S,
)
_NUMBER: Final = re.compile(r"(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?([a-zA-Z]\w*)?")
_ESCAPE: Final = re.compile(
    r"\\(?:u\{([0-9a-fA-F]+)\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(.))", re.S
)
_MEANT: Final = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", '"': '"', "'": "'"}
_CONSTANTS: Final = {"true": True, "false": False}
_NOTHING: Final = {"null": {Language.JAVASCRIPT, Language.TYPESCRIPT, Language.JAVA},
                   "None": {Language.RUST}}  # fmt: skip
_CLOSED: Final = {"(": ")", "[": "]", "{": "}"}
_CHANGED_BY: Final = ("to_string", "to_owned", "into", "to_vec")
"""Methods that make another form of the same value in Rust."""


class Unclear(Exception):
    """What a test program does is not known for certain."""


class Call(NamedTuple):
    """A call of the function that is asked for."""

    args: list[Any]


def tokens(source: str) -> list[str]:
    """Return the words of a program, comments left out."""
    return [found["token"] for found in _TOKEN.finditer(source) if found["token"]]


class Reader:
    """Reads tokens one after the other."""

    def __init__(self, source: str, language: Language, function: str) -> None:
        self._tokens = tokens(source)
        self._at = 0
        self.language = language
        self._function = function.rpartition(".")[2]
        self.names: dict[str, Any] = {}
        """Values and calls by the names that they were given."""
        self._has_fixed_list = False

    @property
    def next(self) -> str:
        """The token that comes, empty at the end."""
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def take(self, *wanted: str) -> str:
        """Go on by these tokens, or by any one.

        Raises:
            Unclear: others come.
        """
        for word in wanted or (self.next,):
            if not word or self.next != word:
                raise Unclear(f"{word!r} is wanted, and {self.next!r} comes")
            self._at += 1
        return self._tokens[self._at - 1]

    def has(self, *wanted: str) -> bool:
        """Go on by these tokens if they come."""
        is_there = self._tokens[self._at : self._at + len(wanted)] == list(wanted)
        self._at += len(wanted) * is_there
        return is_there

    def has_text(self, source: str) -> bool:
        """Go on by all tokens of a text if they come."""
        return self.has(*tokens(source))

    def take_text(self, source: str) -> None:
        """Go on by all tokens of a text, or raise `Unclear`."""
        self.take(*tokens(source))

    def skip(self, opening: str) -> None:
        """Go on behind what stands in brackets, the first of which comes."""
        self.take(opening)
        while self.next != _CLOSED[opening]:
            if self.next in _CLOSED:
                self.skip(self.next)
            else:
                self.take()
        self.take()

    def until(self, end: str) -> list[str]:
        """Go on to a token, which is not taken; return what was passed."""
        passed = []
        while self.next != end:
            passed.append(self.take())
        return passed

    def value(self) -> Any:
        """Read a literal, a call, or the name of one.

        Raises:
            Unclear: it is something else.
        """
        made = self._plain()
        while self.language is Language.RUST and self.has("."):
            if self.take() not in _CHANGED_BY:
                raise Unclear("a method is called")
            self.take("(", ")")
        return made

    def _plain(self) -> Any:
        if self._is_call():
            return self._call()
        word = self.take()
        if word[0] in "\"'":
            return _text(word)
        if word[0].isdigit() or (word[0] == "." and len(word) > 1):
            return _number(word)
        if word in _CONSTANTS:
            return _CONSTANTS[word]
        if self.language in _NOTHING.get(word, ()):
            return None
        match word:
            case "-":
                made = self._plain()
                if isinstance(made, bool) or not isinstance(made, int | float):
                    raise Unclear("a minus before what is no number")
                return -made
            case "&" if self.language is Language.RUST:
                self.has("mut")
                return self._plain()
            case "(":
                return self._in_parentheses()
        if word in self.names:
            # Whoever is given it may change it: nothing is given twice.
            return self.names.pop(word)
        return self._constructed(word)

    def _in_parentheses(self) -> Any:
        found = self._items(")")
        if self.language is Language.RUST and len(found) > 1:
            return found
        if len(found) != 1:
            raise Unclear("parentheses")
        return found[0]

    def _is_call(self) -> bool:
        words = self._tokens[self._at : self._at + 4]
        if words[:2] == [self._function, "("]:
            return True
        is_method = words[1:2] == ["."] and words[2:] == [self._function, "("]
        return is_method and self.language is Language.JAVA

    def _call(self) -> Call:
        self.until("(")
        self.take("(")
        self._has_fixed_list = False
        args = self._items(")")
        if self._has_fixed_list:
            raise Unclear("a list that cannot grow is an argument")
        if any(isinstance(one, Call) for one in args):
            raise Unclear("a call is an argument")
        return Call(args)

    def _items(self, end: str) -> list[Any]:
        """Read values with commas between, up to what closes them, behind what opens them."""
        found = []
        while not self.has(end):
            found.append(self.value())
            if self.next != end:
                self.take(",")
        return found

    def _pairs(self) -> dict[Any, Any]:
        found = {}
        while not self.has("}"):
            key = self.take()
            name = _text(key) if key[0] in "\"'" else key
            if name in ("__proto__", "[") or not (key[0] in "\"'" or name.isidentifier()):
                raise Unclear("a key that is computed")
            self.take(":")
            found[name] = self.value()
            if self.next != "}":
                self.take(",")
        return found

    def _constructed(self, word: str) -> Any:
        match self.language:
            case Language.JAVASCRIPT | Language.TYPESCRIPT:
                if word == "[":
                    return self._items("]")
                if word == "{":
                    return self._pairs()
            case Language.RUST:
                return self._of_rust(word)
            case Language.GO:
                return self._of_go(word)
            case Language.JAVA:
                return self._of_java(word)
            case Language.CPP:
                return self._of_cpp(word)
        raise Unclear(f"{word!r} is no literal")

    def _of_rust(self, word: str) -> Any:
        if word == "vec!" and self.next in ("[", "("):
            return self._items(_CLOSED[self.take()])
        if word == "[":
            return self._items("]")
        is_text = word == "String" and self.has("::", "from", "(")
        if is_text or (word == "Some" and self.has("(")):
            made = self.value()
            self.take(")")
            return made
        if word == "String" and self.has("::", "new", "(", ")"):
            return ""
        raise Unclear(f"{word!r} is no literal")

    def _of_go(self, word: str) -> Any:
        if word == "{":
            return self._items("}")
        if word != "[":
            raise Unclear(f"{word!r} is no literal")
        self.has_text("]")
        kind = self.until("{")
        if not set(kind) <= {"[", "]", "int", "string", "bool", "float64", "int64"}:
            raise Unclear("a type that is not known")
        self.take("{")
        return self._items("}")

    def _of_java(self, word: str) -> Any:
        for listed in (("Arrays", ".", "asList", "("), ("List", ".", "of", "(")):
            if word == listed[0] and self.has(*listed[1:]):
                self._has_fixed_list = True
                return self._items(")")
        if word != "new":
            raise Unclear(f"{word!r} is no literal")
        if self.has_text("ArrayList<>("):
            before = self._has_fixed_list
            found = self._items(")")
            nested = any(isinstance(item, list) for one in found for item in one)
            # What it was made of may be fixed, it is not; but what is in that may be.
            self._has_fixed_list = before or nested
            return found[0] if found else []
        if self.next in ("int", "double", "String", "long", "boolean", "char"):
            self.take()
            self.take("[", "]", "{")
            return self._items("}")
        raise Unclear("an object is made")

    def _of_cpp(self, word: str) -> Any:
        if word == "{":
            return self._items("}")
        if word in ("vector", "string"):
            if word == "vector":
                self._types()
            opening = self.take()
            if opening == "{" and word == "vector":
                return self._items("}")
            if opening == "(":
                found = self._items(")")
                is_kind = len(found) == 1 and isinstance(
                    found[0], str if word == "string" else list
                )
                if is_kind:
                    return found[0]
        raise Unclear(f"{word!r} is no literal")

    def _types(self) -> None:
        self.take("<")
        while not self.has(">"):
            if self.next == "<":
                self._types()
            else:
                self.take()


def _text(word: str) -> str:
    def meant(found: re.Match[str]) -> str:
        code = found[1] or found[2] or found[3]
        if code is not None:
            return chr(int(code, 16))
        if found[4] not in _MEANT:
            raise Unclear("an escape that is not known")
        return _MEANT[found[4]]

    try:
        return _ESCAPE.sub(meant, word[1:-1])
    except (ValueError, OverflowError):
        raise Unclear("an escape of no character") from None


def _number(word: str) -> int | float:
    found = _NUMBER.fullmatch(word)
    if found is None or (len(found[1]) > 1 and found[1][0] == "0" and found[1].isdigit()):
        raise Unclear(f"{word!r} is a number in another form")
    is_real = not found[1].isdigit() or found[2] or (found[3] or "")[:1] in ("f", "F", "d", "D")
    return float(found[1] + (found[2] or "")) if is_real else int(found[1])
