"""Groups sampled over real HTTP from servers that fail."""

import threading
import time
from collections import Counter

import pytest

from infra.contracts.base import Author, CallState, SampleState
from infra.contracts.candidates import SamplePlan
from sampler.draws import derive_seed
from tests.model_server.faults import Fault, Schedule
from tests.model_server.sources import Batched, Starter
from tests.samples import first

FAULTS = [fault for fault in Fault if fault is not Fault.REFUSED]
ENDED = {CallState.COMPLETED, CallState.REFUSED, CallState.LOST}


def plan(author, backend, count, **fields):
    return SamplePlan(author=Author(author), backend=backend, num_samples=count, **fields)


@pytest.fixture(autouse=True)
def teacher_key(monkeypatch):
    monkeypatch.setenv("TEACHER_KEY", "k-teacher")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "samples_per_request"),
    [*((fault, 1) for fault in FAULTS), (Fault.WRONG_N, 4), (Fault.DUPLICATED, 4)],
)
def test_a_group_has_all_ten_candidates_though_every_third_request_fails(
    lab, fault, samples_per_request
):
    faults = Schedule({fault: 3})
    small = lab.serve(faults=faults)
    large = lab.serve(source=Starter("teacher"), faults=faults, key="k-teacher", model="large")
    seconds = 1.5 if fault is Fault.SLOW else 60
    common = {"samples_per_request": samples_per_request, "timeout_seconds": seconds}
    lab.endpoint("student", small, form="completion", **common)
    lab.endpoint("teacher", large, form="chat", key="TEACHER_KEY", **common)

    requests = lab.sample(plan("student", "student", 8), plan("teacher", "teacher", 2))

    candidates = lab.candidates()
    assert [row.state for row in requests] == [SampleState.COMPLETED] * 2
    assert Counter(row.author for row in candidates) == {Author.STUDENT: 8, Author.TEACHER: 2}
    assert {row.model for row in candidates} == {"tiny", "large"}
    assert {row.finish_reason for row in candidates} == {"stop"}
    assert all(lab.problem.entry_point in row.program for row in candidates)
    assert faults.made[fault] >= 1
    assert lab.kept() == []
    assert {row.state for row in lab.calls()} <= ENDED
    asked = len(small.seen) + len(large.seen)
    # On a busy machine a call may be given up before the server has so much as read it.
    assert len(lab.calls()) == asked or (fault is Fault.SLOW and len(lab.calls()) > asked)


def test_every_candidate_has_a_seed_of_its_own_and_the_same_plan_has_the_same(lab):
    server = lab.serve()
    lab.endpoint("student", server, form="completion")
    wanted = plan("student", "student", 6, seed=5, temperatures=(0.2, 0.8, 1.2), top_p=0.9)

    lab.sample(wanted)
    first = [one.body for one in server.seen]
    lab.sample(wanted)

    rows = lab.candidates()
    seeds = [derive_seed(5, lab.problem.slug, number) for number in range(6)]
    assert [row.seed for row in rows[:6]] == seeds
    assert len(set(seeds)) == 6
    by_seed = {body["seed"]: body["temperature"] for body in first}
    assert [by_seed[seed] for seed in seeds] == [0.2, 0.8, 1.2] * 2
    assert [row.details["temperature"] for row in rows[:6]] == [0.2, 0.8, 1.2] * 2
    assert {body["top_p"] for body in first} == {0.9}
    second = [one.body for one in server.seen[6:]]
    assert sorted(map(str, first)) == sorted(map(str, second))


def test_identical_completions_stay_rows_and_are_executed_once(lab):
    lab.endpoint("student", lab.serve(faults=Schedule({Fault.DUPLICATED: 1})), form="completion")

    lab.sample(plan("student", "student", 5))

    rows = lab.candidates()
    originals = {row.id for row in rows if row.duplicate_of is None}
    assert len(rows) == 5
    assert len(originals) == 1
    assert {row.duplicate_of for row in rows if row.duplicate_of} == originals


def test_decoding_and_the_reason_for_the_end_are_passed_on(lab):
    server = lab.serve()
    lab.endpoint("student", server, form="completion", max_tokens_field="max_completion_tokens")

    lab.sample(plan("student", "student", 1, max_tokens=3, stop=("\n\n\n",)))

    (seen,) = server.seen
    (row,) = lab.candidates()
    assert seen.body["max_completion_tokens"] == 3
    assert seen.body["stop"] == ["\n\n\n"]
    assert row.finish_reason == "length"


def test_a_chat_is_asked_for_the_function_and_a_completion_gets_the_bare_prompt(lab):
    server = lab.serve()
    lab.endpoint("chat", server, form="chat")
    lab.endpoint("completion", server, form="completion")

    lab.sample(plan("teacher", "chat", 1), plan("student", "completion", 1))

    bodies = {one.path: one.body for one in server.seen}
    chat = bodies["/v1/chat/completions"]["messages"]
    assert lab.problem.prompt in chat[-1]["content"]
    assert f"`{lab.problem.entry_point}`" in chat[-1]["content"]
    assert bodies["/v1/completions"]["prompt"] == lab.problem.prompt


def test_the_version_of_a_policy_is_read_off_the_name_it_is_served_under(lab):
    server = lab.serve(model="policy@12")
    lab.endpoint("student", server, form="completion")

    lab.sample(plan("student", "student", 1), plan("student", "student", 1, model="policy@13"))

    assert [row.policy_version for row in lab.candidates()] == [12, 13]


def test_sixty_four_requests_are_under_way_at_once_and_no_more(lab):
    source = Batched(Starter(), slots=1000, seconds=0.5, first_running=64)
    lab.endpoint("student", lab.serve(source=source), form="completion", concurrency=64)
    ids = [request for _ in range(4) for request in lab.ask(plan("student", "student", 20))]

    threads = [threading.Thread(target=lab.answer, args=(one,)) for one in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert source.most_running == 64
    assert len(lab.candidates()) == 4 * 20


def test_a_server_that_asks_for_rest_is_left_alone_for_so_long(lab):
    faults = Schedule({Fault.RATE_LIMIT: 2})
    server = lab.serve(faults=faults, retry_after="2")
    lab.endpoint("student", server, form="completion")
    began = time.monotonic()

    lab.sample(plan("student", "student", 2))

    assert time.monotonic() - began >= 2
    assert faults.made[Fault.RATE_LIMIT] == 1
    (refused,) = [row for row in lab.calls() if row.state is CallState.REFUSED]
    assert refused.reason.startswith("status 429: rate_limit too many requests")


@pytest.mark.parametrize("said", first(2, ["inf", "nan", "1e999", "-1", "9" * 400]))
def test_a_server_that_asks_for_rest_without_end_is_asked_again(lab, said):
    faults = Schedule({Fault.RATE_LIMIT: 2})
    lab.endpoint("student", lab.serve(faults=faults, retry_after=said), form="completion")
    began = time.monotonic()

    (request,) = lab.sample(plan("student", "student", 4))

    assert faults.made[Fault.RATE_LIMIT] >= 1
    assert request.state is SampleState.COMPLETED
    assert time.monotonic() - began < 60


def test_a_second_message_for_a_request_under_way_asks_nothing(lab):
    source = Batched(Starter(), slots=8, seconds=1.0)
    server = lab.serve(source=source)
    lab.endpoint("student", server, form="completion")
    (request,) = lab.ask(plan("student", "student", 3))
    first = threading.Thread(target=lab.answer, args=(request,))
    first.start()
    while not server.seen:
        time.sleep(0.01)

    lab.answer(request)
    first.join()

    assert len(server.seen) == 3
    assert len(lab.candidates()) == 3


def test_the_key_is_sent_whatever_the_netrc_of_the_machine_says(lab, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    server = lab.serve(key="k-teacher")
    lab.endpoint("teacher", server, key="TEACHER_KEY")

    lab.sample(plan("teacher", "teacher", 2))

    assert {seen.headers["authorization"] for seen in server.seen} == {"Bearer k-teacher"}
    assert len(lab.candidates()) == 2


def test_a_proxy_of_the_environment_is_asked_in_the_servers_place(lab, monkeypatch):
    server, proxy = lab.serve(), lab.serve()
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("http_proxy", proxy.url.removesuffix("/v1").replace("//", "//me:secret@"))
    lab.endpoint("teacher", server)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    lab.endpoint("direct", server)

    lab.sample(plan("teacher", "teacher", 1))
    assert (len(server.seen), len(proxy.seen)) == (0, 1)
    assert proxy.seen[0].headers["proxy-authorization"] == "Basic bWU6c2VjcmV0"

    lab.sample(plan("teacher", "direct", 1))
    assert (len(server.seen), len(proxy.seen)) == (1, 1)
