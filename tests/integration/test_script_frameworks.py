"""Test code for Ruby's and Lua's frameworks, which run the tests where the program ends."""

from typing import NamedTuple

import pytest

from executor.installed import look_up
from executor.judging.judge import Judge
from infra import errors
from infra.contracts.base import Integrity, Label, Language
from infra.contracts.execution import Suite
from infra.contracts.problems import ProgramTest

_SUMS = [(1, 2, 3), (5, 7, 12), (40, 2, 42), (9, -4, 5), (-6, 6, 0)]


class Framed(NamedTuple):
    """Test code, and what programs do with it."""

    language: Language
    source: str
    right: str
    wrong: str
    forged: tuple[str, ...]


_RUBY = (
    "def add(a, b) = a + b",
    "def add(a, b) = a - b",
    (
        "def add(a, b) = exit!(0)",
        "at_exit { exit!(0) }\ndef add(a, b) = 0",
        "exit(0)",
        "def add(a, b) = throw(:invalid_test)",
        "def add(a, b) = 0\n__END__",
        "Thread.new { exit!(0) }\ndef add(a, b) = sleep(9)",
        "trap('EXIT') { exit!(0) }\ndef add(a, b) = 0",
        "def add(a, b) = skip('later')",
        "def add(a, b) = omit('later')",
        "STDOUT.close\ndef add(a, b) = 0",
    ),
)
FRAMED = {
    "test-unit": Framed(
        Language.RUBY,
        "require 'test/unit'\nclass TestAdd < Test::Unit::TestCase\n  def test_add\n"
        "    candidate = method(:add)\n"
        + "".join(f"    assert_equal({c}, candidate.call({a}, {b}))\n" for a, b, c in _SUMS)
        + "  end\n  def test_none\n    assert_equal(0, add(0, 0))\n  end\nend\n",
        *_RUBY,
    ),
    "minitest": Framed(
        Language.RUBY,
        "require 'minitest/autorun'\nclass TestAdd < Minitest::Test\n  def test_add\n"
        + "".join(f"    assert_equal({c}, add({a}, {b}))\n" for a, b, c in _SUMS)
        + "  end\n  def test_none\n    assert_equal(0, add(0, 0))\n  end\nend\n",
        *_RUBY,
    ),
    "luaunit": Framed(
        Language.LUA,
        "lu = require('luaunit')\nfunction test_add()\n  local candidate = add\n"
        + "".join(f"  lu.assertEquals(candidate({a}, {b}), {c})\n" for a, b, c in _SUMS)
        + "end\nfunction test_none()\n  lu.assertEquals(add(0, 0), 0)\nend\n"
        "os.exit(lu.LuaUnit.run())\n",
        "function add(a, b) return a + b end",
        "function add(a, b) return a - b end",
        (
            "function add(a, b) os.exit(0) end",
            "os.exit(0)",
            "function add(a, b) require('luaunit').skip('later') end",
            "function add(a, b) require('luaunit').success() end",
            "function add(a, b) io.stdout:close() return 0 end",
            "function add(a, b) test_none = nil return a end",
            "setmetatable({}, {__gc = function() os.exit(0) end})\nfunction add() return 0 end",
            "os.exit = function() end\nfunction add() return 0 end",
        ),
    ),
}
PASSES_ALONE = "success()"
"""What only a changed copy shows, for which a reference program must be there."""


def judge_of(slot, tested, with_reference=True):
    if look_up(tested.language).path is None:
        pytest.skip(f"{tested.language.value} is not installed here")
    suite = Suite(
        tests=(ProgramTest(source=tested.source),),
        entry_point="add",
        language=tested.language,
        reference_program=tested.right if with_reference else None,
    )
    try:
        return Judge(slot.sandbox, suite, slot.version)
    except errors.ToolchainMissing as missing:
        pytest.skip(missing.detail)


@pytest.mark.parametrize("slot", ["cell"], indirect=True)
@pytest.mark.parametrize("name", FRAMED)
def test_each_test_is_told_and_counted(slot, name):
    tested = FRAMED[name]
    judge = judge_of(slot, tested)

    right, wrong = judge.judge(tested.right), judge.judge(tested.wrong)

    assert (right.label, right.integrity) == (Label.ALL_PASS, Integrity.SHARED), right
    assert len(right.tests) == 2
    assert right.guards.protected, right.guards
    assert wrong.label is Label.PARTIAL_PASS, wrong
    assert [test.name for test in wrong.tests if test.outcome == "passed"] == [
        one.name for one in right.tests if "none" in one.name
    ]


@pytest.mark.parametrize("slot", ["cell"], indirect=True)
@pytest.mark.parametrize("name", FRAMED)
@pytest.mark.parametrize("with_reference", [False, pytest.param(True, marks=pytest.mark.thorough)])
def test_an_end_before_the_tests_passes_nobody(slot, name, with_reference):
    tested = FRAMED[name]
    judge = judge_of(slot, tested, with_reference)

    for program in tested.forged:
        if PASSES_ALONE in program and not with_reference:
            continue
        verdict = judge.judge(program)
        assert verdict.label is not Label.ALL_PASS, (program, verdict)
