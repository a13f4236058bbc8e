"""Exercises of exercism's tracks, from their folders: judged with every test switched on."""

import json

import pytest

from executor.installed import look_up
from executor.judging.judge import Judge
from infra import errors
from infra.contracts.base import Integrity, Label, Language
from infra.contracts.execution import Suite
from infra.contracts.problems import Limits, Problem, ProgramTest
from infra.records import importers
from infra.records.record_files import BadLine
from tests.samples import sampled

UNITY = """#if !defined(UNITY_INCLUDE_DOUBLE) || defined(UNITY_OUTPUT_COLOR)
#error "not as its makefile has it"
#endif
static int failed;
#define TEST_IGNORE() return
#define TEST(a) do { failed += !(a); } while (0)
"""
TRACKS = {
    Language.C: {
        ".meta/config.json": (["two_fer.c", "two_fer.h"], ["test_two_fer.c"],
                              [".meta/example.c", ".meta/example.h"]),
        ".meta/example.h": "#ifndef T\n#define T\nint doubled(int n);\n#endif\n",
        ".meta/example.c": '#include "two_fer.h"\nint write(int n);\n'
        "int write(int n) { return n * 2; }\nint doubled(int n) { return write(n); }\n",
        "makefile": "CFLAGS += -Wall -DUNITY_INCLUDE_DOUBLE -DUNITY_OUTPUT_COLOR\n",
        "two_fer.h": "", "two_fer.c": "",
        "test-framework/unity.h": UNITY, "test-framework/unity.c": "",
        "test_two_fer.c": '#include "test-framework/unity.h"\n#include "two_fer.h"\n'
        "static void test_one(void)\n{\n   TEST(doubled(2) == 4);\n}\n"
        "static void test_two(void)\n{\n   TEST_IGNORE();   // delete this line\n"
        "   TEST(doubled(3) == 6);\n}\nint main(void) { test_one(); test_two(); return failed; }\n",
    },
    Language.GO: {
        ".meta/config.json": (["twofer.go"], ["twofer_test.go"], [".meta/example.go"]),
        ".meta/example.go": '//go:build !other\n// +build !other\n\npackage twofer\nimport "fmt"\n'
        'func Doubled(n int) int { fmt.Print(); return n * 2 }\n',
        "twofer.go": "package twofer\n",
        "more_test.go": "//go:build more && linux\n\npackage twofer\nvar _ = Undefined\n",
        "step_test.go": "//go:build step2 || (!step1 && !step3)\n\npackage twofer\n"
        "const step = 2\n",
        "common.go": "package twofer\nconst three = 3\n",
        "cases_test.go": 'package twofer\nimport "strings"\n'
        'var cases = []int{len(strings.Repeat("a", 2)), three}\n',
        "twofer_test.go": 'package twofer\n\nimport (\n\t"fmt"\n\t"testing"\n)\n'
        "func BenchmarkTwice(b *testing.B) { BenchmarkDoubled(b) }\n"
        'func TestDoubled(t *testing.T) {\n\tt.Skip("at first")\n'
        "for _, n := range cases {\n"
        "if Doubled(n) != n * step { t.Fatal(fmt.Sprint(n)) } } }\n"
        "func BenchmarkDoubled(b *testing.B) {\n\tfor b.Loop() {\n\t}\n}\n",
    },
    Language.RUST: {
        ".meta/config.json": (["src/lib.rs", "Cargo.toml"],
                              ["tests/two-fer.rs", "tests/more.rs", "src/no_tests.rs"],
                              [".meta/example.rs"]),
        ".meta/example.rs": "mod given;\npub fn doubled(n: i32) -> i32 { given::times(n, 2) }\n",
        "src/lib.rs": "", "src/given.rs": "pub fn times(a: i32, b: i32) -> i32 { a * b }\n",
        "Cargo.toml": '[package]\nname = "two-fer"\n\n[dependencies]\nregex = "1"\n',
        "src/no_tests.rs": "/// ```compile_fail\n/// ```\nconst _A: () = ();\n",
        "tests/more.rs": "//! More.\n\nuse two_fer::*;\n"
        "#[test]\nfn two() { assert_eq!(doubled(4), 8); }\n",
        "tests/two-fer.rs": "use two_fer::*;\n#[test]\nfn two() { assert_eq!(doubled(2), 4); }\n"
        "#[test]\n#[ignore]\nfn three() { assert_eq!(two_fer::doubled(3), 6); }\n",
    },
    Language.CPP: {
        ".meta/config.json": (["two_fer.cpp", "two_fer.h"], ["two_fer_test.cpp"],
                              [".meta/example.cpp", ".meta/example.h"]),
        ".meta/example.h": "#pragma once\nnamespace two_fer { int doubled(int n); }\n",
        ".meta/example.cpp": '#include "two_fer.h"\nnamespace two_fer {\n'
        "enum class INFO { CHECK };\nint doubled(int n) { return n * 2; }\n"
        "int never(int unused) { return 0; }\n}\n",
        "CMakeLists.txt": 'COMPILE_FLAGS "-Wall -Wno-unused-parameter"\n',
        "two_fer.h": "", "two_fer.cpp": "",
        "two_fer_test.cpp": '#include "two_fer.cpp"\n#ifdef EXERCISM_TEST_SUITE\n'
        '#include <catch2/catch.hpp>\n#else\n#include "test/catch.hpp"\n#endif\n'
        'TEST_CASE("two", "[1]") { REQUIRE(two_fer::doubled(2) == 4); }\n'
        "#if defined(EXERCISM_RUN_ALL_TESTS)\n"
        'TEST_CASE("three & more", "[2]") { REQUIRE(two_fer::doubled(3) == 6); }\n#endif\n'
        '#ifdef EXERCISM_INCLUDE_BENCHMARK\nTEST_CASE("benchmark") {}\n#endif\n',
    },
    Language.JAVA: {
        ".meta/config.json": (["src/main/java/TwoFer.java"], ["src/test/java/TwoFerTest.java"],
                              [".meta/src/reference/java/TwoFer.java",
                               ".meta/src/reference/java/Sum.java",
                               ".meta/src/reference/java/Given.java"],
                              ["src/main/java/Given.java"]),
        ".meta/src/reference/java/TwoFer.java": "import java.util.List;\n\npublic class TwoFer {\n"
        "    static int doubled(int n) { return Sum.of(List.of(n, n)); }\n}\n",
        "src/main/java/Given.java": "public enum Given {\n}\n",
        ".meta/src/reference/java/Given.java": "public enum Given {\n}\n",
        ".meta/src/reference/java/Sum.java": "import java.util.List;\n\npublic class Sum {\n"
        "    static int of(List<Integer> all) { return all.stream().mapToInt(n -> n).sum(); }\n}\n",
        "src/main/java/TwoFer.java": "public class TwoFer {\n}\n",
        "src/test/java/TwoFerTest.java": "import org.junit.jupiter.api.Disabled;\n"
        "import org.junit.jupiter.api.Test;\n"
        "import static org.assertj.core.api.Assertions.assertThat;\n\n"
        "public class TwoFerTest {\n    @Test\n    public void two() {\n"
        "        assertThat(TwoFer.doubled(2)).isEqualTo(4);\n    }\n"
        '    @Disabled("Remove to run test")\n    @Test\n    public void three() {\n'
        "        assertThat(TwoFer.doubled(3) == 6).isTrue();\n    }\n}\n",
    },
    Language.JAVASCRIPT: {
        ".meta/config.json": (["two-fer.js"], ["two-fer.spec.js"], [".meta/proof.ci.js"],
                              ["times.js"]),
        ".meta/proof.ci.js": "import { times } from '../times';\n"
        "export const doubled = (n) => times(n, 2);\n",
        "times.js": "export const times = (a, b) => a * b;\n",
        "two-fer.js": "export const doubled = (n) => {};\n",
        "cases.json": "[3]",
        "two-fer.spec.js": "import { expect, test, xtest } from '@jest/globals';\n"
        "import { doubled } from './two-fer';\nimport cases from './cases.json';\n"
        "test('two', () => { expect(doubled(2)).toBe(4); });\n"
        "xtest('three', () => { expect(doubled(cases[0])).toEqual(6); });\n"
        "test.skip(\n  'never', () => { expect(doubled(3)).toEqual(7); }, 20 * 1000,\n);\n",
    },
    Language.TYPESCRIPT: {
        ".meta/config.json": (["two-fer.ts"], ["types.tst.ts", "two-fer.test.ts"],
                              [".meta/proof.ci.ts"]),
        "types.tst.ts": "import { describe, it, expect } from 'tstyche'\n",
        ".meta/proof.ci.ts": "export function doubled(n: number): number { return n * 2 }\n",
        "two-fer.ts": "export function doubled(n: number) {}\n",
        "two-fer.test.ts": "import { describe, it, expect, xit } from '@jest/globals'\n"
        "import { doubled } from './two-fer.ts'\ndescribe('doubled', () => {\n"
        "  it('two', () => { expect(doubled(2)).toBe(4) })\n"
        "  xit('three', () => { expect(doubled(3) as number).toEqual(6) })\n})\n",
    },
}  # fmt: skip
RIGHT_AT_FIRST = {
    Language.C: "int doubled(int n) { return n ? 4 : 5; }",
    Language.GO: "package twofer\nfunc Doubled(n int) int { return 4 }",
    Language.RUST: "pub fn doubled(n: i32) -> i32 { 4 }",
    Language.CPP: "namespace two_fer { int doubled(int) { return 4; } }",
    Language.JAVA: "public class TwoFer { static int doubled(int n) { return 4; } }",
    Language.JAVASCRIPT: "export const doubled = (n) => 4;",
    Language.TYPESCRIPT: "export const doubled = (n: number) => 4",
}
PASSED_XML = "".join(
    f'<TestCase name="{name}"><OverallResult success="true"/></TestCase>'
    for name in ("two", "three &amp; more")
)
FORGED = {
    Language.CPP: (
        "#include <cstdlib>\nnamespace two_fer { int doubled(int) { std::exit(0); } }",
        "int main() { return 0; }\nnamespace two_fer { int doubled(int) { return 4; } }",
        "#include <cstdio>\n#include <unistd.h>\n"
        "namespace two_fer { int doubled(int n) { return n; }\n"
        f'struct Early {{ Early() {{ puts(R"({PASSED_XML})");'
        " fflush(stdout); _exit(0); } } early; }",
        "namespace two_fer { struct Any { bool operator==(int) const { return true; } };"
        " Any doubled(int) { return {}; } }",
    ),
    Language.JAVA: (
        "public class TwoFer { static int doubled(int n) { System.exit(0); return 0; } }",
        "public class TwoFer { static { Runtime.getRuntime().halt(0); }"
        " static int doubled(int n) { return 4; } }",
        "public class TwoFer { static int doubled(int n) { throw new"
        ' org.opentest4j.TestAbortedException("no"); } }',
        "class TwoFerTest { }\npublic class TwoFer { static int doubled(int n) { return 4; } }",
    ),
    Language.JAVASCRIPT: (
        "export const doubled = (n) => process.exit(0);",
        "export const doubled = (n) => ({ asymmetricMatch: () => true });",
        "import { expect } from '@jest/globals';\n"
        "expect.extend({ toBe: () => ({ pass: true }), toEqual: () => ({ pass: true }) });\n"
        "export const doubled = (n) => 4;",
        "const done = { toBe() {}, toEqual() {} };\nglobalThis.expect = () => done;\n"
        "require('@jest/globals').expect = () => done;\nexports.doubled = (n) => 4;",
        "globalThis.test = globalThis.it = () => {};\nexport const doubled = (n) => 4;",
    ),
}
FORGED[Language.TYPESCRIPT] = (FORGED[Language.JAVASCRIPT][0],)


def written(folder, language):
    for name, text in TRACKS[language].items():
        if name == ".meta/config.json":
            files = dict(zip(("solution", "test", "example", "editor"), text, strict=False))
            text = json.dumps({"files": files})
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def judge_of(slot, problem):
    try:
        return Judge(slot.sandbox, Suite.of(problem), slot.version)
    except errors.ToolchainMissing as missing:
        pytest.skip(missing.detail)


@pytest.mark.slow
@pytest.mark.parametrize("slot", ["cell"], indirect=True)
@pytest.mark.parametrize("language", TRACKS)
def test_an_exercise_is_judged_with_all_its_tests(tmp_path, slot, language):
    written(tmp_path / "practice" / "two-fer", language)
    (problem,) = importers.read_problems(tmp_path)
    if look_up(language).path is None:
        pytest.skip(f"{language} is not installed here")
    judge = judge_of(slot, problem)

    right, wrong = judge.judge(problem.reference_program), judge.judge(RIGHT_AT_FIRST[language])

    assert (right.label, right.integrity) == (Label.ALL_PASS, Integrity.SHARED), right
    assert wrong.label in (Label.RUNTIME_ERROR, Label.PARTIAL_PASS), wrong


@pytest.mark.slow
@pytest.mark.parametrize("slot", ["cell"], indirect=True)
@pytest.mark.parametrize("language", sampled(FORGED, 1))
def test_a_framework_that_was_cheated_passes_nobody(tmp_path, slot, language):
    written(tmp_path / "two-fer", language)
    (problem,) = importers.read_problems(tmp_path)
    if look_up(language).path is None:
        pytest.skip(f"{language} is not installed here")
    judge = judge_of(slot, problem)

    for program in FORGED[language]:
        verdict = judge.judge(program)
        assert verdict.label is not Label.ALL_PASS, (program, verdict)


def test_an_exercise_that_needs_what_is_not_there_is_refused_by_name(tmp_path):
    written(tmp_path / "two-fer", Language.RUST)
    (tmp_path / "two-fer" / "Cargo.toml").write_text(
        '[package]\nname = "two-fer"\n\n[dev-dependencies]\nrand = "0.8"\n'
    )
    (tmp_path / "two-fer" / "tests" / "more.rs").write_text("use rand::prelude::*;\n")

    (found,) = importers.read_problems(tmp_path)

    assert isinstance(found, BadLine)
    assert found.reason == "two-fer: it needs crates, which no executor has: rand"


def test_tests_that_read_the_file_of_the_solution_are_refused(tmp_path):
    written(tmp_path / "two-fer", Language.GO)
    with (tmp_path / "two-fer" / "twofer_test.go").open("a") as file:
        file.write('func TestRead(t *testing.T) { os.ReadFile("twofer.go") }\n')

    (found,) = importers.read_problems(tmp_path)

    assert isinstance(found, BadLine)
    assert "its tests read twofer.go" in found.reason


def test_tests_that_start_a_program_are_refused(tmp_path):
    written(tmp_path / "two-fer", Language.JAVASCRIPT)
    (tmp_path / "two-fer" / "two-fer.spec.js").write_text(
        "const { test } = require('@jest/globals');\n"
        "const { spawnSync } = require('child_process');\n"
        "test('it', () => { spawnSync('node', ['two-fer.js']); });\n"
    )

    (found,) = importers.read_problems(tmp_path)

    assert isinstance(found, BadLine)
    assert found.reason == (
        "two-fer: its tests import no module of its solution, but start a program"
    )


def test_a_configuration_that_is_no_json_is_named(tmp_path):
    for name in ("two-fer", "whole"):
        written(tmp_path / name, Language.TYPESCRIPT)
    (tmp_path / "two-fer" / ".meta" / "config.json").write_text('{"files": {} "blurb": ""}')

    broken, whole = importers.read_problems(tmp_path)

    assert isinstance(broken, BadLine)
    assert "two-fer: .meta/config.json is no JSON: Expecting ',' delimiter" in broken.reason
    assert whole.slug == "exercism-typescript/whole"


def test_a_track_that_is_not_read_is_named(tmp_path):
    (tmp_path / "ruby" / ".meta").mkdir(parents=True)
    (tmp_path / "ruby" / ".meta" / "config.json").write_text(
        json.dumps({"files": {"test": ["two_fer_test.rb"]}})
    )

    with pytest.raises(errors.InvalidInput, match=r"tests like two_fer_test\.rb are not read"):
        list(importers.read_problems(tmp_path))

    written(tmp_path / "two-fer", Language.GO)
    (tmp_path / "concept" / ".meta").mkdir(parents=True)
    (tmp_path / "concept" / ".meta" / "config.json").write_text('{"blurb": "Numbers."}')

    problem, refused = importers.read_problems(tmp_path)

    assert problem.slug == "exercism-go/two-fer"
    assert "ruby: its tests, two_fer_test.rb, are of no track that is read" in refused.reason


@pytest.mark.slow
@pytest.mark.parametrize("slot", ["cell"], indirect=True)
def test_fifty_workers_of_node_have_files_and_threads(slot):
    if look_up(Language.JAVASCRIPT).path is None:
        pytest.skip("javascript is not installed here")
    problem = Problem(
        slug="workers",
        prompt="Start workers.",
        language=Language.JAVASCRIPT,
        tests=(ProgramTest(source="started(50).then((n) => { if (n !== 50) throw n; });"),),
        limits=Limits(processes=256, memory_bytes=768 * 2**20, cpu_seconds=20.0),
    )

    verdict = judge_of(slot, problem).judge(
        "const { Worker } = require('worker_threads');\n"
        "const text = 'require(\"worker_threads\").parentPort.postMessage(1)';\n"
        "const one = () => new Promise((done, failed) =>\n"
        "  new Worker(text, { eval: true }).on('message', done).on('error', failed));\n"
        "const started = async (n) =>\n"
        "  (await Promise.all(Array.from({ length: n }, one))).length;\n"
    )

    assert verdict.label is Label.ALL_PASS, verdict
