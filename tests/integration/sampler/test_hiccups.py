"""Postgres breaks off while answers come in: nothing that was paid is lost, or paid again."""

import asyncio
import threading
import time
from decimal import Decimal

import psycopg
import pytest

from infra import errors
from infra.contracts.base import Author, CallState, new_id
from infra.contracts.candidates import SamplePlan
from infra.contracts.prompting import PAPER, Sampled
from infra.db.unit_of_work import Database
from sampler.draws import Question, draws_of
from sampler.servers.remote import Remote
from sampler.servers.replies import Answer, Reply
from sampler.servers.spending.ledger import Entry, Ledger, completed, failed
from tests.model_server.sources import Starter

PRICES = {"input_price": Decimal(1000), "output_price": Decimal(2000)}
PLAN = SamplePlan(author=Author.TEACHER, backend="teacher", num_samples=12, max_tokens=100)


class Held(Starter):
    """Answers once it may."""

    def __init__(self):
        super().__init__("teacher")
        self.may = threading.Event()

    async def complete(self, asked):
        while not self.may.is_set():
            await asyncio.sleep(0.01)
        return await super().complete(asked)


def poll(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def waiting_for_a_lock(connection):
    """Return the processes of this database's connections that wait for a row."""
    query = (
        "SELECT pid FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    return {pid for (pid,) in connection.execute(query)}


def cut(connection, pids):
    for pid in pids:
        connection.execute("SELECT pg_terminate_backend(%s)", (pid,))
    poll(lambda: not pids & waiting_for_a_lock(connection))


def test_connections_cut_while_answers_come_in_cost_nothing(lab):
    source = Held()
    server = lab.serve(source=source)
    lab.endpoint("teacher", server, **PRICES, concurrency=6)
    (request,) = lab.ask(PLAN)
    worker = threading.Thread(target=lab.answer, args=(request,))

    worker.start()
    poll(lambda: len(server.seen) == 6)
    with psycopg.connect(lab.url, autocommit=True) as other:
        for _ in range(2):
            with psycopg.connect(lab.url) as holder:
                holder.execute("SELECT FROM endpoint_accounts FOR UPDATE")
                source.may.set()
                # The ledger is in the middle of writing down what came.
                poll(lambda: waiting_for_a_lock(other))
                cut(other, waiting_for_a_lock(other))
    worker.join()

    seeds = [one.body["seed"] for one in server.seen]
    assert len(seeds) == len(set(seeds)) == PLAN.num_samples
    assert {row.state for row in lab.calls()} == {CallState.COMPLETED}
    assert len(lab.candidates()) == PLAN.num_samples
    assert lab.dispatch() == []  # It was answered in one go, and not given back.
    assert lab.committed("teacher") == lab.ledger_sum("teacher") > 0


def test_an_end_that_is_written_twice_counts_once(lab):
    endpoint = lab.endpoint("teacher", lab.serve(), **PRICES)
    entries = [
        Entry(new_id(), (0,), "tiny", prompt_tokens=9, completion_tokens=9, expected_tokens=9)
    ] * 2
    came, lost = lab.ledger.write(endpoint, entries, [])
    reply = Reply(
        (Answer("x", "stop", Sampled(form=PAPER)),), "tiny", prompt_tokens=1, completion_tokens=1
    )
    ends = [completed(endpoint, came, reply, []), failed(lost, "refused", billed=False)]

    for _ in range(2):
        lab.ledger.write(endpoint, [], ends)

    assert lab.committed("teacher") == lab.ledger_sum("teacher") == endpoint.cost(1, 1)


def test_a_ledger_that_stays_away_is_said_so_and_nothing_is_sent(lab):
    server = lab.serve()
    endpoint = lab.endpoint("teacher", server, **PRICES)
    away = Database("postgresql://nobody@127.0.0.1:1/nothing")
    backend = Remote(endpoint, Ledger(away), lab.loop_thread)
    lab.stack.callback(backend.close)
    question = Question(scope=new_id(), slug="p", prompt="Say it.", until=time.monotonic() + 0.5)

    with pytest.raises(errors.Unavailable, match="Postgres cannot be reached"):
        backend.sample(question, PLAN, draws_of(PLAN, "p"))

    assert server.seen == []
    assert lab.calls() == []
