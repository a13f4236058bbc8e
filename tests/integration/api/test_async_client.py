"""The client for event loops, and groups that come back as they are ranked, over a real API."""

import asyncio
import inspect
import threading

import pytest

from infra import errors
from infra.contracts.api import BulkGroup
from infra.contracts.base import GroupState, Label, Outcome
from infra.contracts.candidates import NewCandidate
from ranker import records
from ranker.ranking import Rules
from services.client import AsyncClient, Client


def groups(count, problem="test/add"):
    for number in range(count):
        program = NewCandidate(author="student", program=f"x = {number}")
        yield BulkGroup(problem=problem, candidates=(program,))


@pytest.fixture
def labelling(database, client, results_for):
    """Label whatever is handed in, from a thread, until the test is over."""
    stop = threading.Event()

    def work():
        while not stop.wait(0.05):
            for group in client.groups():
                if group.state is GroupState.OPEN:
                    ids = [item.id for item in client.candidates(group.id)]
                    with database.unit_of_work() as unit:
                        outcomes = {one: [Outcome.PASSED] * 2 for one in ids}
                        records.record_results(unit, results_for(outcomes), Rules())

    thread = threading.Thread(target=work)
    thread.start()
    yield
    stop.set()
    thread.join()


def test_groups_come_back_with_their_labels(client, problem, labelling):
    client.add_problem(problem)

    finished = list(client.submit([*groups(5), *groups(1, "none")]))

    assert {item.number for item in finished} == set(range(6))
    assert [item.number for item in finished if item.error] == [5]
    labels = [one.label for item in finished for one in item.candidates]
    assert labels == [Label.ALL_PASS] * 5


def test_an_event_loop_gets_them_too(api, client, problem, labelling):
    async def walk():
        async with AsyncClient(api, "secret-key") as client:
            await client.add_problem(problem)
            found = await client.find_problem_with_tests("test/add")
            finished = [item async for item in client.submit(groups(3))]
            listed = [item.id async for item in client.groups(found.id)]
            with pytest.raises(errors.NotFound, match="no problem 'x'"):
                await client.find_problem("x")
            return found, finished, listed, await client.is_ready()

    found, finished, listed, ready = asyncio.run(walk())

    assert found.slug == "test/add"
    assert {item.group.id for item in finished} == set(listed)
    assert ready


def test_a_busy_server_is_waited_for_without_blocking_the_loop():
    async def walk():
        async with AsyncClient("http://127.0.0.1:9", timeout_seconds=1) as nobody:
            asking = asyncio.create_task(nobody.stats())
            await asyncio.sleep(0.3)
            assert not asking.done()
            assert await nobody.is_ready() is False
            with pytest.raises(errors.Unavailable, match="not reachable"):
                await asking

    asyncio.run(walk())


def test_both_clients_know_the_same_requests():
    def surface(kind):
        return {
            name: list(inspect.signature(method).parameters)
            for name, method in inspect.getmembers(kind, inspect.isfunction)
            if not name.startswith("_") and name not in ("close", "aclose")
        }

    assert surface(Client) == surface(AsyncClient)
    assert len(surface(Client)) > 20
