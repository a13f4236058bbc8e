"""Candidates in C++ whose macros and options are at odds with the harness that calls them."""

import re

import pytest

from executor.installed import look_up
from executor.judging.called import composing
from executor.judging.judge import Judge
from infra.contracts.base import IntegrityRule, Label, Language
from infra.contracts.execution import Suite
from infra.contracts.problems import CallTest, ProgramTest

MODES = pytest.mark.parametrize("slot", ["cell"], indirect=True)
# Contests are written so; every word of the harness that is a name there is changed as well.
MACROS = """
#include <cstdio>
#include <string>
#include <vector>
#define N 100005
#define F first
#define A 'a'
#define length(text) ((int)(text).size())
#define value(a, b, c) c
#define serve
#define in stdin
#define out stdout
#define tie freopen
#define name(x) #x
MORE
std::string f(const std::vector<std::string> &words) {
    std::string made;
    for (const auto &word : words) made += word;
    return made + std::to_string(N);
}
"""
CALLS = (
    CallTest(args=(["a", "b"],), expected="ab100005"),
    CallTest(args=([],), expected="100005"),
)
THROWS_NOTHING = """
#include <map>
#include <string>
#include <vector>
std::map<std::string, std::vector<double>> f(std::vector<int> given) {
    return {{"n", std::vector<double>(given.begin(), given.end())}};
}
"""
ASKED = (
    CallTest(args=([1, 2],), expected={"n": [1.0, 2.0]}),
    CallTest(args=(["text"],), expected={"n": []}),
)
OPTIONS = (
    "-fno-exceptions", "-fno-rtti", "-D_GLIBCXX_DEBUG", "-D_GLIBCXX_USE_CXX11_ABI=0", "-std=c++11",
    "-fsanitize=undefined",
)  # fmt: skip


def judged(slot, source, tests, **fields):
    if look_up(Language.CPP).path is None:
        pytest.skip("C++ is not installed here")
    suite = Suite(tests=tests, entry_point="f", language=Language.CPP, **fields)
    return Judge(slot.sandbox, suite, slot.version).judge(source)


@MODES
def test_macros_of_a_candidate_change_nothing_in_what_calls_it(slot):
    others = sorted(composing._words_of_cpp() - set(re.findall(r"\w+", MACROS)))
    more = "\n".join(f"#define {word} 100005" for word in others)

    verdict = judged(slot, MACROS.replace("MORE", more), CALLS)

    assert len(others) > 50
    assert verdict.label is Label.ALL_PASS, verdict


@pytest.mark.slow
@MODES
@pytest.mark.parametrize("option", OPTIONS)
def test_a_candidate_is_called_whatever_its_compiler_is_told(slot, option):
    test = ProgramTest(source="int main() { f({}); }", calls=ASKED, options=(option,))

    verdict = judged(slot, THROWS_NOTHING, [test], integrity=IntegrityRule.ISOLATED)

    outcomes = [(one.outcome.value, one.detail) for one in verdict.tests]
    assert outcomes[0][0] == "passed", verdict
    assert outcomes[1] == ("runtime_error", "an argument does not fit")
