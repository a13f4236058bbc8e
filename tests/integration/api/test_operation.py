"""What an operator relies on: readiness, metrics, and a server that says what is away."""

import concurrent.futures
import contextlib
import os
import subprocess
import sys

import httpx
import psycopg
import pytest
from sqlalchemy import text

from infra.db.unit_of_work import Database
from infra.local.home import free_port
from services.api.app import create_app
from services.api.routers.monitoring import stats
from tests.serving import served

KEY = {"Authorization": "Bearer k"}


@pytest.fixture
def serve():
    """Serve the API over whatever servers are named; return its address."""
    with contextlib.ExitStack() as stack:

        def start(database_url, redis_url):
            app = create_app(Database(database_url), redis_url, "k", max_body_bytes=10_000)
            return stack.enter_context(served(app))

        yield start


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
    assert httpx.get(f"{url}/healthz", timeout=30).status_code == 200


def test_without_redis_work_is_taken_and_the_server_is_not_ready(
    serve, database_url, problem, is_problem
):
    url = serve(database_url, nowhere("redis"))

    stored = httpx.post(
        f"{url}/v1/problems", json=problem.model_dump(mode="json"), headers=KEY, timeout=30
    )
    ready = httpx.get(f"{url}/readyz", timeout=30)

    assert stored.status_code == 201
    assert ready.status_code == 503
    assert ready.json()["checks"] == {"postgres": "ok", "redis": "not reachable"}


def test_metrics_need_their_key_where_one_is_set(database, redis_url, is_problem):
    app = create_app(database, redis_url, "k", 10_000, metrics_key="m")
    with served(app) as url:
        for headers in ({}, KEY, {"Authorization": "Bearer \u00e9"}):
            encoded = {name: value.encode() for name, value in headers.items()}
            refused = httpx.get(f"{url}/metrics", headers=encoded, timeout=30)
            is_problem(refused, 401, "unauthorized")
            assert refused.headers["www-authenticate"] == "Bearer"
        shown = httpx.get(f"{url}/metrics", headers={"Authorization": "Bearer m"}, timeout=30)

    assert "rrtf_queue_depth" in shown.text


def test_metrics_leave_out_what_is_away(serve, database_url, redis_url):
    whole = httpx.get(f"{serve(database_url, redis_url)}/metrics", timeout=30).text
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

    page = http.get("/metrics").text

    line = 'rrtf_api_request_seconds_count{method="GET",route="/v1/groups/{group_id}"}'
    assert line in page
    assert "01890a5d" not in page


def value_of(page, name):
    (line,) = [line for line in page.splitlines() if line.startswith(name)]
    return float(line.split()[-1])


def test_metrics_are_counted_once_for_all_who_ask_at_the_same_time(http, make_group):
    http.get("/metrics")
    first = http.get("/metrics").text
    make_group(("student", "a"))

    second = http.get("/metrics").text

    submitted = 'rrtf_candidates{state="submitted"}'
    assert value_of(second, submitted) == value_of(first, submitted) == 0
    # What this process counts by itself is always of now.
    scraped = 'rrtf_api_request_seconds_count{method="GET",route="/metrics"}'
    assert value_of(second, scraped) == value_of(first, scraped) + 1


def test_who_scrapes_at_the_same_time_sees_every_gauge(http, monkeypatch):
    monkeypatch.setattr(stats, "_FRESH_SECONDS", 0.0)
    monkeypatch.setattr(stats, "_SHARE", 0)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        pages = [answer.text for answer in pool.map(http.get, ["/metrics"] * 40)]

    assert len(pages) == 40
    for page in pages:
        assert page.count("rrtf_candidates{") == 3
        assert page.count("rrtf_queue_depth{") == 3


def test_metrics_do_not_wait_for_a_count_that_takes_too_long(http, database_url, monkeypatch):
    monkeypatch.setattr(stats, "_PATIENCE", text("SET LOCAL statement_timeout = '200ms'"))
    with psycopg.connect(database_url) as lock:
        lock.execute("LOCK TABLE groups IN ACCESS EXCLUSIVE MODE")

        answered = http.get("/metrics")

    assert answered.status_code == 200
    assert "rrtf_groups{" not in answered.text
    assert 'rrtf_queue_depth{queue="ranker"} 0.0' in answered.text


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


@pytest.mark.slow
@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"RRTF_API_HOST": "0.0.0.0"}, "RRTF_API_KEY"),  # noqa: S104 - refused is the point
        pytest.param(
            {"RRTF_API_HOST": "::", "RRTF_API_KEY": ""},
            "RRTF_API_KEY",
            marks=pytest.mark.thorough,
        ),
        pytest.param({"RRTF_API_PROT": "80"}, "RRTF_API_PROT", marks=pytest.mark.thorough),
        pytest.param({"RRTF_API_PORT": "a lot"}, "port", marks=pytest.mark.thorough),
    ],
)
def test_the_server_refuses_to_start_with_settings_that_harm(variables, words):
    ended = start_api(**variables)

    assert ended.returncode == 1
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr
