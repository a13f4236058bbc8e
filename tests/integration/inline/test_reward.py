"""The reward functions, called as TRL and verl call them, against a running executor."""

import functools
import json
import math
import subprocess
import sys

import pytest
from datasets import Dataset

from infra import errors
from infra.contracts.base import Language
from infra.contracts.problems import CallTest, Problem, StdioTest
from services import reward as rewards
from services.scoring.completions import Scorer
from tests.integration.inline.conftest import KEY

TESTS = [
    {"kind": "call", "args": [1, 2], "expected": 3},
    {"kind": "call", "args": [2, 2], "expected": 4},
]
GOOD = "```python\ndef add(a, b):\n    return a + b\n```"
HALF = "Sure!\n```python\ndef add(a, b):\n    return 3\n```\nThis adds."
METHOD = "class Solution:\n    def add(self, a, b):\n        return a + b\n"
BAD = "```python\ndef add(a, b):\n    return a / 0\n```"


@pytest.fixture(autouse=True)
def environment(inline_url, monkeypatch):
    monkeypatch.setenv("RRTF_CLIENT_URL", inline_url)
    monkeypatch.setenv("RRTF_CLIENT_KEY", KEY)
    rewards._scorer_of.cache_clear()
    yield
    rewards.scorer().client.close()


@pytest.fixture
def stored(suite_client):
    tests = tuple(CallTest.model_validate(test) for test in TESTS)
    suite_client.add_problem(
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

    assert scores == pytest.approx([0.05, 1.0, 1.0, 0.5])


@pytest.mark.parametrize("tests", [TESTS, json.dumps(TESTS)])
def test_a_column_of_tests_gives_scores_too(tests):
    answers = [GOOD, "no program", "Sorry", "", [{"role": "assistant", "content": None}]]

    scores = rewards.reward(answers, tests=[tests] * 5, entry_point=["add"] * 5)

    assert scores == [1.0, 0, 0, 0, 0]


def test_rows_of_arrow_and_of_other_tasks_are_rewarded_as_they_are(stored):
    stdio = [{"kind": "stdio", "stdin": "1 2", "expected_stdout": "3"}]
    pairs = json.dumps({"inputs": ["1\n2"], "outputs": ["3"], "fn_name": "add"})
    rows = Dataset.from_dict(
        {
            "tests": [TESTS, stdio, None, None, None],
            "entry_point": ["add", None, None, None, None],
            "problem": [None, None, stored, None, None],
            "ground_truth": [None, None, None, pairs, None],
        }
    )
    answers = [GOOD, "print(sum(map(int, input().split())))", GOOD, METHOD, GOOD]

    columns = {name: rows[name] for name in rows.column_names}
    scores = rewards.reward(completions=answers, **columns)

    assert scores == [1.0, 1.0, 1.0, 1.0, None]


@pytest.mark.parametrize(("scale", "half"), [("binary", 0), ("fraction", 0.5), ("paper", 2 / 3)])
def test_another_scale_can_be_chosen(stored, scale, half):
    scores = functools.partial(rewards.reward, scale=scale)([GOOD, HALF, ""], problem=[stored] * 3)

    assert scores == pytest.approx([1, half, 0])


def test_what_was_not_executed_in_time_has_no_number(stored, monkeypatch):
    in_no_time = Scorer(rewards.scorer().client, wait_seconds=1e-6)
    monkeypatch.setattr(rewards, "scorer", lambda: in_no_time)
    # Else the answer may be there before it is asked for.
    slow = GOOD.replace("def add", "import time; time.sleep(2)\ndef add")

    assert rewards.reward([slow, ""], problem=[stored] * 2) == [None, 0]
    late, empty = rewards.compute_scores(["code"] * 2, [slow, ""], [stored] * 2)

    assert all(math.isnan(value) for value in late.values())
    assert empty == {"score": 0, "acc": 0, "pass_fraction": 0}


def test_a_completion_of_a_plain_prompt_is_put_behind_it():
    scores = rewards.reward(
        ["    return a + b\n"], tests=[TESTS], entry_point=["add"], prompts=["def add(a, b):\n"]
    )

    assert scores == [1.0]


def test_the_program_is_taken_out_by_the_rules_of_its_language(suite_client):
    doubled = [{"kind": "stdio", "stdin": "4\n", "expected_stdout": "8"}]
    answer = "```bash\nread n\necho $((2 * n))\n```\nOutput:\n```\n8\n```"
    tests = tuple(StdioTest.model_validate(test) for test in doubled)
    suite_client.add_problem(
        Problem(slug="reward/double", prompt="Double it.", language=Language.BASH, tests=tests)
    )

    by_tests = rewards.reward([answer], tests=[doubled], language=["bash"])
    by_name = rewards.reward([answer], problem=["reward/double"])

    assert by_tests == by_name == [1.0]


def test_verl_is_given_a_score_with_its_accuracy(stored):
    truth = json.dumps({"tests": TESTS, "entry_point": "add"})

    one = rewards.compute_score("code", HALF, truth, {"index": 1}, scale="fraction")
    many = rewards.compute_scores(["code"] * 2, [GOOD, BAD], [stored] * 2, [{}, {}])

    assert one == {"score": 0.5, "acc": 0.0, "pass_fraction": 0.5}
    assert [item["acc"] for item in many] == [1.0, 0.0]
    assert [item["score"] for item in many] == pytest.approx([1.0, 0.05])


def test_a_truth_that_names_no_tests_is_an_error_and_no_reward(stored):
    with pytest.raises(errors.NotFound, match="reward/none"):
        rewards.reward([GOOD], problem=["reward/none"])
    with pytest.raises(errors.InvalidInput, match="ground truth"):
        rewards.compute_score("code", GOOD, "{}")
    with pytest.raises(errors.InvalidInput, match="column"):
        rewards.reward([GOOD])
    with pytest.raises(ValueError, match="coderl"):
        rewards.reward([GOOD], problem=[stored], scale="coderl")


def test_rewards_are_imported_without_model_library_and_database():
    heavy = "torch transformers sqlalchemy psycopg celery redis fastapi"
    code = f"import sys, services.reward; print([n for n in {heavy.split()} if n in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
