"""Attempts at one request for samples that overlap: the later one has it, and nothing is lost."""

import threading
import time
from datetime import timedelta
from decimal import Decimal

import pytest
import torch
from sqlalchemy import update

from infra import errors
from infra.contracts.base import Author, CallState, SampleState
from infra.contracts.candidates import SamplePlan
from infra.db.tables import SampleRequestRow
from sampler import sampling
from sampler.backends import Completion, SamplesExhausted
from sampler.models.in_process import InProcess
from tests.integration.sampler.test_hiccups import Held, poll
from tests.model_server.faults import Fault, Schedule
from tests.model_server.sources import Batched, Starter
from trainer.models.model import small_student
from trainer.models.tokenizer import byte_tokenizer

PRICES = {"input_price": Decimal(1000), "output_price": Decimal(2000)}


def plan(count, backend="teacher"):
    return SamplePlan(author=Author.TEACHER, backend=backend, num_samples=count, max_tokens=100)


def send_again(lab, request):
    """Have it look as if the attempt under way had been silent for ten minutes; send it again."""
    row = SampleRequestRow
    earlier = timedelta(minutes=10)
    with lab.database.unit_of_work() as work:
        # As the sweep finds it.
        work.session.execute(
            update(row).values(sent_at=row.sent_at - earlier, started_at=row.started_at - earlier)
        )
        work.session.execute(update(row).values(sent_at=None))
    assert lab.dispatch() == [request]


class Overtaken:
    """A backend that is asked, and comes back when others have had their turn."""

    def __init__(self, meanwhile, failure=None):
        self.meanwhile = meanwhile
        self.failure = failure

    def sample(self, question, plan, draws):
        self.meanwhile()
        if self.failure is not None:
            raise self.failure
        return [Completion(text=str(draw.position), model="m") for draw in draws]


def test_an_attempt_that_another_has_taken_the_place_of_pays_for_nothing_more(lab):
    faults = Schedule({Fault.RATE_LIMIT: 2})
    source = Held()
    source.may.set()
    server = lab.serve(source=source, faults=faults, retry_after="2")
    lab.endpoint("teacher", server, **PRICES, concurrency=1)
    (request,) = lab.ask(plan(3))
    first = threading.Thread(target=lab.answer, args=(request,))
    first.start()
    poll(lambda: len(server.seen) == 2)
    # The first rests as long as the server asked it to; a second worker has no cause to.
    faults.every = {}
    source.may.clear()
    send_again(lab, request)
    lab.endpoint("teacher", server, **PRICES, concurrency=1)
    second = threading.Thread(target=lab.answer, args=(request,))
    second.start()
    poll(lambda: len(server.seen) == 3)

    first.join(10)
    first_has_ended = not first.is_alive()
    source.may.set()
    second.join()
    first.join()

    assert first_has_ended
    assert len(server.seen) == 4
    assert len({one.body["seed"] for one in server.served}) == 3
    assert lab.row(SampleRequestRow, request).state is SampleState.COMPLETED
    assert len(lab.candidates()) == 3
    assert lab.committed("teacher") == lab.ledger_sum("teacher") > 0


def test_what_an_old_attempt_has_paid_for_is_kept_and_served_to_the_next(lab):
    source = Held()
    server = lab.serve(source=source)
    lab.endpoint("teacher", server, **PRICES, concurrency=1)
    (request,) = lab.ask(plan(3))
    first = threading.Thread(target=lab.answer, args=(request,))
    first.start()
    poll(lambda: len(server.seen) == 1)
    send_again(lab, request)
    second, _, _ = sampling._begin(lab.database, request)

    source.may.set()
    first.join()
    kept = [row.position for row in lab.kept()]
    row = lab.row(SampleRequestRow, request)

    assert kept == [0]
    assert len(server.seen) == 1
    assert (row.state, row.started_at, row.attempts) == (SampleState.SUBMITTED, second.began, 2)
    send_again(lab, request)
    lab.answer(request)
    assert len({one.body["seed"] for one in server.served}) == len(server.seen) == 3
    assert {row.state for row in lab.calls()} == {CallState.COMPLETED}
    assert len(lab.candidates()) == 3


@pytest.mark.parametrize("failure", [errors.Unavailable("away"), SamplesExhausted("no more")])
def test_an_old_attempt_neither_gives_back_nor_closes_what_another_works_on(lab, failure):
    (request,) = lab.ask(plan(1))
    begun = []

    def meanwhile():
        send_again(lab, request)
        begun.append(sampling._begin(lab.database, request)[0])

    lab.backends["teacher"] = Overtaken(meanwhile, failure)

    lab.answer(request)

    row = lab.row(SampleRequestRow, request)
    assert (row.state, row.attempts) == (SampleState.SUBMITTED, 2)
    assert row.started_at == begun[0].began
    assert row.sent_at is not None
    assert lab.dispatch() == []


def test_attempts_with_the_same_number_are_told_apart(lab):
    (request,) = lab.ask(plan(1))
    begun = []

    def meanwhile():
        send_again(lab, request)
        second, _, _ = sampling._begin(lab.database, request)
        missing = sampling.Missing([errors.Unavailable("away")])
        # It brought something, so that its number does not count; the next is the first again.
        assert sampling._give_back(lab.database, second, missing, progressed=True)
        assert lab.dispatch() == [request]
        begun.append(sampling._begin(lab.database, request)[0])

    lab.backends["teacher"] = Overtaken(meanwhile, errors.Unavailable("away"))

    lab.answer(request)

    row = lab.row(SampleRequestRow, request)
    assert (row.attempts, row.started_at) == (1, begun[0].began)
    assert lab.dispatch() == []


def test_who_has_all_samples_closes_the_request_whoever_has_begun_since(lab):
    (request,) = lab.ask(plan(2))

    def meanwhile():
        send_again(lab, request)
        sampling._begin(lab.database, request)

    lab.backends["teacher"] = Overtaken(meanwhile)

    lab.answer(request)

    assert lab.row(SampleRequestRow, request).state is SampleState.COMPLETED
    assert len(lab.candidates()) == 2


@pytest.mark.slow
def test_no_request_is_sent_whose_answer_may_come_after_the_task(lab, monkeypatch):
    monkeypatch.setenv("RRTF_QUEUE_TASK_SECONDS", "12")
    server = lab.serve(source=Batched(Starter("teacher"), slots=1, seconds=3.6))
    lab.endpoint("teacher", server, **PRICES, concurrency=1, timeout_seconds=9)
    (request,) = lab.ask(plan(2))

    lab.answer(request)

    # The second would have been sent after 3.6 of the 9.6 seconds, and might end after 12.6.
    assert len(server.seen) == len(lab.kept()) == 1
    row = lab.row(SampleRequestRow, request)
    assert (row.state, row.attempts) == (SampleState.SUBMITTED, 0)
    assert lab.dispatch() == [request]
    lab.answer(request)
    assert len(server.seen) == len(lab.candidates()) == 2
    assert {row.state for row in lab.calls()} == {CallState.COMPLETED}


@pytest.fixture
def slow_model(lab, tmp_path):
    """The backend `transformers`, with a small model that takes 2.5 seconds for each turn."""
    torch.set_num_threads(1)
    small_student(257, 1, width=32, layers=1, positions=2048).save_pretrained(tmp_path)
    byte_tokenizer().save_pretrained(tmp_path)
    backend = InProcess(str(tmp_path), None, 4096, "cpu", threads=1)
    model = backend._load(str(tmp_path))
    stream = model.stream

    def slowly(*given):
        time.sleep(2.5)
        return stream(*given)

    model.stream = slowly
    lab.backends["transformers"] = backend


@pytest.mark.slow
def test_what_takes_longer_than_a_task_in_this_process_is_not_begun_again(
    lab, slow_model, monkeypatch
):
    monkeypatch.setenv("RRTF_QUEUE_TASK_SECONDS", "1.5")
    wanted = plan(2, "transformers").model_copy(
        update={"temperatures": (0.5, 1.0), "max_tokens": 4}
    )
    (request,) = lab.ask(wanted)
    worker = threading.Thread(target=lab.answer, args=(request,))
    worker.start()

    while worker.is_alive():
        worker.join(0.5)
        lab.answer(request)  # The message comes again and again.

    row = lab.row(SampleRequestRow, request)
    assert (row.state, row.attempts) == (SampleState.COMPLETED, 1)
    assert len(lab.candidates()) == 2


def test_an_attempt_that_another_has_taken_the_place_of_gets_no_more_time(lab, monkeypatch):
    monkeypatch.setenv("RRTF_QUEUE_TASK_SECONDS", "0.1")
    (request,) = lab.ask(plan(1))
    first, _, _ = sampling._begin(lab.database, request)
    began, until = first.began, first.until
    time.sleep(0.05)

    first.stay()
    assert first.began > began
    assert first.until > until
    assert lab.row(SampleRequestRow, request).started_at == first.began

    send_again(lab, request)
    second, _, _ = sampling._begin(lab.database, request)
    until = first.until
    time.sleep(0.05)
    first.stay()
    assert first.until == until
    assert lab.row(SampleRequestRow, request).started_at == second.began
