"""A database with a starter problem, model servers over real HTTP, and answers to requests."""

from contextlib import ExitStack
from decimal import Decimal

import pytest
from sqlalchemy import func, select

from infra import intake, stored_problems
from infra.contracts.candidates import NewGroup
from infra.db.ledger import CallRow, EndpointAccountRow, KeptCompletionRow
from infra.db.tables import CandidateRow, SampleRequestRow
from sampler.sampling import answer
from sampler.servers.endpoints import Endpoint
from sampler.servers.event_loop import EventLoopThread
from sampler.servers.remote import Remote
from sampler.servers.spending.ledger import Ledger
from services.audit import Maxima, audit
from services.delivery import priorities
from services.invariants.payments import PAYMENTS
from services.starter import load
from tests.model_server.app import ModelServer, serving


class SentMessages:
    """Stands where the broker is, and keeps what was sent."""

    def __init__(self):
        self.messages = []

    def send(self, task, message, priority=0):
        self.messages.append((task, message))
        return True


class Lab:
    """Everything that a sampler needs, and short ways to look at what it did."""

    def __init__(self, url, stack, open_database):
        self.sent = SentMessages()
        self.url = url
        self.database = open_database(self.sent)
        self.ledger = Ledger(self.database)
        self.backends = {}
        self.stack = stack
        self.loop_thread = stack.enter_context(EventLoopThread())
        self.problem = load.problems()[0]
        with self.database.unit_of_work() as work:
            self.problem_id, _ = stored_problems.add_problem(work, self.problem)

    def serve(self, **fields):
        return self.stack.enter_context(serving(ModelServer(**fields)))

    def endpoint(self, name, server, **fields):
        """Make a server known as a backend."""
        made = Endpoint(name=name, url=server.url, model=server.model, **fields)
        self.backends[name] = Remote(made, self.ledger, self.loop_thread)
        self.stack.callback(self.backends[name].close)
        return made

    def ask(self, *plans):
        """Open a group with these plans; return the ids of its requests for samples."""
        with self.database.unit_of_work() as work:
            group_id = intake.open_group(work, self.problem_id, NewGroup(samples=plans))
        self.dispatch()
        with self.database.reading() as session:
            return session.scalars(
                select(SampleRequestRow.id)
                .where(SampleRequestRow.group_id == group_id)
                .order_by(SampleRequestRow.position)
            ).all()

    def dispatch(self):
        with self.database.unit_of_work() as work:
            return [one.sample_request_id for one, _ in priorities.take_samples(work, 100)]

    def answer(self, request_id):
        answer(self.database, self.backends, request_id)

    def sample(self, *plans):
        """Ask and answer until nothing is left in the outbox; return the requests' rows."""
        ids = self.ask(*plans)
        waiting = list(ids)
        while waiting:
            for request_id in waiting:
                self.answer(request_id)
            waiting = self.dispatch()
        return [self.row(SampleRequestRow, one) for one in ids]

    def row(self, table, key):
        with self.database.reading() as session:
            return session.get_one(table, key)

    def rows(self, table, *where):
        with self.database.reading() as session:
            return session.scalars(select(table).where(*where)).all()

    def candidates(self):
        with self.database.reading() as session:
            return session.scalars(
                select(CandidateRow).order_by(CandidateRow.group_id, CandidateRow.position)
            ).all()

    def calls(self, endpoint=None):
        rows = self.rows(CallRow)
        return [row for row in rows if endpoint in (None, row.endpoint)]

    def kept(self):
        return self.rows(KeptCompletionRow)

    def committed(self, endpoint):
        return self.row(EndpointAccountRow, endpoint).committed

    def ledger_sum(self, endpoint):
        """What the ledger's rows say an endpoint has cost, at most."""
        with self.database.reading() as session:
            total = session.scalar(
                select(func.sum(func.coalesce(CallRow.cost, CallRow.reserved))).where(
                    CallRow.endpoint == endpoint
                )
            )
        return total or Decimal(0)

    def close(self):
        self.database.close()


@pytest.fixture
def lab(database_url, open_database):
    with ExitStack() as stack:
        opened = Lab(database_url, stack, open_database)
        yield opened
    # Whatever went wrong in a test, nothing is paid twice, and every account adds up.
    held = audit(opened.database, Maxima(max_attempts=3, max_leases=5)).held
    opened.close()
    assert {one.code for one in PAYMENTS} <= set(held)
