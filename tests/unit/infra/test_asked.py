"""Test programs that only call and compare are read as calls; all others are left as they are."""

import pytest

from infra.contracts.base import Language
from infra.forms.asked.programs import calls

JAVA = """public class Main {{ public static void main(String[] args) {{
    Solution s = new Solution();
    List<Boolean> correct = Arrays.asList({0});
    if (correct.contains(false)) {{ throw new AssertionError(); }}
}} }}"""
CPP = "#undef NDEBUG\n#include<assert.h>\nint main(){{\n{0}\n}}"
JS = "const testF = () => {{\n{0}\n}}\n\ntestF()"
RUST = "#[cfg(test)]\nmod tests {{ use super::*;\n#[test]\nfn t() {{ {0} }} }}"
GO = "func TestF(t *testing.T) {{\n assert := assert.New(t)\n {0}\n}}"
MBXP = """
const _ = require("lodash")
function compare(object1, object2){{ return _.isEqual(object1, object2) }}
var arg00 = [1, "a"]; // as given
var x0 = f(arg00, {0});
var v0 = {{a: 1}};
if(!compare(x0, v0)){{ throw 'Error' + JSON.stringify(x) }}
"""
READ = {
    "cpp": (Language.CPP, CPP.format("assert (f({1, -2}, \"a\\n\") == 3);\nassert(!f());"),
            [([[1, -2], "a\n"], 3), ([], False)]),
    "java": (Language.JAVA, JAVA.format(
        "s.f(new ArrayList<>(Arrays.asList(1.5, 2.0))) == 4, s.f(\"x\").equals(List.of('a'))"),
        [([[1.5, 2.0]], 4), (["x"], ["a"])]),
    "javascript": (Language.JAVASCRIPT, JS.format(
        "console.assert(f(null) === true)\nconsole.assert(\nJSON.stringify(f(1)) ===\n"
        "JSON.stringify([2]))"), [([None], True), ([1], [2])]),
    "rust": (Language.RUST, RUST.format(
        "assert_eq!(f(&vec![1u8], String::from(\"é\")), Some((1, 2.0)));assert!(f());"),
        [([[1], "é"], [1, 2.0]), ([], True)]),
    "go": (Language.GO, GO.format("assert.Equal([]string{\"a\"}, F([][]int{{1}, {}}))"),
           [([[[1], []]], ["a"])]),
    "mbxp": (Language.JAVASCRIPT, MBXP.format("-1e3"),
             [([[1, "a"], -1000.0], {"$dict": [["a", 1]]})]),
}  # fmt: skip
LEFT = {
    "more is done": (Language.CPP, CPP.format("assert (f(1) == 3);\nf(2);")),
    "it ends before": (Language.CPP, CPP.format("return 0; }\nint g() { assert(f(1) == 2);")[:-2]),
    "computed": (Language.CPP, CPP.format("assert (f(1 + 1) == 3);")),
    "near": (Language.CPP, CPP.format("assert (abs(f(1) - 3) < 0.1);")),
    "octal": (Language.CPP, CPP.format("assert (f(010) == 3);")),
    "nested": (Language.RUST, RUST.format("assert_eq!(f(f(1)), 3);")),
    "skipped": (Language.JAVASCRIPT, "const testF = () => {\n}\n\n"),
    "identity": (Language.JAVASCRIPT, JS.format("console.assert(f(1) === [1])")),
    "identity of texts": (Language.JAVA, JAVA.format('s.f(1) == "a"')),
    "a list that is fixed": (Language.JAVA, JAVA.format("s.f(Arrays.asList(1)) == 1")),
    "nil or empty": (Language.GO, GO.format("assert.Equal([]int{}, F(1))")),
    "the order of names": (Language.JAVASCRIPT, JS.format(
        "console.assert(JSON.stringify(f(1)) === JSON.stringify({a: 1, b: 2}))")),
    "given twice": (Language.JAVASCRIPT, MBXP.format("arg00")),
    "no function": (Language.PHP, "f(1);"),
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_what_only_calls_and_compares_is_read(name):
    language, source, wanted = READ[name]

    found = calls(source, language, "F" if language is Language.GO else "f")

    assert [(list(test.args), test.expected) for test in found] == wanted


@pytest.mark.parametrize("name", LEFT)
def test_whatever_else_is_there_nothing_is_read(name):
    language, source = LEFT[name]

    assert calls(source, language, "F" if language is Language.GO else "f") == ()
