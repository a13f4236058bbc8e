"""How fast the API takes candidates, beside COPY of the same rows into a table like theirs."""

import signal
import time
from collections.abc import Sequence

import httpx
import psycopg

from infra.contracts.views.api import BulkGroup, BulkGroups
from services.cli.suite.running import RunningSuite

REQUEST = 100
"""Groups of one request."""


def bodies(groups: Sequence[BulkGroup]) -> list[bytes]:
    """Encode the requests before the clock runs: the client's work is not the server's."""
    cut = (groups[start : start + REQUEST] for start in range(0, len(groups), REQUEST))
    return [BulkGroups(groups=tuple(part)).model_dump_json().encode() for part in cut]


def post(suite: RunningSuite, requests: Sequence[bytes]) -> float:
    """Post every request; return the seconds it took."""
    headers = {
        "Authorization": f"Bearer {suite.api_key}",
        "Content-Type": "application/json",
    }
    with httpx.Client(base_url=suite.api_url, headers=headers, timeout=120) as http:
        began = time.perf_counter()
        for body in requests:
            response = http.post("/v1/groups/bulk", content=body)
            response.raise_for_status()
            assert not any(item["error"] for item in response.json()["outcomes"])
        return time.perf_counter() - began


def measure(suite: RunningSuite, groups: Sequence[BulkGroup]) -> tuple[float, float]:
    """Return candidates/s of the API and of COPY, one after the other, nothing else running.

    The copy goes into a table with the same columns, indexes and foreign keys; its rows come from
    the client, as the API's do.
    """
    number = sum(len(group.candidates) for group in groups)
    requests = bodies(groups)
    suite.kill("dispatcher", signal.SIGSTOP)
    try:
        ours = number / post(suite, requests)
        return ours, number / _copy(suite.database_url.replace("+psycopg", ""), number)
    finally:
        suite.kill("dispatcher", signal.SIGCONT)


def _copy(url: str, number: int) -> float:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS copied")
        connection.execute("CREATE TABLE copied (LIKE candidates INCLUDING ALL)")
        keys = connection.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conrelid = 'candidates'::regclass AND contype = 'f'"
        )
        for (key,) in keys.fetchall():
            connection.execute(f"ALTER TABLE copied ADD {key}")
        query = "COPY (SELECT * FROM candidates ORDER BY id DESC LIMIT %s) TO STDOUT"
        cursor = connection.cursor()
        with cursor.copy(query, (number,)) as out:
            rows = b"".join(out)
        began = time.perf_counter()
        with cursor.copy("COPY copied FROM STDIN") as into:
            into.write(rows)
        seconds = time.perf_counter() - began
        connection.execute("DROP TABLE copied")
    return seconds
