"""A trainer may wait at the API for its next batch; nothing else waits with it."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import psycopg
import pytest

IDLE = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND state LIKE 'idle in transaction%'
"""


@pytest.fixture
def wait_for_batch(api):
    """Ask for a batch and wait at most so long; return the batches."""

    def wait(seconds, worker="w"):
        response = httpx.post(
            f"{api}/v1/training-batches/lease",
            json={"worker": worker, "wait_seconds": seconds},
            headers={"Authorization": "Bearer secret-key"},
            timeout=60,
        )
        assert response.status_code == 200, response.text
        return response.json()["batches"]

    return wait


def test_a_batch_that_comes_while_a_trainer_waits_is_handed_over(wait_for_batch, form_batch):
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wait_for_batch, 30)
        group_id = form_batch()
        (batch,) = waiting.result()

    assert [group["group_id"] for group in batch["groups"]] == [str(group_id)]


@pytest.mark.slow
def test_waiting_holds_neither_transactions_nor_the_server(wait_for_batch, http, database_url):
    """More trainers wait than the server has threads and database connections."""
    with ThreadPoolExecutor(45) as pool:
        waiting = [pool.submit(wait_for_batch, 3, f"w{n}") for n in range(45)]
        with psycopg.connect(database_url, autocommit=True) as connection:
            idle = []
            while not all(one.done() for one in waiting):
                idle.append(connection.execute(IDLE).fetchone()[0])
                assert http.get("/v1/policies").status_code == 200
                time.sleep(0.05)
        answers = [one.result() for one in waiting]

    assert answers == [[]] * 45
    # On a busy machine one of them asks at every look; held ones would be as many as connections.
    assert min(idle) <= 1


def test_a_trainer_that_went_away_is_leased_nothing(api, http, form_batch, wait_for_batch):
    url = httpx.URL(api)
    body = b'{"worker": "gone", "wait_seconds": 30}'
    with socket.create_connection((url.host, url.port), timeout=10) as connection:
        connection.sendall(
            b"POST /v1/training-batches/lease HTTP/1.1\r\nHost: a\r\n"
            b"Authorization: Bearer secret-key\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        time.sleep(0.5)  # It has begun to wait.
    time.sleep(0.5)
    form_batch()

    (batch,) = wait_for_batch(10, "present")

    stored = http.get(f"/v1/training-batches/{batch['batch_id']}").json()
    assert (stored["worker"], stored["attempts"]) == ("present", 1)
