"""Paid requests: never repeated, never beyond the budget, and no faster than allowed."""

import threading
import time
from decimal import Decimal

import pytest

from infra.contracts.base import Author, CallState, SampleState, new_id
from infra.contracts.candidates import SamplePlan
from infra.db.tables import SampleRequestRow
from infra.queues.messaging import Task
from sampler.servers.spending.ledger import Entry
from tests.model_server.app import ModelServer, serving
from tests.model_server.faults import Fault, Schedule
from tests.model_server.sources import Batched, Starter
from tests.samples import first

PRICES = {"input_price": Decimal(1000), "output_price": Decimal(2000)}
"""For a million tokens: a thousandth for a token of the prompt, two for one of the answer."""


def teacher(count, *fallbacks, backend="teacher", **fields):
    return SamplePlan(
        author=Author.TEACHER,
        backend=backend,
        fallbacks=fallbacks,
        num_samples=count,
        max_tokens=100,
        **fields,
    )


def states(lab, endpoint=None):
    return [row.state for row in lab.calls(endpoint)]


def test_the_ledger_knows_tokens_and_costs_and_agrees_with_the_account(lab):
    server = lab.serve(source=Starter("teacher"), faults=Schedule({Fault.CUT: 3}))
    endpoint = lab.endpoint("teacher", server, **PRICES)

    lab.sample(teacher(4))

    for row in lab.calls():
        if row.state is CallState.COMPLETED:
            assert row.cost == endpoint.cost(row.prompt_tokens, row.completion_tokens)
            assert 0 < row.cost < row.reserved
        else:
            assert (row.state, row.cost) == (CallState.LOST, None)
    assert CallState.LOST in states(lab)
    assert lab.committed("teacher") == lab.ledger_sum("teacher") > 0


class Odd(ModelServer):
    """Says what it is told to say, in the place of what is true, in every third answer."""

    def __init__(self, said, **fields):
        super().__init__(**fields)
        self.said = said
        self.number = 0

    async def _reply(self, seen, body):
        self.number += 1
        reply = await super()._reply(seen, body)
        return reply if self.number % 3 else reply | self.said


@pytest.mark.parametrize("tokens", first(1, [10**23 - 1, 2**63, 2**31]))
def test_tokens_that_nobody_can_count_cost_no_other_answer(lab, tokens):
    said = {"usage": {"prompt_tokens": 9, "completion_tokens": tokens}}
    server = lab.stack.enter_context(serving(Odd(said, source=Starter("teacher"))))
    lab.endpoint("teacher", server, **PRICES)

    (request,) = lab.sample(teacher(8))

    assert request.state is SampleState.COMPLETED
    assert len(lab.candidates()) == 8
    lost = [row for row in lab.calls() if row.state is CallState.LOST]
    assert [row.reason[:17] for row in lost] == ["malformed answer:"] * len(lost)
    assert len(lost) == server.number // 3
    # It may be billed: what was reserved stands.
    assert lab.committed("teacher") == lab.ledger_sum("teacher") < 10


def test_what_postgres_has_no_text_for_costs_no_answer(lab):
    choice = {"index": 10**30, "text": "a\x00b", "finish_reason": "st\x00op"}
    said = {"model": "\x00m" * 300, "choices": [choice]}
    server = lab.stack.enter_context(serving(Odd(said)))
    lab.endpoint("teacher", server, form="completion", **PRICES)

    (request,) = lab.sample(teacher(3))

    assert request.state is SampleState.COMPLETED
    odd = [row for row in lab.candidates() if row.completion == "a\x00b"]
    assert [(row.model, row.finish_reason) for row in odd] == [("m" * 200, "stop")]


def test_a_budget_that_does_not_reach_stops_the_request_and_says_so(lab):
    server = lab.serve(source=Starter("teacher"))
    probe = lab.endpoint("teacher", server, **PRICES, concurrency=1)
    lab.sample(teacher(1))
    (first,) = lab.calls()
    lab.endpoint("teacher", server, **PRICES, concurrency=1, budget=first.reserved * 2)

    (request,) = lab.sample(teacher(50))

    made = len(server.seen)
    assert probe.budget is None
    assert 2 < made < 51
    assert lab.committed("teacher") == lab.ledger_sum("teacher") <= first.reserved * 2
    assert request.state is SampleState.QUARANTINED
    assert request.reason.startswith(f"{made - 1} of 50 samples: the budget of 'teacher' is ")
    # What was paid for is not thrown away.
    assert len(lab.candidates()) == made
    assert len(lab.rows(SampleRequestRow)) == 2


def test_no_number_of_threads_gets_past_a_budget(lab):
    server = lab.serve(source=Batched(Starter("teacher"), 64, 0.05))
    lab.endpoint("teacher", server, **PRICES, budget=Decimal(10))
    ids = [lab.ask(teacher(20))[0] for _ in range(4)]

    threads = [threading.Thread(target=lab.answer, args=(one,)) for one in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert lab.committed("teacher") == lab.ledger_sum("teacher") <= 10
    assert len(server.seen) < 80
    assert CallState.SENT not in states(lab)
    reasons = [row.reason for row in lab.rows(SampleRequestRow)]
    assert all("the budget of 'teacher' is 10" in reason for reason in reasons)


def test_a_group_without_any_sample_is_sent_to_be_ranked(lab):
    lab.endpoint("teacher", lab.serve(), **PRICES, budget=Decimal(0))

    (request,) = lab.sample(teacher(2))

    assert request.reason.startswith("0 of 2 samples: ")
    assert [task for task, _ in lab.sent.messages] == [Task.RANK_GROUP]


def test_what_came_before_a_breakdown_is_not_asked_for_again(lab):
    faults = Schedule()
    server = lab.serve(source=Starter("teacher"), faults=faults)
    lab.endpoint("teacher", server, **PRICES, concurrency=1, tries=1)
    (request,) = lab.ask(teacher(6))
    faults.every = {Fault.SERVER_ERROR: 4}

    lab.answer(request)
    given_back = lab.row(SampleRequestRow, request)
    kept = len(lab.kept())
    faults.every = {}
    assert lab.dispatch() == [request]
    lab.answer(request)

    assert (given_back.state, given_back.sent_at) == (SampleState.SUBMITTED, None)
    assert given_back.attempts == 0  # It brought something.
    assert kept == 3
    seeds = [one.body["seed"] for one in server.served]
    assert len(seeds) == len(set(seeds)) == 6
    assert len(lab.candidates()) == 6


def test_a_server_that_stays_away_sets_the_request_aside_after_three_attempts(lab):
    server = lab.serve(faults=Schedule({Fault.SERVER_ERROR: 1}))
    lab.endpoint("teacher", server, tries=2)

    (request,) = lab.sample(teacher(1))

    assert len(server.seen) == 6
    assert request.state is SampleState.QUARANTINED
    assert request.reason.startswith("0 of 1 samples: teacher: 2 tries, at last status 500")


def test_a_refusal_is_not_tried_again(lab):
    server = lab.serve(faults=Schedule({Fault.REFUSED: 1}))
    lab.endpoint("teacher", server, concurrency=1)

    (request,) = lab.sample(teacher(5))

    assert len(server.seen) == 1
    assert states(lab) == [CallState.REFUSED]
    assert "status 401: invalid_api_key" in request.reason


def test_fallbacks_are_asked_in_their_order_for_what_is_missing(lab):
    broke = lab.serve(model="first", source=Starter("teacher"))
    down = lab.serve(model="second", faults=Schedule({Fault.SERVER_ERROR: 1}))
    good = lab.serve(model="third", source=Starter("teacher"))
    reserve = lab.endpoint("first", broke, **PRICES).cost(600, 100)
    lab.endpoint("first", broke, **PRICES, concurrency=1, budget=reserve * 2)
    lab.endpoint("second", down, tries=2, concurrency=1)
    lab.endpoint("third", good)

    (request,) = lab.sample(teacher(20, "second", "third", backend="first"))

    models = [row.model for row in lab.candidates()]
    assert request.state is SampleState.COMPLETED
    assert set(models) == {"first", "third"}
    assert models == sorted(models)
    assert len(models) == 20
    assert len(broke.served) == models.count("first")
    assert len(down.seen) == 2


@pytest.mark.slow
def test_the_rate_of_an_endpoint_holds_over_all_workers(lab):
    server = lab.serve(source=Starter("teacher"))
    # Two workers that know the endpoint by one name.
    lab.endpoint("teacher", server, requests_per_minute=120)
    lab.backends["same"] = lab.backends["teacher"]
    lab.endpoint("teacher", server, requests_per_minute=120)
    ids = [lab.ask(teacher(10, backend=name))[0] for name in ("teacher", "same")]
    began = time.monotonic()

    threads = [threading.Thread(target=lab.answer, args=(one,)) for one in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    # 120 a minute, of which 12 may come at once: the other 8 take half a second each.
    assert time.monotonic() - began >= 3.5
    assert len(lab.candidates()) == 20


def test_tokens_count_towards_a_rate_of_tokens(lab):
    endpoint = lab.endpoint("teacher", lab.serve(), tokens_per_minute=2000)
    entry = Entry(
        new_id(), (0,), "tiny", prompt_tokens=100, completion_tokens=0, expected_tokens=100
    )

    begun = [lab.ledger.write(endpoint, [entry], [])[0] for _ in range(4)]

    # Each takes three seconds of the rate, which may be used six seconds ahead.
    waits = [one.wait_seconds for one in begun]
    assert waits[:3] == [0, 0, 0]
    assert 0 < waits[3] <= 3


def test_a_model_whose_price_is_not_known_may_not_be_chosen_by_a_plan(lab):
    server = lab.serve()
    lab.endpoint("teacher", server, **PRICES)

    (request,) = lab.sample(teacher(1, model="dearer"))

    assert server.seen == []
    assert "prices for 'tiny' alone, not for 'dearer'" in request.reason


def test_a_backend_that_is_not_there_is_named(lab):
    (request,) = lab.sample(teacher(1, backend="nobody"))

    assert request.reason == "0 of 1 samples: this sampler has no backend 'nobody'"
