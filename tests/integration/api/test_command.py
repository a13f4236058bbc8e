"""The `rrtf` command against a real API."""

import gzip
import json
import os
import subprocess
import sys

import pytest

from infra.contracts.base import Outcome
from infra.local.home import API_KEY, API_URL, secret_file
from infra.local.parts import Parts
from infra.queues.messaging import Task
from ranker import records
from ranker.ranking import Rules
from services.cli.stored import submitting
from tests import contest_records


@pytest.fixture
def write(tmp_path):
    def write_lines(name, *records):
        text = "".join(
            (record if isinstance(record, str) else json.dumps(record)) + "\n" for record in records
        )
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
        return path

    return write_lines


HUMAN_EVAL = {
    "task_id": "HumanEval/0",
    "prompt": "def f():\n",
    "test": "def check(candidate):\n    assert candidate() == 1\n",
    "entry_point": "f",
}
MBPP = {"task_id": 11, "text": "Return one.", "test_list": ["assert f() == 1"]}


def test_problems_of_a_file_are_stored_once(rrtf, write, client):
    path = write("problems.jsonl.gz", HUMAN_EVAL, MBPP)

    first, again = rrtf("import", path), rrtf("import", path)

    assert (first.exit_code, first.stdout) == (0, "2 new, 0 known, 0 bad\n")
    assert (again.exit_code, again.stdout) == (0, "0 new, 2 known, 0 bad\n")
    assert [item.slug for item in client.problems()] == ["HumanEval/0", "MBPP/11"]


def test_bad_lines_and_refused_problems_are_named_and_the_rest_is_stored(rrtf, write, client):
    rrtf("import", write("first.jsonl", HUMAN_EVAL))
    changed = {**HUMAN_EVAL, "prompt": "def f(): # other\n"}
    path = write("second.jsonl", "{oops", changed, MBPP)

    result = rrtf("import", path)

    assert result.exit_code == 1
    assert result.stdout == "1 new, 0 known, 2 bad\n"
    assert f"{path}, line 1: not JSON" in result.stderr
    assert f"{path}, HumanEval/0: " in result.stderr
    assert [item.slug for item in client.problems()] == ["HumanEval/0", "MBPP/11"]


def test_problems_too_large_for_one_request_are_stored_in_several(rrtf, write, client):
    """The server here takes 200 kB."""
    fitting = [HUMAN_EVAL | {"task_id": f"H/{n}", "prompt": "#" * 90_000} for n in range(5)]
    too_large = HUMAN_EVAL | {"task_id": "H/large", "prompt": "#" * 210_000}
    path = write("problems.jsonl", *fitting[:3], too_large, *fitting[3:])

    result = rrtf("import", path)

    assert (result.exit_code, result.stdout) == (1, "5 new, 0 known, 1 bad\n")
    assert f"{path}, H/large: " in result.stderr
    assert [item.slug for item in client.problems()] == [f"H/{n}" for n in range(5)]


def test_values_that_the_api_or_json_cannot_take_are_named_and_the_rest_is_stored(
    rrtf, write, client
):
    test = {"kind": "call", "args": ["\ud800"], "expected": 1}
    odd = {"slug": "own/odd", "prompt": "", "entry_point": "f", "tests": [test]}
    infinite = json.dumps(odd).replace('"\\ud800"', "1e999")
    packed = contest_records.apps_call([1, 2])
    packed["input_output"] = packed["input_output"].replace("[[1]]", "[1e999]")
    path = write("problems.jsonl", infinite, odd, packed, HUMAN_EVAL)

    result = rrtf("import", path)

    assert (result.exit_code, result.stdout) == (1, "1 new, 0 known, 3 bad\n")
    assert f"{path}, line 1: not JSON: 1e999 is no finite number" in result.stderr
    assert f"{path}, line 3: input_output: not JSON: 1e999 is no finite number" in result.stderr
    assert f"{path}, own/odd: " in result.stderr
    assert [item.slug for item in client.problems()] == ["HumanEval/0"]


def test_tests_that_no_executor_takes_are_named_at_the_import(rrtf, write, client):
    data = {"inputs": ["1" * 1_000_001, "2\n"], "outputs": ["1", "2"]}
    path = write("problems.jsonl", contest_records.apps(input_output=json.dumps(data)))

    result, as_json = rrtf("import", path), rrtf("import", path, "--json")

    said = "1 new, 0 known, 0 bad; tests left out, too long or too many: 1\n"
    assert (result.exit_code, result.stdout) == (0, said)
    assert json.loads(as_json.stdout)["tests_left_out"] == 1
    assert len(client.find_problem_with_tests("APPS/7").tests) == 1


def test_candidates_make_one_group_for_each_problem(rrtf, write, client, dispatch, sent):
    rrtf("import", write("problems.jsonl", HUMAN_EVAL, MBPP))
    path = write(
        "candidates.jsonl",
        {"task_id": "HumanEval/0", "completion": "    return 1\n", "author": "teacher"},
        {"task_id": 11, "program": "def f(): return 1\n"},
        {"task_id": "HumanEval/0", "program": "def f(): return 2\n", "temperature": 0.5},
        {"task_id": "HumanEval/9", "program": "x"},
    )

    result = rrtf("submit", path, "--policy", "p1")

    assert result.exit_code == 1
    first, kept, pairless = result.stdout.splitlines()
    assert first == "3 candidates in 2 groups submitted, 1 bad"
    assert kept.startswith("`temperature` of 1 line is no field of a candidate")
    assert pairless.startswith("1 group will give no pairs, too_few_candidates: give at least two")
    assert "line 4: there is no problem 'HumanEval/9'; import it first" in result.stderr
    groups = {group.problem_slug: group for group in client.groups()}
    assert {slug: group.policy for slug, group in groups.items()} == {
        "HumanEval/0": "p1",
        "MBPP/11": "p1",
    }
    dispatch()
    sources = {p.source for m in sent.of(Task.EXECUTE_BATCH) for p in m.programs}
    assert "def f():\n    return 1\n" in sources
    (_, second) = client.candidates(groups["HumanEval/0"].id)
    assert second.metadata == {"temperature": 0.5}


OF_ONE_MODEL = (
    {"task_id": 11, "program": "def f(): return 1\n", "model": "m"},
    {
        "task_id": 11,
        "program": "def f(): return 2\n",
        "model": "m",
        "policy_version": 3,
        "note": "x",
    },
)


def test_the_same_submission_twice_makes_its_groups_once(rrtf, write, client):
    rrtf("import", write("problems.jsonl", MBPP))
    path = write("candidates.jsonl", *OF_ONE_MODEL)
    rrtf("submit", path)

    again = rrtf("submit", path)

    assert again.stdout.startswith("0 candidates in 0 groups submitted, 2 known, 0 bad\n")
    assert "`note` of 1 line is no field of a candidate" in again.stdout
    assert len(list(client.groups())) == 1
    # What is asked for in another way, or expressly, is not the same.
    for words in (["--pairs", "all"], ["--policy", "p"], ["--again"], ["--again"]):
        assert rrtf("submit", path, *words).stdout.startswith("2 candidates in 1 group")
    assert len(list(client.groups())) == 5


def test_samples_of_one_model_give_pairs_if_all_are_to_be_paired(
    rrtf, write, client, database, results_for
):
    rrtf("import", write("problems.jsonl", MBPP))
    path = write("candidates.jsonl", *OF_ONE_MODEL)
    said = {pairs: rrtf("submit", path, "--pairs", pairs).stdout for pairs in ("teacher", "all")}
    for group in client.groups():
        right, wrong = (one.id for one in client.candidates(group.id))
        outcomes = {right: [Outcome.PASSED], wrong: [Outcome.WRONG_ANSWER]}
        with database.unit_of_work() as work:
            records.record_results(work, results_for(outcomes), Rules())

    teacher, every = client.groups()
    assert (teacher.pairs, every.pairs) == ("teacher", "all")
    assert client.get_ranking(every.id).skip_reason is None
    assert len(client.get_ranking(every.id).pairs) == 1
    what_to_do = "no_teacher: add a teacher's program, or pair all"
    assert f"1 group will give no pairs, {what_to_do}" in said["teacher"]
    assert "no_teacher" not in said["all"]
    *_, last = rrtf("watch").stdout.splitlines()
    assert last.startswith(f"no training data from 1 group, {what_to_do}")
    *_, last = rrtf("watch", teacher.id).stdout.splitlines()
    assert last.startswith(f"ranked: 0 pairs, no training data, {what_to_do}")
    assert "pair all" in " ".join(rrtf("show", teacher.id).stdout.split())
    shown = rrtf("show", every.id, "--json").stdout
    assert [one["label"] for one in json.loads(shown)["candidates"]] == ["all_pass", "partial_pass"]
    stats = json.loads(rrtf("status", "--json").stdout)
    assert stats["advice"]["no_teacher"].startswith("add a teacher's")


def test_programs_without_names_go_to_the_problems_of_a_file_in_order(rrtf, write, client):
    problems = write("problems.jsonl", HUMAN_EVAL, MBPP)
    rrtf("import", problems)
    path = write("generations.json", [["def f(): return 1\n", "x"], ["y"]])

    alone = rrtf("submit", path)
    result = rrtf("submit", path, "--problems", problems)

    assert alone.exit_code == 1
    assert "2 lists of programs without names" in alone.stderr
    assert result.stdout.startswith("3 candidates in 2 groups submitted, 0 bad\n")
    found = {group.problem_slug: sum(group.candidates.values()) for group in client.groups()}
    assert found == {"HumanEval/0": 2, "MBPP/11": 1}


def test_the_program_is_taken_out_of_an_answer(rrtf, write, sent, dispatch):
    rrtf("import", write("problems.jsonl", HUMAN_EVAL, MBPP))
    body = {"choices": [{"message": {"content": "So:\n```python\ndef f():\n    return 1\n```"}}]}
    batch = {"custom_id": "HumanEval/0-1", "response": {"status_code": 200, "body": body}}

    result = rrtf("submit", write("batch.jsonl", batch, {"task_id": 11, "answer": "def f(): 1"}))

    assert result.stdout.startswith("2 candidates in 2 groups submitted, 0 bad\n")
    dispatch()
    sources = {p.source for m in sent.of(Task.EXECUTE_BATCH) for p in m.programs}
    assert sources == {"def f():\n    return 1\n", "def f(): 1"}


def test_a_group_that_is_refused_does_not_stop_the_others(rrtf, write, client):
    rrtf("import", write("problems.jsonl", HUMAN_EVAL, MBPP))
    path = write(
        "candidates.jsonl",
        {"task_id": "HumanEval/0", "program": "x" * 250_000},
        {"task_id": 11, "program": "y"},
        {"task_id": "HumanEval/0", "program": "z"},
    )

    result = rrtf("submit", path, "--json")

    report = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (report["created"], report["groups"]) == (1, 1)
    assert [line["number"] for line in report["bad"]] == [1, 3]
    assert "body is larger" in report["bad"][0]["reason"]
    assert [group.problem_slug for group in client.groups()] == ["MBPP/11"]


def test_many_candidates_of_a_problem_are_divided(rrtf, write, client, monkeypatch):
    monkeypatch.setattr(submitting, "_GROUP_CHARACTERS", 100)
    rrtf("import", write("problems.jsonl", MBPP))
    programs = [{"task_id": 11, "program": f"{number}" * 40} for number in range(5)]

    result = rrtf("submit", write("candidates.jsonl", *programs))

    assert result.stdout.startswith("5 candidates in 3 groups submitted, 0 bad\n")
    assert sorted(sum(group.candidates.values()) for group in client.groups()) == [1, 2, 2]


def test_a_group_is_shown_with_labels_scores_and_pairs_in_80_columns(
    rrtf, client, database, make_group, results_for, monkeypatch
):
    group_id = make_group(("teacher", "good"), ("student", "bad [bold]x[/]"))
    good, bad = (item.id for item in client.candidates(group_id))
    outcomes = {good: [Outcome.PASSED] * 2, bad: [Outcome.PASSED, Outcome.WRONG_ANSWER]}
    with database.unit_of_work() as work:
        records.record_results(work, results_for(outcomes), Rules())

    monkeypatch.setenv("COLUMNS", "80")
    table = rrtf("show", group_id)
    data = json.loads(rrtf("show", "test/add", "--json").stdout)

    assert table.exit_code == 0
    for word in ("all_pass", "partial_pass", "1/2", "1 pair", str(good), "1 over 2 by 0.183"):
        assert word in table.stdout
    assert "test 2, wrong_answer" in table.stdout
    assert max(map(len, table.stdout.splitlines())) <= 80
    assert [item["id"] for item in data["candidates"]] == [str(good), str(bad)]
    assert data["ranking"]["pairs"][0]["better_id"] == str(good)


def test_stored_models_are_measured_and_compared(rrtf, database, make_group, results_for, client):
    group_id = make_group(("student", "good"), ("student", "bad"), student={"model": "m"})
    group = client.candidates(group_id)
    outcomes = dict(
        zip([one.id for one in group], ([Outcome.PASSED], [Outcome.WRONG_ANSWER]), strict=True)
    )
    with database.unit_of_work() as work:
        records.record_results(work, results_for(outcomes), Rules())

    rates = rrtf("pass-at-k", "--k", "1", "--k", "2")
    same = rrtf("compare", "m", "m")
    unknown = rrtf("compare", "m", "other")

    for word in ("m", "test", "pass@2", "50.0 %", "100.0 %"):
        assert word in rates.stdout
    assert "1 problem that both have" in same.stdout
    assert "difference +0.0 points" in same.stdout
    assert (unknown.exit_code, unknown.stderr[-12:]) == (1, "[not_found]\n")


def test_what_is_down_is_said_before_anything_is_counted(rrtf, monkeypatch, tmp_path, api):
    monkeypatch.setenv("RRTF_HOME", str(tmp_path))
    secret_file(tmp_path / API_URL, api)
    secret_file(tmp_path / API_KEY, "secret-key")
    Parts(tmp_path).down("sampler", "ended with status 9")

    told = rrtf("status").stdout

    assert "executor is down: none is at work" in told
    assert "sampler is down since " in told
    assert "ended with status 9" in told


def test_own_groups_are_waited_for_and_no_others(rrtf, write, make_group):
    make_group(("student", "of somebody else, and never ranked"))
    rrtf("import", write("problems.jsonl", MBPP))
    path = write("candidates.jsonl", *OF_ONE_MODEL)

    late = rrtf("submit", path, "--wait", "0.1")
    nothing = rrtf("submit", write("none.jsonl", {"task_id": "x/y", "program": ""}), "--wait", "9")

    assert f"groups of {path} are still open after 0.1 s" in late.stderr
    assert late.stderr.startswith("groups 0 ranked of 1\n")
    assert nothing.stderr.startswith("groups 0 ranked of 0\n")


def test_a_group_that_is_not_ranked_yet_is_shown_too(rrtf, make_group):
    make_group(("student", "x"))

    result = rrtf("show", "test/add")

    assert result.exit_code == 0
    assert "submitted" in result.stdout


def test_status_is_for_readers_and_for_programs(rrtf, make_group):
    make_group(("student", "x"))

    assert "0 labelled of 1" in rrtf("status").stdout
    assert json.loads(rrtf("status", "--json").stdout)["candidates"]["submitted"] == 1


def test_watching_ends_when_nothing_is_open_or_time_is_up(rrtf, make_group):
    assert rrtf("watch").exit_code == 0
    make_group(("student", "x"))

    late = rrtf("watch", "--timeout", "0.2")

    assert late.exit_code == 1
    assert "groups are still open" in late.stderr


def test_one_group_is_watched_label_by_label(rrtf, make_group, client, database, results_for):
    group_id = make_group(("teacher", "a"), ("student", "b"))
    first, second = (item.id for item in client.candidates(group_id))
    with database.unit_of_work() as work:
        outcomes = {first: [Outcome.PASSED] * 2, second: [Outcome.WRONG_ANSWER] * 2}
        records.record_results(work, results_for(outcomes), Rules())

    told = rrtf("watch", group_id)
    lines = [json.loads(line) for line in rrtf("watch", "test/add", "--json").stdout.splitlines()]
    counts = json.loads(rrtf("watch", "--json").stdout)

    assert told.stdout.split() == [
        "0", "teacher", "all_pass", "1", "student", "partial_pass", "ranked:", "1", "pair",
    ]  # fmt: skip
    assert [line.get("label") for line in lines] == ["all_pass", "partial_pass", None]
    assert counts["groups"] == {"open": 0, "ranked": 1}


@pytest.mark.parametrize(
    ("words", "status", "explained"),
    [
        (("show", "none/such"), 1, "there is no problem 'none/such'"),
        (("show", "01890a5d-ac96-774b-bcce-b302099a8057"), 1, "there is no group"),
        (("import", "/nonexistent.jsonl"), 1, "cannot read /nonexistent.jsonl"),
        (("submit", "x", "--policy", "no name"), 2, "policy"),
        (("submit",), 2, "Missing argument"),
        (("dance",), 2, "No such command"),
    ],
)
def test_an_error_is_one_line_and_a_status(rrtf, words, status, explained):
    result = rrtf(*words)

    assert result.exit_code == status
    assert explained in result.stderr
    assert status == 2 or len(result.stderr.strip().splitlines()) == 1
    assert "Traceback" not in result.output


def test_a_wrong_key_is_explained(rrtf, monkeypatch):
    monkeypatch.setenv("RRTF_CLIENT_KEY", "wrong")

    result = rrtf("status")

    assert result.exit_code == 1
    assert "does not accept the key of RRTF_CLIENT_KEY [unauthorized]" in result.stderr


def test_help_loads_nothing_heavy():
    code = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from services.cli.main import app\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        "heavy = {'sqlalchemy', 'fastapi', 'celery', 'torch', 'httpx', 'matplotlib'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )

    ended = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": os.environ["PATH"]},
    )

    assert ended.stdout == "[]\n"


def test_the_client_needs_no_server_library():
    code = (
        "import sys, services.client, infra.records.importers\n"
        "print(sorted({'sqlalchemy', 'fastapi', 'celery', 'torch'} & set(sys.modules)))\n"
    )

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ended.stdout == "[]\n"


def test_a_group_is_not_watched_beyond_the_time_given(rrtf, make_group):
    group_id = make_group(("student", "never labelled"))

    ended = rrtf("watch", group_id, "--timeout", "0.3")

    assert ended.exit_code == 1
    assert "not ranked after 0.3 s [not_in_time]" in ended.stderr


OWN = {
    "slug": "own/one",
    "prompt": "",
    "entry_point": "one",
    "tests": [{"kind": "assert", "source": "assert one(2) > 0"}],
    "reference_program": "def one(n):\n    return n + 1\n",
}


@pytest.fixture
def sandbox(monkeypatch, open_directory):
    monkeypatch.setenv("RRTF_EXECUTOR_HOME", str(open_directory / "executor"))
    monkeypatch.setenv("RRTF_EXECUTOR_SLOTS", "1")


@pytest.mark.slow
@pytest.mark.usefixtures("sandbox")
def test_an_import_that_checks_refuses_what_is_not_sound(rrtf, write, client):
    wrong = {**OWN, "slug": "own/wrong", "reference_program": "def one(n):\n    return -1\n"}

    result = rrtf("import", write("problems.jsonl", OWN, wrong), "--check")

    assert (result.exit_code, result.stdout) == (1, "1 new, 0 known, 1 bad\n")
    assert "own/wrong: reference: the reference program gets partial_pass" in result.stderr
    assert [one.slug for one in client.problems()] == ["own/one"]


@pytest.mark.slow
@pytest.mark.usefixtures("sandbox")
def test_the_strength_of_tests_is_kept_with_a_problem_and_changes_nothing_else(rrtf, write, client):
    path = write("problems.jsonl", OWN)

    before = rrtf("import", path)
    measured = rrtf("import", path, "--check", "--strength")
    after = rrtf("import", path)

    assert before.stdout == "1 new, 0 known, 0 bad\n"
    assert measured.stdout == after.stdout == "0 new, 1 known, 0 bad\n"
    problem = client.get_problem(client.find_problem("own/one").id)
    # Of `n + 0`, `n + 2`, `n - 1`, `n` and None only the last is noticed.
    assert problem.metadata["strength"] == problem.strength == 0.2
