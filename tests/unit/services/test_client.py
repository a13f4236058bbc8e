"""The client against a server that misbehaves: what it repeats, and what it never does."""

import http.server
import json
import socket
import threading
from uuid import uuid4

import pytest

from infra import errors
from infra.contracts.base import Author
from infra.contracts.candidates import NewCandidate, NewGroup
from infra.contracts.views.api import NewApiKey
from services.client import Client, source

STATS = {
    "candidates": {},
    "labels": {},
    "samples": {},
    "groups": {},
    "checks": {},
    "skipped": {},
    "pairs": 3,
    "waiting_groups": 0,
    "training_batches": {},
    "pass_at_1": {},
}
HANG_UP = 0
"""Stands for a status: the connection is closed without an answer."""


class Server(http.server.ThreadingHTTPServer):
    """Answers with a script of (status, body), the last one for ever."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.script = []
        self.requests = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.requests.append((self.command, self.path, content, self.headers))
        script = self.server.script
        status, body = script.pop(0) if len(script) > 1 else script[0]
        if status == HANG_UP:
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_POST(self):
        self.do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with Server() as started:
        thread = threading.Thread(target=started.serve_forever, args=(0.01,))
        thread.start()
        yield started
        started.shutdown()
        thread.join()


@pytest.fixture
def client(server):
    with Client(server.url, "the-key") as opened:
        yield opened


def problem(status, code, detail="why"):
    return status, {"code": code, "detail": detail, "status": status}


def group():
    return NewGroup(candidates=(NewCandidate(author=Author.STUDENT, program="\ud800"),))


@pytest.mark.parametrize("fault", [problem(503, "unavailable"), (HANG_UP, None)])
def test_a_question_is_repeated_until_it_is_answered(server, client, fault):
    server.script = [fault, (200, STATS)]

    assert client.stats().pairs == 3
    assert len(server.requests) == 2


@pytest.mark.parametrize("fault", [problem(503, "unavailable"), (HANG_UP, None)])
def test_a_group_is_sent_again_under_the_same_key(server, client, fault):
    server.script = [fault, problem(404, "not_found")]

    for _ in range(2):
        with pytest.raises(errors.NotFound):
            client.create_group(uuid4(), group())

    keys = [headers["Idempotency-Key"] for *_, headers in server.requests]
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize("fault", [problem(503, "unavailable"), (HANG_UP, None)])
def test_a_key_is_never_made_twice(server, client, fault):
    server.script = [fault, (201, {})]

    with pytest.raises(errors.Unavailable):
        client.create_key(NewApiKey(name="mine"))

    assert len(server.requests) == 1


def test_the_client_for_threads_is_what_its_source_makes():
    assert source.synchronous() == source.TO.read_text()


def test_a_full_queue_is_waited_for(server, client, monkeypatch):
    pauses = []
    monkeypatch.setattr("services.client.synchronous.time.sleep", pauses.append)
    server.script = [problem(429, "queue_full")] * 20 + [(200, STATS)]

    assert client.stats().pairs == 3
    assert pauses == [5.0] * 20


def test_who_does_not_want_to_wait_is_told_that_the_queue_is_full(server):
    server.script = [problem(429, "queue_full")]

    with Client(server.url, waits_for_room=False) as impatient, pytest.raises(errors.QueueFull):
        impatient.stats()


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("not_found", errors.NotFound),
        ("conflict", errors.Conflict),
        ("lease_lost", errors.LeaseLost),
        ("unauthorized", errors.Unauthorized),
        ("payload_too_large", errors.PayloadTooLarge),
        ("invalid_input", errors.InvalidInput),
    ],
)
def test_an_error_comes_back_as_what_it_was(server, client, code, kind):
    server.script = [problem(kind.status, code, "the reason")]

    with pytest.raises(kind, match="the reason") as caught:
        client.stats()

    assert type(caught.value) is kind
    assert len(server.requests) == 1


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"code": "not_found"}', b"\xff"])
def test_an_error_without_a_reason_names_its_status(server, client, body):
    server.script = [(502, body)]

    with pytest.raises(errors.SuiteError, match="502"):
        client.stats()


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"pairs": 1}', b"\xff"])
def test_an_answer_that_is_not_of_this_api_is_an_error_of_the_suite(server, client, body):
    server.script = [(200, body)]

    with pytest.raises(errors.SuiteError, match="no answer of this API"):
        client.stats()
    assert client.is_ready() is False


def test_the_key_and_any_program_travel_as_they_are(server, client):
    server.script = [problem(404, "not_found")]

    with pytest.raises(errors.NotFound):
        client.create_group(uuid4(), group())

    (_, _, content, headers) = server.requests[0]
    assert headers["Authorization"] == "Bearer the-key"
    assert json.loads(content)["candidates"][0]["program"] == "\ud800"


@pytest.mark.parametrize("url", ["http://[::1", "http://a:b:c", "http://a:b"])
def test_an_address_that_is_none_is_named(url):
    with pytest.raises(errors.ConfigurationError, match="address"):
        Client(url)
