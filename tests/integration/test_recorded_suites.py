"""Public suites and small cases: what one ordinary process says of each program is what we say."""

import json
from collections import Counter

import pytest

from executor import label
from infra.contracts.base import Label
from infra.records import importers
from tests.samples import is_drawn

SETS = ("classeval", "odex_std", "cruxeval", "puzzles_p3")
DIFFERENT = {
    "classeval": {
        # The calendar of the recording's own machine was in another time zone.
        *("ClassEval/50#ref", "ClassEval/50#none", "ClassEval/50#model0"),
        # Its reference needs numpy.
        "ClassEval/59#ref",
    },
}
"""Programs on which we differ by intent."""


def _problems(path):
    return [importers.to_problem(record) for _, record in importers.read_records(path)]


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize("one_in", [8, pytest.param(1, marks=pytest.mark.thorough)])
@pytest.mark.parametrize("name", SETS)
def test_a_public_suite_is_judged_as_in_one_ordinary_process(data_dir, name, one_in):
    folder = data_dir / "suites"
    programs = [r for _, r in importers.read_records(folder / f"{name}.candidates.jsonl.gz")]
    references = {
        one["task_id"]: one["program"]
        for one in programs
        if one["kind"] == "ref" and one["plain"] == "pass"
    }
    problems = [
        one.model_copy(update={"reference_program": references.get(one.slug)})
        for one in _problems(folder / f"{name}.problems.jsonl.gz")
    ]
    chosen = [one for one in programs if is_drawn(one["id"], one_in)]
    assert len(chosen) > 7
    different = set()
    for done in label(problems, chosen):
        plain, found = done.record["plain"], done.verdict.label if done.verdict else None
        passes, compiles = plain == "pass", plain != "compile_error"
        same = (found is Label.ALL_PASS, found is not Label.COMPILE_ERROR) == (passes, compiles)
        if not same:
            different.add(done.record["id"])

    assert different == DIFFERENT.get(name, set()) & {one["id"] for one in chosen}


@pytest.mark.slow
@pytest.mark.data
def test_small_suites_of_every_kind_are_judged_right(data_dir):
    problems, candidates, seen = [], [], Counter()
    lines = (data_dir / "cases" / "python_suites.jsonl").read_text().splitlines()
    for case in map(json.loads, lines):
        right = [
            one
            for one, wanted in zip(case["candidates"], case["expected"], strict=True)
            if wanted == "all_pass"
        ]
        for record in case["problems"]:
            problem = importers.to_problem(record)
            seen[problem.slug] += 1
            slug = f"{problem.slug}-{seen[problem.slug]}"
            first = next((r["program"] for r in right if r["task_id"] == problem.slug), None)
            reference = problem.reference_program or first
            problems.append(
                problem.model_copy(update={"slug": slug, "reference_program": reference})
            )
        for one, wanted in zip(case["candidates"], case["expected"], strict=True):
            slug = f"{one['task_id']}-{seen[one['task_id']]}"
            candidates.append({**one, "task_id": slug, "case": case["case"], "wanted": wanted})
    wrong = set()
    for done in label(problems, candidates):
        found = done.verdict.label.value if done.verdict else None
        wanted = done.record["wanted"]
        is_right = found != "all_pass" if wanted == "not_all_pass" else found == wanted
        if wanted is not None and not is_right:
            wrong.add(done.record["case"])

    assert wrong == set()
