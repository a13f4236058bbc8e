"""Exercises of exercism's tracks, from their folders: judged with every test switched on."""

import json

import pytest

from executor.judging.judge import Judge
from executor.languages import look_up
from infra.contracts.base import Integrity, Label, Language
from infra.contracts.execution import Suite
from infra.records import importers
from infra.records.record_files import BadLine

UNITY = """static int failed;
#define TEST_IGNORE() return
#define TEST(a) do { failed += !(a); } while (0)
"""
TRACKS = {
    Language.C: {
        ".meta/config.json": (["two_fer.c", "two_fer.h"], ["test_two_fer.c"],
                              [".meta/example.c", ".meta/example.h"]),
        ".meta/example.h": "#ifndef T\n#define T\nint doubled(int n);\n#endif\n",
        ".meta/example.c": '#include "two_fer.h"\nint doubled(int n) { return n * 2; }\n',
        "two_fer.h": "", "two_fer.c": "",
        "test-framework/unity.h": UNITY, "test-framework/unity.c": "",
        "test_two_fer.c": '#include "test-framework/unity.h"\n#include "two_fer.h"\n'
        "static void test_one(void)\n{\n   TEST(doubled(2) == 4);\n}\n"
        "static void test_two(void)\n{\n   TEST_IGNORE();   // delete this line\n"
        "   TEST(doubled(3) == 6);\n}\nint main(void) { test_one(); test_two(); return failed; }\n",
    },
    Language.GO: {
        ".meta/config.json": (["twofer.go"], ["twofer_test.go"], [".meta/example.go"]),
        ".meta/example.go": 'package twofer\nimport "fmt"\n'
        'func Doubled(n int) int { fmt.Print(); return n * 2 }\n',
        "twofer.go": "package twofer\n",
        "common.go": "package twofer\nconst three = 3\n",
        "cases_test.go": 'package twofer\nimport "strings"\n'
        'var cases = []int{len(strings.Repeat("a", 2)), three}\n',
        "twofer_test.go": 'package twofer\n\nimport (\n\t"fmt"\n\t"testing"\n)\n'
        "func TestDoubled(t *testing.T) { for _, n := range cases {\n"
        "if Doubled(n) != n + n { t.Fatal(fmt.Sprint(n)) } } }\n"
        "func BenchmarkDoubled(b *testing.B) {\n\tfor b.Loop() {\n\t}\n}\n",
    },
    Language.RUST: {
        ".meta/config.json": (["src/lib.rs", "Cargo.toml"], ["tests/two-fer.rs"],
                              [".meta/example.rs"]),
        ".meta/example.rs": "pub fn doubled(n: i32) -> i32 { n * 2 }\n",
        "src/lib.rs": "", "Cargo.toml": '[package]\nname = "two-fer"\n\n[dependencies]\n',
        "tests/two-fer.rs": "use two_fer::*;\n#[test]\nfn two() { assert_eq!(doubled(2), 4); }\n"
        "#[test]\n#[ignore]\nfn three() { assert_eq!(two_fer::doubled(3), 6); }\n",
    },
}  # fmt: skip
RIGHT_AT_FIRST = {
    Language.C: "int doubled(int n) { return 4; }",
    Language.GO: "package twofer\nfunc Doubled(n int) int { return 4 }",
    Language.RUST: "pub fn doubled(n: i32) -> i32 { 4 }",
}


def written(folder, language):
    for name, text in TRACKS[language].items():
        if name == ".meta/config.json":
            files = dict(zip(("solution", "test", "example"), text, strict=True))
            text = json.dumps({"files": files})
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


@pytest.mark.parametrize("slot", ["cell"], indirect=True)
@pytest.mark.parametrize("language", TRACKS)
def test_an_exercise_is_judged_with_all_its_tests(tmp_path, slot, language):
    written(tmp_path / "practice" / "two-fer", language)
    (problem,) = importers.read_problems(tmp_path)
    if look_up(language).path is None:
        pytest.skip(f"{language} is not installed here")
    judge = Judge(slot.sandbox, Suite.of(problem), slot.version)

    right, wrong = judge.judge(problem.reference_program), judge.judge(RIGHT_AT_FIRST[language])

    assert (right.label, right.integrity) == (Label.ALL_PASS, Integrity.SHARED), right
    assert wrong.label in (Label.RUNTIME_ERROR, Label.PARTIAL_PASS), wrong


def test_an_exercise_that_needs_what_is_not_there_is_refused_by_name(tmp_path):
    written(tmp_path / "two-fer", Language.RUST)
    (tmp_path / "two-fer" / "Cargo.toml").write_text(
        '[package]\nname = "two-fer"\n\n[dependencies]\nrand = "0.8"\n'
    )

    (found,) = importers.read_problems(tmp_path)

    assert isinstance(found, BadLine)
    assert found.reason == "two-fer: it needs crates, which no executor has"
