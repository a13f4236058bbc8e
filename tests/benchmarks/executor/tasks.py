"""The candidates that all contenders run: real ones, and forgeries."""

import random
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from executor.guest.reading.plain import plain_sites
from executor.guest.reading.statements import marked_apart
from infra.contracts.problems import Problem
from infra.contracts.values.tagged import decode
from infra.records import importers
from tests.hostile.shared_suites import published

HOSTILE = Path(__file__).parents[2] / "hostile"
_FORGED_TEST = "def check(candidate):\n" + "".join(
    f"    assert candidate({n}, {2 * n}) == [{n}, {2 * n}, {3 * n}]\n" for n in (3, 7, 11)
)
"""What every forgery is up against; none of them computes the answer."""
_ENDLESS = "def {entry_point}(*_):\n    while True:\n        pass\n"


def problems(data: Path) -> dict[str, Problem]:
    """HumanEval's problems by name."""
    found = importers.read_problems(data / "HumanEval.jsonl.gz")
    return {item.slug: item for item in found if isinstance(item, Problem)}


def task(problem: Problem, program: str) -> dict[str, Any]:
    """Put a candidate into the form that the contenders read."""
    (test,) = problem.tests
    source = getattr(test, "source", "")
    found = {
        "task_id": problem.slug,
        "program": program,
        "test": source,
        "entry_point": problem.entry_point,
        "solution": problem.reference_program or "",
    }
    count = len(marked_apart(source, "check")[1])
    described = plain_sites(source, "check", problem.entry_point, count)
    if described and all(site["relation"] == "equal" and not site["kwargs"] for site in described):
        pairs = [(site["args"], site["expected"]) for site in described]
        inputs = [[decode(arg) for arg in args] for args, _ in pairs]
        expected = [decode(value) for _, value in pairs]
        if _is_json([inputs, expected]):
            found |= {"inputs": inputs, "expected": expected}
    return found


def _is_json(value: object) -> bool:
    if isinstance(value, list):
        return all(map(_is_json, value))
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_json(item) for key, item in value.items())
    return value is None or isinstance(value, (bool, int, float, str))


def references(known: dict[str, Problem], repeats: int) -> list[dict[str, Any]]:
    """The reference programs, each several times."""
    found = [task(p, p.reference_program or "") for p in known.values()]
    return found * repeats


def recorded(data: Path, known: dict[str, Problem]) -> list[dict[str, Any]]:
    """What models wrote for HumanEval."""
    records = importers.read_candidates(data / "humaneval_candidates.jsonl.gz")
    made = {slug: task(problem, "") for slug, problem in known.items()}
    return [
        {**made[record.slug], "program": record.candidate.program}
        for record in records
        if not isinstance(record, importers.BadLine)
    ]


def with_endless(tasks: list[dict[str, Any]], share: float) -> list[dict[str, Any]]:
    """Have a share of the candidates never end, spread evenly."""
    every = round(1 / share)
    return [
        {**task, "program": f"{task['program']}\n{_ENDLESS.format(**task)}"}
        if number % every == every - 1  # Not the first, with which the pool is warmed up.
        else task
        for number, task in enumerate(tasks)
    ]


def suites(data: Path, number: int, candidates: int, integrity: str) -> list[dict[str, Any]]:
    """Some of ClassEval's unittest suites, each with as many distinct programs that pass it."""
    found = []
    for one in published(data, "classeval"):
        test = "from solution import *\n" + one.source
        found += [
            {
                "task_id": one.name, "program": f"{one.reference}\n# {count}\n", "test": test,
                "reference": one.reference, "integrity": integrity,
            }
            for count in range(candidates)
        ]  # fmt: skip
        if len(found) == number * candidates:
            break
    return found


def forgeries() -> list[dict[str, Any]]:
    """Programs that pretend, with a test that none of them can pass honestly."""
    found = []
    for folder in sorted(HOSTILE.glob("forge_*")):
        expect = tomllib.loads((folder / "expect.toml").read_text())
        source = (folder / "program.py").read_bytes()
        if "all_pass" in expect["labels"] or "assert" not in expect["suites"]:
            continue
        found.append(
            {
                "task_id": folder.name,
                "program": source.decode("utf-8", "replace"),
                "test": _FORGED_TEST,
                "entry_point": "add",
                "inputs": [[n, 2 * n] for n in (3, 7, 11)],
                "expected": [[n, 2 * n, 3 * n] for n in (3, 7, 11)],
            }
        )
    return found


def contests(tests: int, repeats: int) -> list[dict[str, Any]]:
    """Programs that read and print, right and of little work, each with as many tests."""
    rng = random.Random(0)
    numbers = [[rng.randrange(10**6) for _ in range(rng.randrange(1, 200))] for _ in range(tests)]
    texts = [f"{len(row)}\n{' '.join(map(str, row))}\n" for row in numbers]
    answers: dict[str, Callable[[list[int]], object]] = {
        "sum(row)": sum,
        "*sorted(row)": lambda row: " ".join(map(str, sorted(row))),
        "len(set(row))": lambda row: len(set(row)),
        "max(a ^ b for a in row for b in row)": lambda row: max(a ^ b for a in row for b in row),
    }
    return [
        {
            "task_id": f"contest/{number}",
            "program": f"input()\nrow = list(map(int, input().split()))\nprint({expression})\n",
            "pairs": [[text, f"{answer(row)}\n"] for text, row in zip(texts, numbers, strict=True)],
        }
        for number, (expression, answer) in enumerate(answers.items())
    ] * repeats


def as_problems(tasks: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give each distinct task its problem: in HumanEval's form, or of inputs and outputs."""
    return list({task["task_id"]: _as_problem(task) for task in tasks}.values())


def _as_problem(task: dict[str, Any]) -> dict[str, Any]:
    if "pairs" in task:
        tests = [
            {"kind": "stdio", "stdin": given, "expected_stdout": wanted}
            for given, wanted in task["pairs"]
        ]
        return {"slug": task["task_id"], "prompt": "", "tests": tests}
    if "reference" in task:
        return {
            "slug": task["task_id"], "prompt": "", "integrity": task["integrity"],
            "tests": [{"kind": "assert", "source": task["test"]}],
            "reference_program": task["reference"],
        }  # fmt: skip
    kept = ("task_id", "test", "entry_point")
    # As it is published: it calibrates the time limits. Forgeries have none.
    solution = {"canonical_solution": task["solution"]} if task.get("solution") else {}
    return {"prompt": "", **{key: task[key] for key in kept}, **solution}
