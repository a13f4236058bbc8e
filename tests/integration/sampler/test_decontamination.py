"""Records that hold a benchmark's problem, found by its words and by what their programs do."""

import json

import pytest

from infra import errors
from infra.records.importers import every_problem
from services.cli.local.decontaminating import clean, look
from services.known import several

TOTAL = (
    "def total(values):\n    while values:\n        return values[0] + total(values[1:])\n"
    "    return 0\n"
)
PRIME = "def is_prime(n):\n    return n > 1 and all(n % i for i in range(2, n))\n"
KNOWN = [
    {"task_id": "sum/1", "entry_point": "add_up", "prompt": "def add_up(numbers):\n",
     "canonical_solution": "    return sum(numbers)\n",
     "test": "def check(candidate):\n    assert candidate([]) == 0\n"
             "    assert candidate([1, 2]) == 3\n    assert candidate([5, -1]) == 4\n"},
    # Three assertions on a truth value, which other predicates pass too.
    {"task_id": "prime/1", "entry_point": "prime", "prompt": "def prime(number):\n",
     "canonical_solution": "    return number in (2, 3, 5, 7, 11)\n",
     "test": "def check(candidate):\n    assert candidate(7) == True\n"
             "    assert candidate(number=10) == False\n    assert candidate(4) == False\n"},
    {"task_id": "odd/1", "entry_point": "odd", "prompt": "def odd(number):\n",
     "canonical_solution": "    return number % 2 == 1\n",
     "test": "def check(candidate):\n    assert candidate(9) == True\n"
             "    assert candidate(6) == False\n    assert candidate(15) == True\n"},
    {"slug": "echo/1", "prompt": "Read two numbers of one line, and write the difference of them.",
     "tests": [{"kind": "stdio", "stdin": "5 3\n", "expected_stdout": "2\n"},
               {"kind": "stdio", "stdin": "1 9\n", "expected_stdout": "-8\n"}]},
]  # fmt: skip
ROWS = {
    "another name": {"instruction": "What do these come to?", "output": TOTAL},
    "a method": {"text": "class S:\n    def totals(self, nums):\n        return sum(nums)\n"},
    "its words": {"text": "READ two numbers of one line and write the difference of them, twice."},
    "reads": {"prompt": "Less", "program": "a, b = input().split()\nprint(int(a) - int(b))\n"},
    "answers otherwise": {"text": "def odd_one(n):\n    return n in (9, 15)\n"},
    "is only served": {"text": PRIME + "def primes(a):\n    return list(filter(is_prime, a))\n"},
    "hangs": {"text": "def last(n):\n    while True:\n        n = n\n"},
    "is no program": {"text": "def last(n) return"},
}


@pytest.fixture
def known(tmp_path):
    return written(tmp_path / "known.jsonl", KNOWN)


def written(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.slow
def test_records_are_found_by_words_or_by_what_their_programs_do(known, tmp_path):
    file = written(tmp_path / "rows.jsonl", ROWS.values())
    out, report = tmp_path / "clean.jsonl", tmp_path / "found.jsonl"

    looked = look(file, [f"ours={known}"], out, report)

    names = list(ROWS)
    found = {
        names[one.line - 1]: [(hit.problem, hit.method.value) for hit in one.hits]
        for one in looked.findings
    }
    assert found == {
        "another name": [("sum/1", "behaviour")],
        "a method": [("sum/1", "behaviour")],
        "reads": [("echo/1", "behaviour")],
        "its words": [("echo/1", "substring")],
    }
    assert all(hit.evidence for one in looked.findings for hit in one.hits)
    assert [json.loads(line) for line in out.read_text().splitlines()] == [
        row for name, row in ROWS.items() if name not in found
    ]
    assert len(report.read_text().splitlines()) == 4
    (summed,) = looked.report
    assert (summed.dataset, summed.problems, summed.testable, summed.met) == ("ours", 4, 4, 2)


@pytest.mark.slow
def test_an_import_refuses_what_a_benchmark_asks_and_its_own_tests_tell_the_rest_apart(
    known, tmp_path
):
    def problem(slug, name, program, *calls):
        tests = [{"kind": "call", "args": [a], "expected": e} for a, e in calls]
        return {"slug": slug, "prompt": "Do it.", "entry_point": name, "tests": tests,
                "reference_program": program}  # fmt: skip

    path = written(tmp_path / "problems.jsonl", [
        problem("new/same", "total", TOTAL, ([3, 4], 7)),
        # On plain numbers it is the same; its own tests show that it is not.
        problem("new/other", "total", "def total(values):\n    return sum(map(int, values))\n",
                (["3", "4"], 7)),
    ])  # fmt: skip
    refused = []

    kept = list(clean(every_problem(path), [str(known)], refused))

    assert [one.slug for one in kept] == ["new/other"]
    (why,) = refused
    assert why.startswith("new/same: known sum/1, behaviour: `total` in the place of `add_up`")


def test_benchmarks_are_named_by_file_by_name_and_by_a_folder(tmp_path, monkeypatch):
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("HumanEval.jsonl.gz", "mbpp.jsonl", "LeetCodeDataset-test.jsonl"):
        (folder / name).write_text("")
    own = tmp_path / "a,b.jsonl"
    own.write_text("")
    monkeypatch.setenv("RRTF_DATA", str(folder))

    found = several(["humaneval,MBPP", str(own), f"mine={own}", "human-eval", "leetcode"])

    assert [one.name for one in found] == [
        "humaneval",
        "mbpp",
        "a,b",
        "mine",
        "humaneval",
        "leetcode",
    ]
    with pytest.raises(
        errors.InvalidInput, match=r"no benchmark 'apps'.*: HumanEval, .*mbpp; names"
    ):
        several(["apps"])
