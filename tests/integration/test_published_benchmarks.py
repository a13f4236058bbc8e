"""`rrtf evaluate` of benchmarks as they are published, a project of several files among them."""

import gzip
import itertools
import json
import os
import subprocess
import sys

import pytest

from executor.images.packages import Images
from services.evaluation.results import Evaluation
from tests.form_records import SAMPLES, leetcode
from tests.wheels import Wheels, own_home

CIRCLE = '''"""Circles."""

from measures import TAU

from shapes.units import scaled


class Circle:
    def __init__(self, radius):
        self.radius = radius

    def grown(self, unit):
        """Return a circle in another unit."""
        return Circle(scaled(self.radius, unit))

    def around(self):
        return TAU * self.radius
'''
CIRCLE_TEST = """import pytest
from shapes import circle
from shapes.circle import Circle


@pytest.fixture
def unit(tmp_path):
    (tmp_path / "unit").write_text("3")
    return (tmp_path / "unit").read_text()


@pytest.mark.parametrize("radius", [1, 2])
def test_grown(radius, unit, monkeypatch):
    monkeypatch.setattr(circle, "TAU", 10)
    assert Circle(radius).grown(unit).around() == 30 * radius
"""
PROJECT = {
    "_id": "62e60f43d76274f8a4026e30",
    "name": "grown",
    "code": "def grown(self, unit): ...",
    "docstring": "Return a circle in another unit.",
    "human_label": "Return the circle that is larger by a unit, which is a text.",
    "level": "project_runnable",
    "project": "a/shapes",
    "file_path": "shapes/circle.py",
    "file_content": CIRCLE,
    "lineno": 12,
    "end_lineno": 14,
    "test": CIRCLE_TEST,
    "files": {
        "shapes/__init__.py": "",
        "shapes/units.py": "def scaled(length, unit):\n    return length * int(unit)\n",
    },
    "image": "shapes",
}
GROWN = "def grown(self, unit):\n    return Circle({})\n"
SMALL = dict(
    PROJECT,
    _id="62e60f43d76274f8a4026e31",
    name="double",
    level="self_contained",
    file_path="numbers_of.py",
    file_content="def double(n):\n    return 2 * n\n",
    lineno=1,
    end_lineno=2,
    test="from numbers_of import double\n\ndef test_double():\n    assert double(4) == 8\n",
    files={},
)
JAVASCRIPT = {
    "task_id": "JavaScript/900",
    "prompt": "/* Return twice n. */\nconst twice = (n) => {\n",
    "declaration": "const twice = (n) => {\n",
    "canonical_solution": "  return 2 * n;\n}\n",
    "test": "const testTwice = () => {\n  console.assert(twice(2) === 4)\n}\n\ntestTwice()\n",
    "example_test": "",
}
CPP = {
    "name": "HumanEval_900_twice",
    "language": "cpp",
    "prompt": "#include<assert.h>\n// Return twice n.\nlong twice(long n) {\n",
    "tests": "}\nint main() {\n    auto candidate = twice;\n    assert(candidate(2) == 4);\n}\n",
    "stop_tokens": ["\n}"],
}


def contest(number):
    case = {"input": f"{number}\n", "output": f"{2 * number}\n", "testtype": "stdin"}
    return {
        "question_id": str(number),
        "question_content": "Print twice the number.",
        "difficulty": "hard" if number in (399, 400) else "easy",
        "contest_date": "2024-01-01T00:00:00",
        "public_test_cases": json.dumps([case]),
    }


def drilled(name, difficulty, day):
    said = {"difficulty": difficulty, "estimated_date": day}
    return leetcode(task_id=name, **said, meta={})


BENCHMARKS = {
    "codereval": [{"RECORDS": [PROJECT, SMALL]}],
    "humaneval_x": [SAMPLES["HumanEval-X"].record, JAVASCRIPT],
    "mbxp": [SAMPLES["MBXP"].record],
    "multipl_e": [CPP],
    "apps": [
        {**SAMPLES["APPS"].record, "problem_id": number, "difficulty": level}
        for number, level in ((900, "interview"), (901, "competition"))
    ],
    "leetcode": [
        drilled("hard-and-new", "Hard", "2024-08-01"),
        drilled("hard-and-old", "Hard", "2024-06-30"),
        drilled("new", "Easy", "2024-08-01"),
    ],
    "livecodebench": [contest(number) for number in range(402)],
}
CHOICES = {
    "apps": 'levels = ["competition"]',
    "leetcode": 'levels = ["hard"]\nafter = 2024-06-30',
    "livecodebench": 'release = "v1"\nlevels = ["hard"]',
}
PRINTS = "print({} * int(input()))\n"
PROGRAMS = {
    "CoderEval/62e60f43d76274f8a4026e30": (
        GROWN.format("scaled(self.radius, unit)"), GROWN.format("self.radius"),
    ),
    "CoderEval/62e60f43d76274f8a4026e31": (
        "def double(n):\n    return n + n\n", "def double(n):\n    return n\n",
    ),
    "Python/900": SAMPLES["HumanEval-X"][2:],
    "JavaScript/900": ("  return n + n;\n}\n", "  return n;\n}\n"),
    "MBPP/901": SAMPLES["MBXP"][2:],
    "cpp/HumanEval_900_twice": ("    return n + n;\n", "    return n;\n"),
    "APPS/901": SAMPLES["APPS"][2:],
    "hard-and-new": SAMPLES["LeetCodeDataset"][2:],
    "LiveCodeBench/399": (PRINTS.format(2), PRINTS.format(3)),
}  # fmt: skip
"""Of each problem that is asked, a completion that is right and one that is not."""


def evaluate(folder, benchmarks, choices, rows, home):
    """Run the command once; return what it has found of each problem, in the order of its rows."""
    plan = ['[models.one]\ncandidates = "programs.jsonl"\n']
    for name, records in benchmarks.items():
        lines = [json.dumps(record) for record in records]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
        chosen = choices.get(name, "")
        plan.append(f'[benchmarks.{name}]\nproblems = "{name}.jsonl"\n{chosen}\n')
    (folder / "plan.toml").write_text("k = [1]\n" + "".join(plan))
    (folder / "programs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    words = ["evaluate", "--plan", str(folder / "plan.toml"), "--slots", "1", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "services.cli.main", *words, "--out", str(folder / "out")],
        env=os.environ | {"RRTF_EXECUTOR_HOME": str(home)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    evaluation = Evaluation(folder / "out")
    assert set(evaluation.items) == set(benchmarks)
    return evaluation, {
        slug: [one.is_right for one in judged]
        for found in evaluation.found
        for slug, judged in found.judged.items()
    }


@pytest.mark.thorough
def test_benchmarks_run_from_their_published_forms(open_directory, tmp_path, request):
    home = own_home(open_directory, request.node.nodeid)
    wheels = Wheels(tmp_path)
    wheels.add("measures", "1.0", {"measures.py": "TAU = 6.28\n"})
    Images(home).build("shapes", wheels.requirements("measures"))
    rows = [
        {"task_id": slug, "completion": text} for slug, both in PROGRAMS.items() for text in both
    ]

    evaluation, right = evaluate(tmp_path, BENCHMARKS, CHOICES, rows, home)

    assert right == {slug: [True, False] for slug in PROGRAMS}
    levels = {name: {item.level for item in items} for name, items in evaluation.items.items()}
    assert levels["codereval"] == {"project_runnable", "self_contained"}
    assert levels["humaneval_x"] == {"python", "javascript"}
    assert (levels["apps"], levels["multipl_e"]) == ({"competition"}, {"cpp"})
    text = (tmp_path / "out/report.md").read_text()
    assert "| pass@1 | project\\_runnable | self\\_contained |" in text


@pytest.mark.slow
@pytest.mark.data
def test_records_that_others_have_published_run_as_they_are(data_dir, open_directory, tmp_path):
    benchmarks = {
        "leetcode": published(data_dir, "leetcode.as_published", 20),
        "bigcodebench": published(data_dir, "bigcodebench_std.as_published", 2),
        "mbxp": published(data_dir, "mbxp_python.problems", 1),
    }
    # The first one's reference takes more memory than a program has.
    choices = {"leetcode": 'levels = ["Hard"]', "bigcodebench": 'without = ["BigCodeBench/0"]'}
    hard = [one for one in benchmarks["leetcode"] if one["meta"]["difficulty"] == "Hard"]
    assert 0 < len(hard) < 20
    wanted = {one["task_id"]: one["completion"] for one in hard}
    for name in ("bigcodebench", "mbxp"):
        one = benchmarks[name][-1]
        wanted[one["task_id"]] = one["canonical_solution"]
    rows = [{"task_id": slug, "completion": text} for slug, text in wanted.items()]

    _, right = evaluate(tmp_path, benchmarks, choices, rows, open_directory / "executor")

    assert right == {slug: [True] for slug in wanted}


def published(data_dir, name, most=None):
    with gzip.open(data_dir / f"suites/{name}.jsonl.gz", "rt") as file:
        return [json.loads(line) for line in itertools.islice(file, most)]
