"""Recorded programs that pass, dressed up as completions and extracted: `make bench-extraction`.

Prints for each form how many pass again, and names the rest. The test of the same name takes two
programs of each model and problem; this takes all.
"""

import argparse
import itertools
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from executor import label
from infra.contracts.base import Label
from infra.contracts.problems import Problem
from infra.records import importers
from sampler.extraction.program import extract
from tests.integration.test_recorded_completions import FEWEST, completions_of, shape


def passing(data: Path, per_model: int, problems: dict[str, Problem]) -> list[dict[str, Any]]:
    """Return recorded programs that pass as they are."""
    records = importers.read_records(data / "humaneval_candidates.jsonl.gz")
    by_model = itertools.groupby((one for _, one in records), lambda r: (r["task_id"], r["model"]))
    chosen = [one for _, group in by_model for one in itertools.islice(group, per_model)]
    return [
        dict(one.record)
        for one in label(problems.values(), chosen)
        if one.verdict is not None and one.verdict.label is Label.ALL_PASS
    ]


def failing(
    changed: dict[tuple[str, str], list[tuple[str, str]]], problems: dict[str, Problem]
) -> Iterator[tuple[str, str, str, Label | None]]:
    """Run what came out other than it went in; yield problem, form, model and label of the bad."""
    inputs = [{"task_id": slug, "program": program} for slug, program in changed]
    found = label(problems.values(), inputs)
    for ((slug, _), forms), one in zip(changed.items(), found, strict=True):
        verdict = one.verdict.label if one.verdict else None
        if verdict is not Label.ALL_PASS:
            yield from ((slug, form, model, verdict) for form, model in forms)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--per-model", type=int, default=10)
    given = parser.parse_args()
    problems = {one.slug: one for one in importers.read_problems(given.data / "HumanEval.jsonl.gz")}
    asked: Counter[str] = Counter()
    changed: dict[tuple[str, str], list[tuple[str, str]]] = {}
    records = passing(given.data, given.per_model, problems)
    for record in records:
        problem = problems[record["task_id"]]
        for form, text in completions_of(record["program"], problem.prompt):
            asked[form] += 1
            program = extract(problem.prompt, text, problem.entry_point).program
            if shape(program) != shape(record["program"]):
                changed.setdefault((problem.slug, program), []).append((form, record["model"]))
    lost = sorted(failing(changed, problems))
    by_form = Counter(form for _, form, _, _ in lost)
    for form, count in asked.items():
        print(f"{form:<36}{count - by_form[form]:>7} of {count}")
    share = 1 - len(lost) / asked.total()
    print(f"{len(records)} programs that pass, {asked.total()} completions, {share:.4%} pass again")
    for slug, form, model, verdict in lost:
        print(f"  {slug}  {form}  {model}: {verdict}")
    return 0 if share >= FEWEST else 1


if __name__ == "__main__":
    sys.exit(main())
