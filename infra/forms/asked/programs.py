"""Test programs that only call a function and compare: what they ask, as calls.

A program is read to its last word, or not at all: of those that do anything else nothing is said.
"""

from collections.abc import Callable
from typing import Any, Final

from infra.contracts import neutral
from infra.contracts.base import Language
from infra.contracts.problems import MAX_TESTS, CallTest
from infra.contracts.values import tagged
from infra.forms.asked.literals import Call, Reader, Unclear

_SAME: Final = """bool issame(vector<{0}> a,vector<{0}> b){{ if (a.size()!=b.size()) return false;
for (int i=0;i<a.size();i++) {{ if (a[i]!=b[i]) return false; }} return true; }}"""
_COMPARE_CPP: Final = "template <typename T> bool compare(T a, T b) { return a == b; }"
_COMPARE_JAVA: Final = """public static boolean compare(Object obj1, Object obj2) {
if (obj1 == null && obj2 == null) { return true; }
else if (obj1 == null || obj2 == null) { return false; }
else { return obj1.equals(obj2); } }"""
_COMPARE_JS: Final = """const _ = require("lodash")
function compare(object1, object2){ return _.isEqual(object1, object2) }"""


def calls(source: str, language: Language, function: str | None) -> tuple[CallTest, ...]:
    """Return all that a test program asks; nothing where that is not certain."""
    read = _PROGRAMS.get(language)
    if read is None or function is None:
        return ()
    found = _Asked(Reader(source, language, function))
    try:
        read(found)
        if found.reader.next:
            return ()
    except (Unclear, IndexError, TypeError, RecursionError):
        return ()
    return tuple(found.tests) if len(found.tests) <= MAX_TESTS else ()


class _Asked:
    """What is read of one test program."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.tests: list[CallTest] = []

    def add(self, call: Any, expected: Any) -> None:
        """Add what a call is to return, in either order."""
        if isinstance(expected, Call):
            call, expected = expected, call
        if not isinstance(call, Call) or isinstance(expected, Call):
            raise Unclear("no call is compared with a literal")
        if self.reader.language is Language.GO and _has_empty(expected):
            raise Unclear("there are two empty slices in Go, of which one is right")
        args = tuple(neutral.written(one) for one in call.args)
        self.tests.append(CallTest(args=args, expected=neutral.written(expected)))

    def two(self) -> None:
        """Read what is compared with a comma between."""
        call = self.reader.value()
        self.reader.take(",")
        self.add(call, self.reader.value())

    def compared(self, equal: str) -> None:
        """Read `call == literal`, `call` or `!call`."""
        negated = self.reader.has("!")
        call = self.reader.value()
        if not negated and self.reader.has(equal):
            self.add(call, self.reader.value())
        else:
            self.add(call, not negated)

    def assigned(self, *words: str) -> bool:
        """Read `type name = value;` if that comes, which begins with one of these words."""
        reader = self.reader
        if reader.next not in words:
            return False
        *kind, name = reader.until("=")
        if "Object" in kind:
            raise Unclear("numbers of two kinds may be different objects")
        reader.take("=")
        reader.names[name] = reader.value()
        reader.has(";")
        return True


def _has_empty(value: Any) -> bool:
    return isinstance(value, list | dict) and (not value or any(map(_has_empty, value)))


def _cpp(asked: _Asked) -> None:
    reader = asked.reader
    reader.has_text("#undef NDEBUG")
    reader.has_text("#include<assert.h>")
    has_same = any([reader.has_text(_SAME.format(kind)) for kind in ("int", "string")])
    reader.has_text(_COMPARE_CPP)
    if not reader.has_text("int main(int argc, char* argv[]) {"):
        reader.take_text("int main ( ) {")
    while not reader.has("}"):
        if reader.has("assert", "("):
            if has_same and reader.has("issame", "("):
                asked.two()
                reader.take(")")
            else:
                asked.compared("==")
            reader.take(")", ";")
        elif reader.has_text("if (!(compare("):
            asked.two()
            reader.take(")", ")", ")")
            reader.skip("{")
        elif not reader.has_text("return 0;") and not asked.assigned(*_CPP_TYPES):
            raise Unclear("another statement")


_CPP_TYPES: Final = ("int", "long", "double", "string", "bool", "vector", "char", "float")
_JAVA_TYPES: Final = ("int", "long", "double", "String", "boolean", "Boolean", "char", "List")


def _java(asked: _Asked) -> None:
    reader = asked.reader
    if reader.has_text("class Main {"):
        if not reader.has_text(_COMPARE_JAVA):
            raise Unclear("it compares in another way")
        reader.take_text("public static void main ( String [ ] args ) throws Exception {")
        _java_of_mbxp(asked)
    else:
        reader.take_text("public class Main { public static void main ( String [ ] args )")
        reader.take_text("{ Solution s = new Solution ( ) ; List < Boolean > correct =")
        reader.take_text("Arrays . asList (")
        while not reader.has(")"):
            _java_compared(asked)
            if reader.next != ")":
                reader.take(",")
        reader.take(";")
        reader.take_text("if ( correct . contains ( false ) )")
        reader.skip("{")
    reader.take("}", "}")


def _java_compared(asked: _Asked) -> None:
    reader = asked.reader
    negated = reader.has("!")
    call = reader.value()
    if negated:
        asked.add(call, False)
    elif reader.has(".", "equals", "("):
        asked.add(call, reader.value())
        reader.take(")")
    elif reader.has("=="):
        expected = reader.value()
        if not isinstance(expected, bool | int | float):
            raise Unclear("objects are compared by identity")
        asked.add(call, expected)
    else:
        asked.add(call, True)


def _java_of_mbxp(asked: _Asked) -> None:
    reader = asked.reader
    while reader.next != "}":
        if reader.has_text("if (!(compare("):
            asked.two()
            reader.take(")", ")", ")")
            reader.skip("{")
        elif not asked.assigned(*_JAVA_TYPES):
            raise Unclear("another statement")


def _javascript(asked: _Asked) -> None:
    reader = asked.reader
    if reader.has_text(_COMPARE_JS):
        while reader.next:
            if reader.has_text("if(!compare("):
                asked.two()
                reader.take(")", ")")
                reader.skip("{")
            elif not asked.assigned("var"):
                raise Unclear("another statement")
        return
    reader.take("const")
    name = reader.take()
    reader.take("=", "(", ")", "=>", "{")
    while not reader.has("}"):
        reader.take("console", ".", "assert", "(")
        if reader.has_text("JSON.stringify("):
            call = reader.value()
            reader.take_text(") === JSON . stringify (")
            expected = reader.value()
            if not _is_ordered(expected):
                raise Unclear("the order of names counts")
            asked.add(call, expected)
            reader.take(")")
        else:
            asked.compared("===")
            if isinstance(tagged.decode(asked.tests[-1].expected), list | dict):
                raise Unclear("objects are compared by identity")
        reader.take(")")
        reader.has(";")
    reader.has(";")
    reader.take(name, "(", ")")
    reader.has(";")


def _is_ordered(value: Any) -> bool:
    return not isinstance(value, dict) and (
        not isinstance(value, list) or all(map(_is_ordered, value))
    )


def _typescript(asked: _Asked) -> None:
    reader = asked.reader
    reader.take_text("import * as assert from 'assert'")
    while reader.next:
        if reader.has_text("assert.deepEqual("):
            asked.two()
            reader.until(")")
            reader.take(")", ";")
        elif not asked.assigned("let"):
            raise Unclear("another statement")


def _go(asked: _Asked) -> None:
    reader = asked.reader
    while reader.next:
        reader.take("func")
        reader.take()
        reader.take_text("( t * testing . T ) {")
        reader.has_text("assert := assert.New(t)")
        while not reader.has("}"):
            reader.take("assert", ".", "Equal", "(")
            asked.two()
            reader.take(")")


def _rust(asked: _Asked) -> None:
    reader = asked.reader
    reader.take_text("# [ cfg ( test ) ] mod tests { use super :: * ;")
    while reader.has_text("# [ test ] fn"):
        reader.take()
        reader.take("(", ")", "{")
        while not reader.has("}"):
            if reader.has("assert_eq!", "("):
                asked.two()
                reader.has(",")
            else:
                reader.take("assert!", "(")
                asked.compared("==")
            reader.take(")", ";")
    reader.take("}")


_PROGRAMS: Final[dict[Language, Callable[[_Asked], None]]] = {
    Language.CPP: _cpp,
    Language.GO: _go,
    Language.JAVA: _java,
    Language.JAVASCRIPT: _javascript,
    Language.RUST: _rust,
    Language.TYPESCRIPT: _typescript,
}
