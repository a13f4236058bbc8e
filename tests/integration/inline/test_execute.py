"""`POST /v1/execute`: labels while one waits, through a real executor, and nothing stored."""

import concurrent.futures

import pytest
import redis

from executor.installed import look_up
from infra import errors
from infra.contracts.base import Label, Language, Outcome
from infra.contracts.inline import ExecuteRequest
from infra.contracts.problems import AssertTest, CallTest, Problem, StdioTest
from infra.contracts.views.api import NewApiKey, Scope
from infra.queues.messaging import Queue, queue_keys
from services.api.documents import examples
from services.client import Client

ADD = (CallTest(args=(1, 2), expected=3), CallTest(args=(2, 2), expected=4))
GOOD = "def add(a, b): return a + b"


def request(*programs, tests=ADD, **fields):
    return ExecuteRequest(tests=tests, entry_point="add", programs=programs, **fields)


def test_every_label_comes_back_in_the_order_of_the_programs(suite_client):
    answered = suite_client.execute(
        request(GOOD, "def add(a, b): return 3", "def add(a, b): raise KeyError", "def add(")
    )

    assert [result.label for result in answered.results] == [
        Label.ALL_PASS, Label.PARTIAL_PASS, Label.RUNTIME_ERROR, Label.COMPILE_ERROR,
    ]  # fmt: skip
    assert [result.pass_fraction for result in answered.results] == [1.0, 0.5, 0.0, 0.0]
    second = answered.results[1].verdict.tests[1]
    assert second.outcome is Outcome.WRONG_ANSWER
    assert second.detail == "got 3, expected 4"
    assert suite_client.stats().candidates == {"submitted": 0, "labelled": 0, "quarantined": 0}


def test_a_batch_larger_than_the_spread_keeps_its_order(suite_client):
    programs = [f"def add(a, b): return a + b + {number % 3}" for number in range(50)]

    results = suite_client.execute(request(*programs)).results

    expected = [Label.PARTIAL_PASS if number % 3 else Label.ALL_PASS for number in range(50)]
    assert [result.label for result in results] == expected


def test_a_stored_problem_is_named_by_slug_or_id(suite_client):
    stored = suite_client.add_problem(
        Problem(slug="direct/add", prompt="add", entry_point="add", tests=ADD)
    )

    for name in ("direct/add", str(stored.id)):
        (result,) = suite_client.execute(ExecuteRequest(problem=name, programs=(GOOD,))).results
        assert result.label is Label.ALL_PASS
    with pytest.raises(errors.NotFound, match="direct/none"):
        suite_client.execute(ExecuteRequest(problem="direct/none", programs=(GOOD,)))


def test_what_a_stored_test_expects_is_told_to_readers_only(suite_client, inline_url):
    hidden = CallTest(args=(20, 22), expected=424_242)
    suite_client.add_problem(
        Problem(slug="direct/secret", prompt="p", entry_point="add", tests=(hidden,))
    )
    broken = AssertTest(source="assert add( == 424242")
    suite_client.add_problem(
        Problem(slug="direct/broken", prompt="p", entry_point="add", tests=(broken,))
    )
    new = NewApiKey(name="submits", scopes=frozenset({Scope.SUBMIT}))
    asked = ExecuteRequest(problem="direct/secret", programs=(GOOD, "def add(a, b): return a"))

    with Client(inline_url, suite_client.create_key(new).key) as submits:
        blind = submits.execute(asked)
        own = submits.execute(request(GOOD, tests=(hidden,)))
        with pytest.raises(errors.InvalidInput) as refused:
            submits.execute(ExecuteRequest(problem="direct/broken", programs=(GOOD,)))
    seen = suite_client.execute(asked)

    assert "424242" in seen.results[0].verdict.tests[0].detail
    assert "424242" in own.results[0].verdict.tests[0].detail
    assert "424242" not in blind.model_dump_json() + refused.value.detail
    assert [result.label for result in blind.results] == [result.label for result in seen.results]


def test_stdio_and_assert_tests_are_answered_too(suite_client):
    echo = StdioTest(stdin="7\n", expected_stdout="14\n")
    (printed,) = suite_client.execute(
        ExecuteRequest(tests=(echo,), programs=("print(2 * int(input()))",))
    ).results
    asserted = AssertTest(source="assert add(1, 1) == 2\nassert add(1, 2) == 4")
    (checked,) = suite_client.execute(request(GOOD, tests=(asserted,))).results

    assert printed.label is Label.ALL_PASS
    assert (checked.label, checked.pass_fraction) == (Label.PARTIAL_PASS, 0.5)


def test_tests_that_cannot_be_run_are_the_callers_fault(suite_client):
    broken = AssertTest(source="assert add(")

    with pytest.raises(errors.InvalidInput, match="the tests cannot be run"):
        suite_client.execute(request(GOOD, tests=(broken,)))


def test_an_answer_that_breaks_a_checker_costs_nobody_else_a_label(suite_client):
    checker = "def check(args, expected, actual):\n    return int(actual) == expected\n"
    test = CallTest(args=(1, 2), expected=3, comparator="checker", checker=checker)

    results = suite_client.execute(
        request("def add(a, b): return 'x'", GOOD, tests=(test,))
    ).results

    assert [result.label for result in results] == [None, Label.ALL_PASS]
    assert "the checker failed: ValueError" in results[0].reason


def test_what_is_not_finished_in_time_has_no_label_and_the_rest_has(suite_client):
    slow = "import time\ndef add(a, b):\n    time.sleep(4)"

    results = suite_client.execute(request(GOOD, slow, wait_seconds=2)).results

    assert [result.label for result in results] == [Label.ALL_PASS, None]
    assert results[1].verdict is None
    assert "within 2 s" in results[1].reason


@pytest.mark.slow
def test_what_nobody_waits_for_any_more_is_not_executed(suite_client, inline_redis):
    slow = "import time\ndef add(a, b):\n    time.sleep(2)"
    # Two slots and sixteen messages: most of them are still queued when the wait is over.
    late = suite_client.execute(request(*[slow] * 16, wait_seconds=1)).results
    soon = suite_client.execute(request(GOOD, wait_seconds=60)).results

    assert [result.label for result in late] == [None] * 16
    assert soon[0].label is Label.ALL_PASS
    with redis.Redis.from_url(inline_redis) as client:
        assert sum(client.llen(key) for key in queue_keys(Queue.EXECUTOR)) == 0
        assert list(client.scan_iter("rrtf:wanted:*")) == []


@pytest.mark.slow
def test_every_example_of_inline_work_is_answered(suite_client, raw):
    suite_client.add_problem(Problem.model_validate(examples.PROBLEM["stdio"]["value"]))

    for example in examples.EXECUTE.values():
        answered = raw.post("/v1/execute", json=example["value"]).json()
        assert answered["results"][0]["label"] == "all_pass"
    for name, example in examples.RUN_CODE.items():
        if name == "python" or look_up(Language.CPP).path is not None:
            answered = raw.post("/run_code", json=example["value"]).json()
            assert answered["run_result"]["stdout"].strip() == "42"
    for example in examples.PISTON.values():
        answered = raw.post("/api/v2/execute", json=example["value"]).json()
        assert answered["run"]["stdout"] == "onetwo\n"


def test_many_callers_get_each_their_own_answers(suite_client):
    def ask(number):
        program = f"def add(a, b): return a + b if a == {number} else None"
        tests = (CallTest(args=(number, 1), expected=number + 1),)
        return suite_client.execute(request(program, tests=tests)).results[0].label

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        labels = list(pool.map(ask, range(48)))

    assert labels == [Label.ALL_PASS] * 48


@pytest.mark.parametrize(
    "body",
    [
        {"programs": ["x"]},
        {"programs": [], "problem": "a"},
        {"programs": ["x"], "problem": "a", "tests": [{"kind": "call", "expected": 1}]},
        {"programs": ["x"], "tests": [{"kind": "call", "expected": 1}]},
        {"programs": ["x"], "problem": "a", "wait_seconds": 1000},
        {"programs": ["x"], "entry_point": "f", "tests": [{"kind": "call", "args": [{"$int": 1}]}]},
        {"programs": ["x"], "language": "c", "tests": [{"kind": "call", "function": "f"}]},
    ],
)
def test_requests_that_make_no_sense_are_refused(raw, body):
    answered = raw.post("/v1/execute", json=body)

    assert answered.status_code == 422
    assert answered.json()["code"] == "invalid_input"


@pytest.mark.slow
@pytest.mark.usefixtures("numpy_image")
def test_programs_have_the_packages_of_the_image_that_is_named(suite_client):
    program = "import numpy\ndef add(a, b): return int(numpy.add(a, b))"

    with_them = suite_client.execute(request(program, image="numpy")).results
    without = suite_client.execute(request(program)).results

    assert [result.label for result in (*with_them, *without)] == [
        Label.ALL_PASS, Label.RUNTIME_ERROR,
    ]  # fmt: skip


def test_who_names_an_image_that_is_not_built_is_told_how_it_is(suite_client):
    (result,) = suite_client.execute(request(GOOD, image="elsewhere")).results

    assert result.label is None
    assert result.reason == (
        "this executor has no image 'elsewhere';"
        " build it with rrtf images build elsewhere REQUIREMENTS.txt"
    )


def test_a_language_with_packages_is_refused_with_what_to_say_instead(raw):
    test = {"kind": "call", "expected": 1}
    problem = {"slug": "p", "prompt": "p", "entry_point": "f", "tests": [test]}
    given = {"tests": [test], "entry_point": "f", "programs": ["def f(): return 1"]}

    answers = [
        raw.post(path, json=body | {"language": "python_numpy"})
        for path, body in (("/v1/problems", problem), ("/v1/execute", given))
    ]

    assert [answer.status_code for answer in answers] == [422, 422]
    for answer in answers:
        assert 'use \\"language\\": \\"python\\", \\"image\\": \\"numpy\\"' in answer.text


def test_a_stored_problem_keeps_its_image(suite_client):
    problem = Problem(slug="with/numpy", prompt="p", entry_point="add", tests=ADD, image="numpy")

    assert suite_client.add_problem(problem).image == "numpy"
    assert suite_client.find_problem("with/numpy").image == "numpy"
