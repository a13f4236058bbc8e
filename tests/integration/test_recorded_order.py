"""Recorded programs, executed and ranked: no pair is against the tests that they pass."""

from itertools import groupby
from uuid import UUID

import pytest

from executor import label
from infra.contracts.base import Author
from infra.contracts.ranking import Judged
from infra.records import importers
from ranker.ranking import Preset, Rules, rank

PROBLEMS = tuple(f"HumanEval/{number}" for number in (54, 75, 87, 119, 132, 137, 161))
"""Those in which a teacher and a student differ by so little that a bonus would outweigh it."""


@pytest.fixture(scope="module")
def passed(data_dir):
    """The recorded programs of these problems with what the executor found, problem by problem."""
    problems = [
        one
        for one in importers.read_problems(data_dir / "HumanEval.jsonl.gz")
        if one.slug in PROBLEMS
    ]
    records = importers.read_records(data_dir / "humaneval_candidates.jsonl.gz")
    chosen = [record for _, record in records if record["task_id"] in PROBLEMS]
    found = sorted(label(problems, chosen), key=lambda one: one.record["task_id"])
    return [list(of_one) for _, of_one in groupby(found, key=lambda one: one.record["task_id"])]


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize("all_pairs", [False, True])
@pytest.mark.parametrize("preset", [one for one in Preset if one is not Preset.LINEAR])
def test_no_pair_of_recorded_candidates_is_against_their_tests(passed, preset, all_pairs):
    num_pairs, against = 0, []
    for group in passed:
        verdicts = {UUID(int=number): one.verdict for number, one in enumerate(group)}
        judged = [
            Judged(
                candidate_id=one,
                author=Author(item.record["author"]),
                label=verdicts[one].label,
                pass_fraction=verdicts[one].passed / verdicts[one].total,
                program=item.record["program"],
            )
            for one, item in zip(verdicts, group, strict=True)
        ]
        for pair in rank(judged, Rules(preset=preset, all_pairs=all_pairs)).pairs:
            num_pairs += 1
            if verdicts[pair.better_id].passed < verdicts[pair.worse_id].passed:
                against.append(pair)

    assert len(passed) == len(PROBLEMS)
    assert num_pairs > 100
    assert against == []
