"""How often models solve the stored problems, as the dashboard asks for it."""

import pytest

from infra.contracts.base import Label, Outcome
from infra.contracts.candidates import NewCandidate, NewGroup
from ranker import records
from ranker.ranking import Rules
from services import statistics

P, W = Outcome.PASSED, Outcome.WRONG_ANSWER


@pytest.fixture
def written(client, database, problem, results_for):
    """Label programs of a problem: how many each model wrote, and how many of them are right."""

    def make(slug, source=None, **models):
        metadata = {"source": source} if source else {}
        fields = {"slug": slug, "metadata": metadata}
        stored = client.add_problem(problem.model_copy(update=fields))
        candidates = [
            (
                NewCandidate(author="student", program=f"{model} {number}", model=model),
                [P, P] if number < right else [P, W],
            )
            for model, (number_of, right) in models.items()
            for number in range(number_of)
        ]
        new = NewGroup(candidates=tuple(one for one, _ in candidates))
        ids = [one.id for one in client.candidates(client.create_group(stored.id, new).id)]
        outcomes = dict(zip(ids, [of for _, of in candidates], strict=True))
        with database.unit_of_work() as work:
            records.record_results(work, results_for(outcomes), Rules())
        return stored.id

    return make


def test_models_have_rates_by_set_of_problems_and_differ_problem_by_problem(
    http, written, is_problem
):
    ids = [
        written("Set/0", small=(4, 0), large=(4, 2)),
        written("Set/1", small=(4, 4), large=(4, 1)),
        written("Set/2", small=(2, 1), large=(2, 1)),
    ]
    written("mine", source="Named", small=(1, 1))
    written("alone", small=(1, 0))

    found = http.get("/v1/models", params={"k": [4, 1]}).json()["models"]
    compared = http.get("/v1/comparison", params={"before": "small", "after": "large"}).json()

    by = {(one["model"], one["problem_set"]): one for one in found}
    assert set(by) == {("large", "Set"), ("small", "Set"), ("small", "Named"), ("small", "other")}
    small = by["small", "Set"]
    assert [(one["k"], one["problems"], one["mean"]) for one in small["pass_at"]] == [
        (1, 3, pytest.approx(0.5)),
        (4, 2, pytest.approx(0.5)),
    ]
    # Of rates of 0, 0.5 and 1; of two problems that each have four programs, by Wilson.
    assert 0 <= small["pass_at"][0]["low"] < 0.5 < small["pass_at"][0]["high"] <= 1
    wilson = statistics.wilson(1, 2)
    assert (small["pass_at"][1]["low"], small["pass_at"][1]["high"]) == pytest.approx(wilson[1:])
    assert small["problems"] == 3
    assert (small["labels"]["all_pass"], small["labels"]["partial_pass"]) == (5, 5)
    assert set(small["labels"]) == set(Label)
    assert by["small", "Named"]["pass_at"][1] == dict.fromkeys(("mean", "low", "high")) | {
        "k": 4,
        "problems": 0,
    }
    assert (compared["problems"], compared["won"], compared["lost"]) == (3, 1, 1)
    assert [(one["problem_id"], one["before"], one["after"]) for one in compared["changes"]] == [
        (str(ids[1]), [4, 4], [4, 1]),
        (str(ids[0]), [4, 0], [4, 2]),
    ]
    assert compared["mcnemar_p"] is None
    difference = compared["difference"]
    assert difference["mean"] == pytest.approx(-0.25 / 3)
    assert difference["low"] < difference["mean"] < difference["high"]
    asked = {"before": "small", "after": "large", "problem_set": "Named"}
    is_problem(http.get("/v1/comparison", params=asked), 404, "not_found")
    is_problem(http.get("/v1/models", params={"k": 0}), 422, "invalid_input")
    newest = http.get("/v1/models", params={"candidates": 1}).json()["models"]
    assert [one["problem_set"] for one in newest] == ["other"]


def test_models_that_solve_nothing_and_all_are_not_rated_without_doubt(http, written):
    for number in range(5):
        written(f"Set/{number}", small=(1, 0), large=(1, 1))

    found = http.get("/v1/models", params={"k": 1}).json()["models"]
    compared = http.get("/v1/comparison", params={"before": "small", "after": "large"}).json()

    for one, right in zip(found, (5, 0), strict=True):
        (rate,) = one["pass_at"]
        assert (rate["mean"], rate["low"], rate["high"]) == pytest.approx(
            statistics.wilson(right, 5)
        )
    assert compared["mcnemar_p"] == pytest.approx(2 / 2**5)
