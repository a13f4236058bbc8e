"""SandboxFusion's data sets: stored problems, as its client reads and submits to them."""

import httpx
import pytest

from infra.contracts.problems import CallTest, Limits, Problem
from services.client import Client
from tests.integration.inline.conftest import KEY

LIMITS = Limits(cpu_seconds=0.5)
GOOD = "Sure:\n```python\ndef add(a, b):\n    return a + b\n```"


@pytest.fixture(scope="module")
def stored(inline_url):
    """Two problems of the data set `fusion`, and one of another whose name begins so too."""
    tests = (CallTest(args=(1, 2), expected=3), CallTest(args=(2, 2), expected=4))
    with Client(inline_url, KEY) as client:
        for slug in ("fusion/1", "fusion/2/b", "fusion_more/1"):
            prompt = f"Write `add(a, b)`, of {slug}."
            client.add_problem(
                Problem(slug=slug, prompt=prompt, entry_point="add", tests=tests, limits=LIMITS)
            )


def asked(raw, path, **fields):
    return raw.post(path, json={"dataset": "fusion", "config": {"language": "python"}, **fields})


def test_a_data_set_is_the_problems_whose_names_begin_so(raw, stored):
    every = asked(raw, "/get_prompts").json()
    second = asked(raw, "/get_prompts", offset=1, limit=5).json()
    one = asked(raw, "/get_prompt_by_id", id=1).json()

    assert [prompt["id"] for prompt in every] == ["1", "2/b"]
    assert second == every[1:]
    assert one == {**every[0], "id": 1}
    assert one["prompt"] == "Write `add(a, b)`, of fusion/1."
    assert one["labels"] == {"entry_point": "add", "language": "python", "image": "std"}


@pytest.mark.parametrize(
    ("completion", "accepted", "passed"),
    [
        (GOOD, True, [True, True]),
        ("def add(a, b):\n    return 3", False, [True, False]),
        ("def add(a, b):\n    while a: pass", False, [False, False]),
        ("Sorry", False, []),
    ],
)
def test_what_is_submitted_is_judged_by_the_problems_tests(
    raw, stored, completion, accepted, passed
):
    body = asked(raw, "/submit", id=1, completion=completion).json()

    assert (body["id"], body["accepted"]) == (1, accepted)
    assert [test["passed"] for test in body["tests"]] == passed
    assert ("def add" in body["extracted_code"]) is bool(passed)
    ended = [test["exec_info"]["run_result"]["status"] for test in body["tests"]]
    assert ("TimeLimitExceeded" in ended) is ("while" in completion)
    for test in body["tests"]:
        run = test["exec_info"]["run_result"]
        assert (run["return_code"] == 0) is test["passed"]


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        ("/get_prompt_by_id", {"id": "none"}, 404),
        ("/submit", {"id": "none", "completion": "x"}, 404),
        ("/submit", {"id": 1, "completion": "x", "config": {"provided_data": [{}]}}, 422),
        ("/get_prompts", {"config": {"custom_extract_logic": "x"}}, 422),
        ("/get_prompts", {"dataset": "a\0"}, 422),
    ],
)
def test_what_is_not_had_is_refused(raw, stored, path, fields, status):
    assert asked(raw, path, **fields).status_code == status


def test_no_data_set_is_read_without_a_key(inline_url):
    for path in ("/get_prompts", "/get_prompt_by_id", "/submit"):
        assert httpx.post(f"{inline_url}{path}", json={}).status_code == 401
