"""The reward functions, called as TRL and verl call them, against a running executor."""

import json
import subprocess
import sys

import pytest

from infra import errors
from infra.contracts.base import Language
from infra.contracts.problems import CallTest, Problem, StdioTest
from services import reward as rewards
from tests.integration.direct.conftest import KEY

TESTS = [
    {"kind": "call", "args": [1, 2], "expected": 3},
    {"kind": "call", "args": [2, 2], "expected": 4},
]
GOOD = "```python\ndef add(a, b):\n    return a + b\n```"
HALF = "Sure!\n```python\ndef add(a, b):\n    return 3\n```\nThis adds."
BAD = "```python\ndef add(a, b):\n    return a / 0\n```"


@pytest.fixture(autouse=True)
def environment(direct_url, monkeypatch):
    monkeypatch.setenv("RRTF_CLIENT_URL", direct_url)
    monkeypatch.setenv("RRTF_CLIENT_KEY", KEY)
    rewards._scorer_of.cache_clear()
    yield
    rewards.scorer()._client.close()


@pytest.fixture
def stored(direct):
    tests = tuple(CallTest.model_validate(test) for test in TESTS)
    direct.add_problem(
        Problem(slug="reward/add", prompt="def add(a, b):\n", entry_point="add", tests=tests)
    )
    return "reward/add"


def test_a_column_of_problems_gives_scores_in_order(stored):
    messages = [{"role": "assistant", "content": GOOD}]

    scores = rewards.reward(
        prompts=["p"] * 4,
        completions=[BAD, GOOD, messages, HALF],
        completion_ids=[[1]] * 4,
        problem=[stored] * 4,
        trainer_state=None,
    )

    assert scores == pytest.approx([1 / 3, 1.0, 1.0, (2 + 0.45) / 3])


@pytest.mark.parametrize("tests", [TESTS, json.dumps(TESTS)])
def test_a_column_of_tests_gives_scores_too(tests):
    scores = rewards.reward([GOOD, "no program"], tests=[tests] * 2, entry_point=["add"] * 2)

    assert scores[0] == 1.0
    assert scores[1] < 0.5


def test_a_completion_of_a_plain_prompt_is_put_behind_it():
    scores = rewards.reward(
        ["    return a + b\n"], tests=[TESTS], entry_point=["add"], prompts=["def add(a, b):\n"]
    )

    assert scores == [1.0]


def test_the_program_is_taken_out_by_the_rules_of_its_language(direct):
    doubled = [{"kind": "stdio", "stdin": "4\n", "expected_stdout": "8"}]
    answer = "```bash\nread n\necho $((2 * n))\n```\nOutput:\n```\n8\n```"
    tests = tuple(StdioTest.model_validate(test) for test in doubled)
    direct.add_problem(
        Problem(slug="reward/double", prompt="Double it.", language=Language.BASH, tests=tests)
    )

    by_tests = rewards.reward([answer], tests=[doubled], language=["bash"])
    by_name = rewards.reward([answer], problem=["reward/double"])

    assert by_tests == by_name == [1.0]


def test_verl_is_given_a_score_with_its_accuracy(stored):
    truth = json.dumps({"tests": TESTS, "entry_point": "add"})

    one = rewards.compute_score("code", HALF, truth, {"index": 1}, preset="coderl")
    many = rewards.compute_scores(["code"] * 2, [GOOD, BAD], [stored] * 2, [{}, {}])

    assert one == {"score": -0.3, "acc": 0.0, "pass_fraction": 0.5}
    assert [item["acc"] for item in many] == [1.0, 0.0]
    assert [item["score"] for item in many] == pytest.approx([1.0, 1 / 3])


def test_a_truth_that_names_no_tests_is_an_error_and_no_reward(stored):
    with pytest.raises(errors.NotFound, match="reward/none"):
        rewards.reward([GOOD], problem=["reward/none"])
    with pytest.raises(errors.InvalidInput, match="ground truth"):
        rewards.compute_score("code", GOOD, "{}")
    with pytest.raises(errors.InvalidInput, match="column"):
        rewards.reward([GOOD])


def test_rewards_are_imported_without_model_library_and_database():
    heavy = "torch transformers sqlalchemy psycopg celery redis fastapi"
    code = f"import sys, services.reward; print([n for n in {heavy.split()} if n in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
