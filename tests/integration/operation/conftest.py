"""Processes of the suite as they are started, and their metrics as Prometheus would read them."""

import os
import subprocess
import sys
import time

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families


@pytest.fixture
def launch(database_url, redis_url, tmp_path):
    """Start modules as processes, and stop them however the test ends."""
    started = []

    def launched(module, **more):
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("RRTF_")},
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "TMPDIR": str(tmp_path),
            **more,
        }
        started.append(subprocess.Popen([sys.executable, "-m", module], env=environment))
        return started[-1]

    yield launched
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()


@pytest.fixture
def until():
    """Wait until a condition holds; tell whether it did."""

    def waited(condition, seconds=60):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if condition():
                return True
            time.sleep(0.05)
        return False

    return waited


@pytest.fixture
def scrape():
    """Read the metrics at a port: (name, labels) to value; nothing while nobody listens."""

    def scraped(port, key=""):
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        try:
            text = httpx.get(f"http://127.0.0.1:{port}/metrics", headers=headers, timeout=10).text
        except httpx.TransportError:
            return {}
        return {
            (sample.name, *sorted(sample.labels.values())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    return scraped
