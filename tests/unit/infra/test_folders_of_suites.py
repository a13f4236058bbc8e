"""Suites that are published as source files, read as folders."""

import pytest

from infra import errors
from infra.contracts.base import IntegrityRule
from infra.records import importers
from infra.records.record_files import BadLine
from tests import plain_python

CONFIG = '{"files": {"solution": ["two_fer.py"]}}'
TWO_FER = 'def two_fer(name="you"):\n    return f"One for {name}."\n'
TWO_FER_TEST = (
    "import unittest\n\nfrom two_fer import two_fer\nfrom two_fer_data import NAMES\n\n\n"
    "class TwoFerTest(unittest.TestCase):\n    def test_names(self):\n"
    "        for name in NAMES:\n            self.assertEqual(two_fer(name), f'One for {name}.')\n"
)
GCD = "def gcd(a, b):\n    if b == 0:\n        return a\n    return gcd({}, {})\n"
FIRST = "import pytest\nfrom load_testdata import load_json_testcases\n\n"
IMPORTS = (
    "if pytest.use_correct:\n    from correct_python_programs.{0} import {0}\nelse:\n"
    "    from python_programs.{0} import {0}\n\n\n"
)
DATA = (
    "testdata = load_json_testcases({0}.__name__)\n\n\n"
    '@pytest.mark.parametrize("input_data,expected", testdata)\n'
    "def test_{0}(input_data, expected):\n"
)
MODULE = (
    '"""Numbers.\n\n>>> double(1)\n2\n"""\n\nimport math\n\n\ndef double(n):\n    """Double.\n\n'
    '    >>> double(4)\n    8\n    >>> double("a")\n    \'aa\'\n    """\n    return n * 2\n\n\n'
    "def helper():\n    return 1\n\n\nclass Root:\n    def of(self, n):\n"
    '        """\n        >>> Root().of(9)\n        3\n        """\n        return math.isqrt(n)\n'
)


def write(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def exercise(name="two-fer"):
    return {
        f"practice/{name}/two_fer.py": "def two_fer(name):\n    pass\n",
        f"practice/{name}/two_fer_test.py": TWO_FER_TEST,
        f"practice/{name}/two_fer_data.py": "NAMES = ['Bob', '']\n",
        f"practice/{name}/.meta/example.py": TWO_FER,
        f"practice/{name}/.meta/config.json": CONFIG,
        f"practice/{name}/.docs/introduction.md": "# Introduction\n",
        f"practice/{name}/.docs/instructions.md": "Share.\n",
    }


def quixbugs(**tests):
    files = {"python_testcases/node.py": "class Node:\n    value = 1\n"}
    for name, (test, cases, correct, defective) in tests.items():
        files |= {
            f"python_testcases/test_{name}.py": test,
            f"json_testcases/{name}.json": cases,
            f"correct_python_programs/{name}.py": correct,
            f"python_programs/{name}.py": defective,
        }
    return files


def only(path):
    (found,) = importers.read_problems(path)
    return found


def test_an_exercise_of_exercism_is_a_problem_with_its_files(tmp_path):
    problem = only(write(tmp_path / "exercises", exercise()))
    (test,) = problem.tests

    assert problem.slug == "exercism/two-fer"
    assert (test.module, test.files) == ("two_fer", {"two_fer_data.py": "NAMES = ['Bob', '']\n"})
    assert problem.integrity is IntegrityRule.AUTO
    assert problem.metadata["level"] == "practice"
    assert problem.prompt.startswith("# Introduction\n\nShare.\n\nWrite the file `two_fer.py`.")
    assert plain_python.run(problem, problem.reference_program, tmp_path / "right") is None
    assert plain_python.run(problem, "def two_fer(name): ...", tmp_path / "wrong") is not None


def test_a_single_exercise_may_be_named_itself(tmp_path):
    root = write(tmp_path, exercise())

    assert only(root / "practice" / "two-fer").slug == "exercism/two-fer"


def test_an_exercise_that_cannot_be_used_is_named_and_the_rest_goes_on(tmp_path):
    broken = exercise("broken") | {"practice/broken/two_fer_test.py": "def ("}

    bad, good = importers.read_problems(write(tmp_path, exercise() | broken))

    assert isinstance(bad, BadLine)
    assert bad.number == 1
    assert bad.reason.startswith("broken: two_fer_test.py is not Python")
    assert good.slug == "exercism/two-fer"


def test_a_program_of_quixbugs_that_is_only_called_becomes_calls(tmp_path):
    test = (
        FIRST
        + IMPORTS.format("gcd")
        + DATA.format("gcd")
        + "    assert gcd(*input_data) == expected\n"
    )
    cases = "[[17, 0], 17]\n[[20, 100], 20]\n\n"
    files = quixbugs(gcd=(test, cases, GCD.format("b", "a % b"), GCD.format("a % b", "b")))

    problem = only(write(tmp_path / "q", files))

    assert (problem.slug, problem.entry_point) == ("QuixBugs/gcd", "gcd")
    assert [(one.args, one.expected) for one in problem.tests] == [((17, 0), 17), ((20, 100), 20)]
    assert "gcd(a % b, b)" in problem.prompt
    assert plain_python.run(problem, problem.reference_program, tmp_path / "right") is None
    assert plain_python.run(problem, "def gcd(a, b): return b", tmp_path / "wrong") is not None


def test_a_case_that_the_set_skips_is_left_out(tmp_path):
    skipping = (
        "    if input_data == [3, [1]]:\n        pytest.skip('slow')\n"
        "    assert f(*input_data) == expected\n"
    )
    test = FIRST + IMPORTS.format("f") + DATA.format("f") + skipping
    files = quixbugs(f=(test, "[[3, [1]], 0]\n[4, 5]\n", "def f(n): return n + 1\n", "x"))

    problem = only(write(tmp_path, files))

    assert [(one.args, one.expected) for one in problem.tests] == [((4,), 5)]


@pytest.mark.parametrize(
    "test",
    [
        "    assert list(f(*input_data)) == expected\n",
        "    assert f(*input_data) == pytest.approx(expected)\n",
        "    value = f(*input_data)\n    assert list(value) == expected\n",
    ],
)
def test_other_tests_of_quixbugs_are_run_as_they_are(tmp_path, test):
    source = FIRST + IMPORTS.format("f") + DATA.format("f") + test
    right, wrong = "def f(n):\n    return [n, n]\n", "def f(n):\n    return [n]\n"
    problem = only(write(tmp_path / "q", quixbugs(f=(source, "[[1], [1, 1]]\n", right, wrong))))

    assert problem.integrity is IntegrityRule.AUTO
    assert problem.tests[0].source == source
    assert plain_python.run(problem, right, tmp_path / "right") is None
    assert plain_python.run(problem, wrong, tmp_path / "wrong") is not None


def test_a_test_of_quixbugs_with_nodes_gets_them(tmp_path):
    test = (
        "import pytest\nfrom node import Node\n\n" + IMPORTS.format("f") + "def test1():\n"
        "    assert f(Node()) == 1\n"
    )
    files = quixbugs(f=(test, "", "def f(n):\n    return n.value\n", "def f(n):\n    return n\n"))
    problem = only(write(tmp_path / "q", files))

    assert plain_python.run(problem, problem.reference_program, tmp_path / "right") is None
    assert plain_python.run(problem, "def f(n): return n", tmp_path / "wrong") is not None


def test_the_doctests_of_a_file_judge_any_file_of_the_same_functions(tmp_path):
    root = write(tmp_path / "repo", {"maths/9numbers.py": MODULE, "maths/none.py": "x = 1\n"})
    (folder,), (file,) = (
        list(importers.read_problems(p)) for p in (root, root / "maths/9numbers.py")
    )

    assert (folder.slug, file.slug) == ("doctest/maths/9numbers", "doctest/9numbers")
    assert folder.tests == file.tests
    assert "return n * 2" not in file.prompt
    assert ">>> double(4)\n    8" in file.prompt
    assert "def helper():\n    return 1" in file.prompt
    own = "import math\ndouble = lambda n: n + n\nclass Root:\n    def of(self, n): return {}\n"
    right, wrong = own.format("math.isqrt(n)"), own.format("n")
    assert plain_python.run(file, MODULE, tmp_path / "reference") is None
    assert plain_python.run(file, right, tmp_path / "right") is None
    assert "Root().of(9)" in (plain_python.run(file, wrong, tmp_path / "wrong") or "")


def test_doctests_have_the_data_beside_them_that_their_file_names(tmp_path):
    module = (
        'from pathlib import Path\n\n\ndef total():\n    """\n    >>> total()\n    3\n    """\n'
        '    rows = Path(__file__).with_name("rows.txt").read_text()\n'
        "    return sum(map(int, rows.split()))\n"
    )
    files = {"total.py": module, "rows.txt": "1\n2\n", "other.txt": "", "rows.txt.py": "x = 1\n"}
    root = write(tmp_path / "repo", files)

    problem = only(root / "total.py")

    assert problem.tests[0].files == {"rows.txt": "1\n2\n"}
    assert plain_python.run(problem, module, tmp_path / "right") is None


def test_a_file_or_folder_without_tests_is_refused(tmp_path):
    root = write(tmp_path, {"a.py": "x = 1\n"})
    (bad,) = importers.read_problems(root / "a.py")

    assert bad.reason == "a.py: it has no doctest"
    with pytest.raises(errors.InvalidInput, match="no exercise"):
        list(importers.read_problems(root))


def test_no_link_out_of_a_folder_is_followed(tmp_path):
    write(tmp_path, {"outside/secret.py": MODULE, "root/plain.py": MODULE})
    (tmp_path / "root" / "linked.py").symlink_to(tmp_path / "outside" / "secret.py")
    (tmp_path / "root" / "below").symlink_to(tmp_path / "outside")

    assert [p.slug for p in importers.read_problems(tmp_path / "root")] == ["doctest/plain"]
