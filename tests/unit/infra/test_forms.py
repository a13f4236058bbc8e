"""Records of published sets, in the forms that their publishers give them."""

import ast
import sys
from pathlib import Path

import pytest

from infra import errors
from infra.contracts.base import IntegrityRule
from infra.contracts.problems import AssertTest
from infra.forms import table
from infra.records import importers
from tests import form_records as records
from tests import plain_python
from tests.form_records import SAMPLES

AUTO, SHARED = IntegrityRule.AUTO, IntegrityRule.SHARED
NAMES = sorted(SAMPLES)


def problem_of(name):
    return importers.to_problem(SAMPLES[name].record)


@pytest.mark.parametrize("name", NAMES)
def test_a_record_is_claimed_by_one_form_and_named_as_published(name):
    claimed = [form.name for form in table.FORMS if form.takes(SAMPLES[name].record)]

    assert len(claimed) == 1
    assert problem_of(name).slug == SAMPLES[name].slug
    assert problem_of(name).metadata["source"] == name.removesuffix(" with nodes")


@pytest.mark.parametrize("name", NAMES)
def test_the_reference_passes_its_own_tests_in_one_plain_process(name, tmp_path):
    problem = problem_of(name)

    assert plain_python.run(problem, problem.reference_program, tmp_path / "run") is None


@pytest.mark.parametrize("name", NAMES)
def test_a_completion_is_put_where_the_set_puts_it(name, tmp_path):
    problem = problem_of(name)
    right, wrong = (
        importers.program_of({"task_id": problem.slug, "completion": text}, problem)
        for text in (SAMPLES[name].right, SAMPLES[name].wrong)
    )

    assert plain_python.run(problem, right, tmp_path / "right") is None
    assert plain_python.run(problem, wrong, tmp_path / "wrong") is not None


@pytest.mark.parametrize(
    ("name", "integrity", "module"),
    [
        ("HumanEval", AUTO, None),
        ("HumanEval-X", AUTO, None),
        ("MBPP", AUTO, None),
        ("LeetCodeDataset", AUTO, None),
        ("LeetCodeDataset with nodes", SHARED, None),
        ("BigCodeBench", AUTO, None),
        ("ODEX", AUTO, None),
        ("DS-1000", SHARED, "solution"),
        ("ClassEval", AUTO, None),
        ("NaturalCodeBench", AUTO, "python_900"),
        ("KodCode", AUTO, "solution"),
        ("CRUXEval", AUTO, None),
        ("PythonProgrammingPuzzles", AUTO, None),
        ("CoderEval", AUTO, "shapes.circle"),
    ],
)
def test_a_form_says_what_its_own_runner_has(name, integrity, module):
    problem = problem_of(name)

    assert problem.integrity is integrity
    assert [test.module for test in problem.tests] == [module]


@pytest.mark.parametrize("name", ["HumanEval-X", "HumanEvalPack"])
def test_a_check_that_the_test_calls_itself_runs_once(name):
    (test,) = problem_of(name).tests

    assert test.check == "check"
    assert "check(double)" not in test.source


def test_a_declaration_that_is_cut_off_is_read_in_the_prompt():
    record = SAMPLES["HumanEval-X"].record | {"declaration": 'def double(n):\n    "\n'}

    assert importers.to_problem(record).entry_point == "double"


def test_a_check_that_passes_whatever_comes_is_not_called():
    assert problem_of("MathQA").tests[0].check is None


@pytest.mark.parametrize(
    ("name", "there", "missing"),
    [
        ("HumanEval", [], ["List"]),
        ("HumanEval-X", ["math", "List", "defaultdict"], ["np", "os"]),
        ("HumanEvalPack", ["math", "List", "defaultdict"], ["np", "os"]),
        ("MBPP", [], ["List"]),
        ("LeetCodeDataset", ["List", "Optional", "cache", "inf", "ListNode"], ["np"]),
        ("BigCodeBench", ["json", "LIMIT", "os", "sys", "environ"], ["List", "task_func"]),
        ("ODEX", ["re"], ["List"]),
        ("ClassEval", ["math"], ["List"]),
        ("NaturalCodeBench", ["pytest", "sys"], ["List", "io"]),
        ("PythonProgrammingPuzzles", ["List", "Set", "sat"], ["Optional"]),
        ("APPS", ["List", "Tuple", "deque", "heappush"], ["Optional"]),
    ],
)
def test_a_program_has_the_names_that_the_sets_own_runner_gives(name, there, missing, tmp_path):
    problem = problem_of(name)
    program = "".join(f"assert {word!r} in globals()\n" for word in there)
    program += "".join(f"assert {word!r} not in globals()\n" for word in missing)

    plain = problem.model_copy(update={"tests": (AssertTest(source="assert True"),)})

    assert plain_python.run(plain, program, tmp_path / "run") is None


def test_the_starter_of_live_code_bench_runs_as_its_runner_has_it(tmp_path):
    problem = importers.to_problem(
        {
            "question_id": "9",
            "question_content": "Halve.",
            "starter_code": "class Solution:\n    def go(self, n: int) -> List[float]:\n        ",
            "public_test_cases": '[{"input": "3", "output": "[1.5]", "testtype": "functional"}]',
            "metadata": '{"func_name": "go"}',
        }
    )
    program = "class Solution:\n    def go(self, n: int) -> List[float]:\n        return [n / 2]\n"

    assert plain_python.run(problem, program, tmp_path / "run") is None
    assert problem.entry_point == "Solution.go"
    assert "setrecursionlimit(50000)" in problem.prelude


def test_a_completion_of_odex_may_be_indented_by_spaces_or_tabs(tmp_path):
    record = records.ODEX | {"prompt": "def f_9001(text):\n\t", "suffix": "\n\treturn found"}
    problem = importers.to_problem(record | {"canonical_solution": "found = re.findall('.', text)"})
    lines = ["found = []", "for part in re.findall('[a-z]', text):", "{}found.append(part)"]

    for number, indent in enumerate(("\t", "    ")):
        completion = f"\n{indent}".join(lines).format(indent)
        program = importers.program_of({"task_id": "x", "completion": completion}, problem)
        assert plain_python.run(problem, program, tmp_path / str(number)) is None


def test_rows_of_odex_with_one_number_are_told_apart(tmp_path):
    import json

    path = tmp_path / "odex.jsonl"
    path.write_text("".join(json.dumps(records.ODEX) + "\n" for _ in range(3)))

    slugs = [problem.slug for problem in importers.read_problems(path)]

    assert slugs == ["ODEX/9001", "ODEX/9001-2", "ODEX/9001-3"]


def test_a_whole_program_of_ds_1000_and_its_snippet_are_judged_alike(tmp_path):
    problem = problem_of("DS-1000")
    snippet = "    return n + 1"

    assert plain_python.run(problem, snippet, tmp_path / "snippet") is None
    assert plain_python.run(problem, problem.reference_program, tmp_path / "whole") is None
    assert "\nresult = f(test_input)" in problem.reference_program


@pytest.mark.parametrize("field", ["program", "solution"])
def test_a_whole_program_is_not_put_anywhere(field):
    program = importers.program_of({"task_id": "x", field: "x = 1\n"}, problem_of("HumanEval"))

    assert program == "x = 1\n"


def test_a_generation_is_a_completion():
    record = {"task_id": "Python/900", "generation": "    return n * 2\n"}

    assert importers.program_of(record, problem_of("HumanEval-X")).startswith("def double(n):")


def test_a_puzzle_wants_the_type_it_asks_for(tmp_path):
    problem = problem_of("PythonProgrammingPuzzles")

    assert plain_python.run(problem, "def sol():\n    return (3,)\n", tmp_path / "x") is not None


JAVA = "public class Main {\n    public static void main(String[] args) { }\n}\n"
CHANGES = {
    "a field says so": ({"language": "kotlin", "test": JAVA}, "Kotlin"),
    "a Python test does not help": ({"language": "scala"}, "Scala"),
    "the task's name": ({"task_id": "Swift/3"}, "Swift"),
    "the task's name, further left": ({"task_id": "pack/Julia/3"}, "Julia"),
    "MBXP's name": ({"task_id": "MBSWP/3"}, "Swift"),
    "a language that its set lacks": ({"task_id": "Lua/3"}, "Lua"),
    "the test alone": ({"test": JAVA}, "Java"),
    "a test of C++": ({"test": "#include<assert.h>\nint main(){ assert(1); }\n"}, r"C\+\+"),
    "a test of Rust": ({"test": "#[cfg(test)]\nmod tests {\n    use super::*;\n}\n"}, "Rust"),
}


@pytest.mark.parametrize("change", sorted(CHANGES))
def test_a_row_in_another_language_is_refused_by_its_name(change):
    fields, language = CHANGES[change]

    with pytest.raises(errors.InvalidInput, match=f"the row is in {language}[;:]"):
        importers.to_problem(SAMPLES["HumanEval"].record | fields)


def test_a_fenced_reference_in_another_language_is_refused_by_its_name():
    record = records.NATURAL | {"reference_solution": "```java\nclass Main { }\n```"}

    with pytest.raises(errors.InvalidInput, match="the row is in Java;"):
        importers.to_problem(record)


@pytest.mark.parametrize(
    ("record", "match"),
    [
        ({"what": 1}, "no known form: our own .*LeetCodeDataset .*CoderEval"),
        (records.MBPP | records.CRUX, "not clearly a problem: .*MBPP and of CRUXEval"),
        (records.CODER_EVAL | {"test": None}, "add them as the field `test`"),
        (records.CODER_EVAL | {"lineno": 9}, "no function `area` is there"),
        (records.CODER_EVAL | {"end_lineno": 90}, "the file has 14 lines"),
        (records.CRUX | {"input": "("}, "input is not Python"),
        (records.CRUX | {"code": "g = 1"}, "no function `f`"),
        (records.PUZZLE | {"ans_type": "Tuple[int]"}, "ans_type"),
        (records.DS_1000 | {"code_context": "x = 1"}, "code_context"),
        (records.leetcode(entry_point="Solution(1).f"), "entry_point"),
        (records.leetcode(test="assert 1"), "`check`"),
        (records.BIG_CODE_BENCH | {"entry_point": "other"}, "no function `other`"),
        (records.MBPP | {"test_list": ["assert ("]}, "the test is not Python"),
        (SAMPLES["HumanEval"].record | {"test": "x = " + "(" * 5000}, "the test is not Python"),
        (
            {"question_id": "1", "input": "def f():", "signature": "f()", "docstring": ""},
            "CoderEval's prompts have no tests",
        ),
    ],
)
def test_what_cannot_be_a_problem_is_refused_with_the_reason(record, match):
    with pytest.raises(errors.InvalidInput, match=match):
        importers.to_problem(record)


def test_deep_code_is_refused_and_does_not_end_the_run():
    deep = "def check(candidate):\n    assert candidate\n" + "x" + ".x" * 50_000 + "\n"

    with pytest.raises(errors.InvalidInput, match=r"deep|not Python"):
        importers.to_problem(SAMPLES["HumanEval"].record | {"test": deep})


@pytest.mark.parametrize("name", NAMES)
def test_nothing_of_a_record_is_run(name):
    """What is in the record would end this process."""

    def armed(value):
        if not isinstance(value, str):
            return value
        try:
            is_code = bool(ast.parse(value).body) and "\n" in value
        except SyntaxError:
            return value
        return f"raise SystemExit('run')\n{value}" if is_code else value

    record = {key: armed(value) for key, value in SAMPLES[name].record.items()}

    try:
        importers.to_problem(record)
    except errors.InvalidInput:
        assert name == "CoderEval", "its lines have moved"


def test_the_readers_of_forms_import_no_heavy_package():
    folder = Path(table.__file__).parent
    modules = {
        name.partition(".")[0]
        for file in folder.glob("*.py")
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module]
        )
    }

    assert modules - sys.stdlib_module_names == {"infra", "pydantic"}
