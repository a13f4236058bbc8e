"""The client for event loops, and groups that come back as they are ranked, over a real API."""

import asyncio
import contextlib
import http.server
import socket
import threading

import httpx
import pytest

from infra import errors
from infra.contracts.base import GroupState, Label, Outcome
from infra.contracts.candidates import NewCandidate
from infra.contracts.views.api import BulkGroup
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


@pytest.mark.slow
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


def test_the_events_of_a_group_go_on_where_a_connection_broke(
    api, client, make_group, database, results_for
):
    group_id = make_group(("teacher", "a"), ("student", "b"))
    first, second = (item.id for item in client.candidates(group_id))

    def label(candidate_id):
        with database.unit_of_work() as unit:
            outcomes = {candidate_id: [Outcome.PASSED] * 2}
            records.record_results(unit, results_for(outcomes), Rules())

    label(second)
    with breaking(api, after=1) as (url, connections), Client(url, "secret-key") as unlucky:
        told = unlucky.group_events(group_id)
        seen = [next(told).id]
        label(first)
        seen += [event.id for event in told]

    assert seen[:2] == [second, first]
    assert seen[2] == client.get_ranking(group_id).id
    assert connections == [None, "2"]


def test_an_event_loop_hears_of_a_group_too(api, client, make_group, database, results_for):
    group_id = make_group(("teacher", "a"))
    (only,) = client.candidates(group_id)
    with database.unit_of_work() as unit:
        records.record_results(unit, results_for({only.id: [Outcome.PASSED] * 2}), Rules())

    async def walk():
        async with AsyncClient(api, "secret-key") as client:
            with pytest.raises(errors.NotFound):
                [event async for event in client.group_events(only.id)]
            return [event async for event in client.group_events(group_id)]

    candidate, ranking = asyncio.run(walk())

    assert (candidate.id, candidate.label) == (only.id, Label.ALL_PASS)
    assert ranking.group_id == group_id


@contextlib.contextmanager
def breaking(url, after):
    """A proxy that hangs up in the middle of its first stream, after so many events."""
    connections = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            headers = {"Authorization": self.headers["Authorization"]}
            last = self.headers.get("Last-Event-ID")
            connections.append(last)
            headers |= {"Last-Event-ID": last} if last else {}
            with httpx.stream("GET", url + self.path, headers=headers, timeout=30) as response:
                self.send_response(response.status_code)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                events = 0
                for line in response.iter_lines():
                    data = f"{line}\n".encode()
                    self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
                    events += not line
                    if events == after and len(connections) == 1:
                        self.connection.shutdown(socket.SHUT_RDWR)
                        return
                self.wfile.write(b"0\r\n\r\n")

        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", connections
        server.shutdown()
        thread.join()


def test_events_are_not_waited_for_beyond_the_time_given(api, make_group):
    group_id = make_group(("student", "never labelled"))

    async def walk():
        async with AsyncClient(api, "secret-key") as client:
            async for _ in client.group_events(group_id, wait_seconds=0.3):
                pass

    with pytest.raises(errors.NotInTime, match=r"0\.3 s"):
        asyncio.run(walk())
