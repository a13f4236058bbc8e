"""A compiler that meets a limit has not refused a program: that is a limit, and said to be one."""

import pytest

from executor.installed import look_up
from executor.judging.judge import Judge
from executor.judging.running import Runner
from executor.languages import TOOLCHAINS
from executor.toolchain_spec import COMPILE_LIMITS
from infra.contracts.base import Label, Language, Outcome
from infra.contracts.execution import Suite
from infra.contracts.inline import Ending, Running
from infra.contracts.problems import AssertTest, CallTest, Limits, StdioTest

# Compiling it takes about a second, and a hundred megabytes.
LARGE = "x = [" + "[1, 2, 3, 'a', (4, 5, 6)], " * 35_000 + "]\ndef f(): return 1\n"
SUITES = {
    "call": (CallTest(expected=1), CallTest(expected=1)),
    "assert": (AssertTest(source="assert f() == 1\nassert f() == 1"),),
    "assert in code": (AssertTest(source="for _ in (1,):\n    assert f() == 1\nassert f() == 1"),),
    "stdio": (StdioTest(expected_stdout=""), StdioTest(expected_stdout="")),
}
LIMITS = {
    Outcome.TIME_LIMIT_EXCEEDED: Limits(cpu_seconds=0.1),
    Outcome.MEMORY_LIMIT_EXCEEDED: Limits(memory_bytes=48 * 2**20),
}
BOMBS = {
    "time": "constexpr int f(int n) { return n < 2 ? n : f(n - 1) + f(n - 2); }\n"
    "constexpr int x = f(40);\nint main() { return x; }\n",
    "memory": "template <int N> struct A { A<N + 1> a; int b[N]; };\n"
    "int main() { A<0> a; return sizeof a; }\n",
}


@pytest.mark.parametrize("tests", SUITES.values(), ids=SUITES)
@pytest.mark.parametrize("outcome", LIMITS)
def test_a_limit_met_while_compiling_is_no_compile_error(slot, tests, outcome):
    suite = Suite(tests=tests, entry_point="f", limits=LIMITS[outcome])

    verdict = Judge(slot.sandbox, suite, slot.version).judge(LARGE)

    assert verdict.label is Label.RUNTIME_ERROR
    assert [test.outcome for test in verdict.tests] == [outcome] * 2
    assert "limit was reached while compiling" in verdict.error
    # Which is met once: a second test has no other program.
    assert verdict.usage.cpu_seconds < 2


@pytest.mark.parametrize("tests", SUITES.values(), ids=SUITES)
@pytest.mark.parametrize("source", ["x = " + "-" * 9000 + "1", "def f(:", "x = " + "(" * 600])
def test_what_the_compiler_cannot_take_is_a_compile_error(slot, tests, source):
    verdict = Judge(slot.sandbox, Suite(tests=tests, entry_point="f"), slot.version).judge(source)

    assert verdict.label is Label.COMPILE_ERROR
    assert {test.outcome for test in verdict.tests} == {Outcome.NOT_RUN}


@pytest.mark.parametrize("outcome", LIMITS)
def test_a_program_that_is_only_run_says_so_too(slot, outcome):
    runner = Runner(slot.sandbox, slot.version, Language.PYTHON, "std", LIMITS[outcome])

    ran = runner.run(Running(program=LARGE), lambda: True)

    assert ran.ending == outcome.value
    assert "limit was reached while compiling" in ran.error


@pytest.mark.slow
@pytest.mark.parametrize("kind", BOMBS)
def test_a_compiler_of_another_language_has_limits(cell, kind, monkeypatch):
    if look_up(Language.CPP).path is None:
        pytest.skip("not installed here")
    smaller = {"cpu_seconds": 2.0} if kind == "time" else {"memory_bytes": 64 * 2**20}
    monkeypatch.setattr(
        "executor.judging.native.runner.COMPILE_LIMITS", COMPILE_LIMITS.model_copy(update=smaller)
    )
    flags = ("-ftemplate-depth=1000000", "-fconstexpr-ops-limit=10000000000")
    toolchain = TOOLCHAINS[Language.CPP]
    longer = toolchain._replace(compile=(*toolchain.compile, *flags))
    monkeypatch.setitem(TOOLCHAINS, Language.CPP, longer)
    tests = (StdioTest(expected_stdout=""), StdioTest(expected_stdout="x"))
    suite = Suite(tests=tests, language=Language.CPP)

    verdict = Judge(cell.sandbox, suite, cell.version).judge(BOMBS[kind])
    ran = Runner(cell.sandbox, cell.version, Language.CPP, "std", Limits()).run(
        Running(program=BOMBS[kind], language=Language.CPP), lambda: True
    )

    assert verdict.label is Label.RUNTIME_ERROR
    assert {test.outcome.value for test in verdict.tests} == {f"{kind}_limit_exceeded"}
    assert "while compiling" in verdict.error
    assert ran.ending is Ending(f"{kind}_limit_exceeded")
    assert not ran.is_started


@pytest.mark.slow
def test_a_compiler_that_has_a_memory_limit_of_its_own_meets_that(cell, monkeypatch):
    if look_up(Language.JAVA).path is None:
        pytest.skip("not installed here")
    toolchain = TOOLCHAINS[Language.JAVA]
    words = tuple(word.replace("-Xmx512m", "-Xmx12m") for word in toolchain.compile)
    monkeypatch.setitem(TOOLCHAINS, Language.JAVA, toolchain._replace(compile=words))
    body = "".join(f"static int f{n}(int a) {{ return a + {n}; }}\n" for n in range(9000))
    large = "class Main {\n" + body + "public static void main(String[] a) { } }\n"
    suite = Suite(tests=(StdioTest(expected_stdout=""),), language=Language.JAVA)
    judge = Judge(cell.sandbox, suite, cell.version)

    met = judge.judge(large)
    told = judge.judge("Terminating due to java.lang.OutOfMemoryError: x = 5;\n" + large[:300])

    assert [test.outcome for test in met.tests] == [Outcome.MEMORY_LIMIT_EXCEEDED], met
    assert told.label is Label.COMPILE_ERROR
    assert "java.lang.OutOfMemoryError" in told.error
