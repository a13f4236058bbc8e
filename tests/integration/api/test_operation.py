"""What an operator relies on: readiness, metrics, and a server that says what is away."""

import os
import socket
import subprocess
import sys
import threading
import time

import httpx
import pytest
import uvicorn

from infra.db.unit_of_work import Database
from infra.local.home import free_port
from services.api.app import create_app

KEY = {"Authorization": "Bearer k"}


@pytest.fixture
def serve():
    """Serve the API over whatever servers are named; return its address."""
    stops = []

    def start(database_url, redis_url):
        app = create_app(Database(database_url), redis_url, "k", max_body_bytes=10_000)
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        stops.append((server, thread, listener))
        while not server.started:
            time.sleep(0.01)
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for server, thread, listener in stops:
        server.should_exit = True
        thread.join()
        listener.close()


def nowhere(scheme):
    return f"{scheme}://a:b@127.0.0.1:{free_port()}/0"


def test_without_postgres_requests_are_told_to_come_again(serve, redis_url, is_problem):
    url = serve(nowhere("postgresql"), redis_url)

    for method, path in (("GET", "/v1/stats"), ("GET", "/v1/problems"), ("POST", "lease")):
        target = f"{url}{path}" if path[0] == "/" else f"{url}/v1/training-batches/{path}"
        body = {"worker": "w"} if method == "POST" else None
        response = httpx.request(method, target, json=body, headers=KEY, timeout=30)
        is_problem(response, 503, "unavailable")
        assert response.headers["retry-after"]
        assert "127.0.0.1" not in response.text
    ready = httpx.get(f"{url}/readyz", timeout=30)
    assert ready.status_code == 503
    assert ready.json()["checks"] == {"postgres": "not reachable", "redis": "ok"}
    assert httpx.get(f"{url}/healthz").status_code == 200


def test_without_redis_work_is_taken_and_the_server_is_not_ready(
    serve, database_url, problem, is_problem
):
    url = serve(database_url, nowhere("redis"))

    stored = httpx.post(f"{url}/v1/problems", json=problem.model_dump(mode="json"), headers=KEY)
    ready = httpx.get(f"{url}/readyz", timeout=30)

    assert stored.status_code == 201
    assert ready.status_code == 503
    assert ready.json()["checks"] == {"postgres": "ok", "redis": "not reachable"}


def test_metrics_leave_out_what_is_away(serve, database_url, redis_url):
    whole = httpx.get(f"{serve(database_url, redis_url)}/metrics").text
    partial = httpx.get(f"{serve(nowhere('postgresql'), redis_url)}/metrics", timeout=30)

    assert "rrtf_candidates{" in whole
    assert partial.status_code == 200
    assert "rrtf_candidates{" not in partial.text
    assert 'rrtf_queue_depth{queue="ranker"} 0.0' in partial.text


def test_a_schema_that_is_behind_is_not_ready(serve, servers, redis_url):
    url = serve(servers.database_url, redis_url)

    ready = httpx.get(f"{url}/readyz", timeout=30)

    assert ready.status_code == 503
    assert ready.json()["checks"]["postgres"].startswith("schema is at None")


def test_metrics_count_requests_by_route_and_not_by_id(http):
    for number in range(3):
        http.get(f"/v1/groups/01890a5d-ac96-774b-bcce-b3020990000{number}")

    text = http.get("/metrics").text

    line = 'rrtf_api_request_seconds_count{method="GET",route="/v1/groups/{group_id}"}'
    assert line in text
    assert "01890a5d" not in text


def start_api(**variables):
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": "postgresql://a:b@127.0.0.1:1/c",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        **variables,
    }
    return subprocess.run(
        [sys.executable, "-m", "services.api"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"RRTF_API_HOST": "0.0.0.0"}, "RRTF_API_KEY"),  # noqa: S104 - refused is the point
        ({"RRTF_API_HOST": "::", "RRTF_API_KEY": ""}, "RRTF_API_KEY"),
        ({"RRTF_API_PROT": "80"}, "RRTF_API_PROT"),
        ({"RRTF_API_PORT": "a lot"}, "port"),
    ],
)
def test_the_server_refuses_to_start_with_settings_that_harm(variables, words):
    ended = start_api(**variables)

    assert ended.returncode == 1
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr
