"""OpenEnv's own client steps our server, as a process of its own."""

import socket
import subprocess
import sys
import time
import urllib.request

from answers import GOOD
from openenv.core import GenericEnvClient


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


url = f"http://127.0.0.1:{free_port()}"
server = subprocess.Popen(
    [sys.executable, "-m", "uvicorn", "services.adapters.for_openenv:app", "--port",
     url.rpartition(":")[2], "--log-level", "warning"]
)  # fmt: skip
try:
    while True:
        assert server.poll() is None, "the server ended"
        try:
            urllib.request.urlopen(f"{url}/health", timeout=5).close()
            break
        except OSError:
            time.sleep(0.2)
    with GenericEnvClient(base_url=url).sync() as client:
        asked = client.reset(problem="peer/add")
        assert "add(a, b)" in asked.observation["prompt"], asked
        assert (asked.reward, asked.done) == (None, False)
        right = client.step({"completion": GOOD})
        assert (right.reward, right.done) == (1.0, True), right
        assert right.observation["label"] == "all_pass"
        client.reset(problem="peer/mul")
        assert client.step({"completion": GOOD}).reward == 0.05
        client.reset(seed=1)
        assert client.step({"completion": ""}).reward == 0
finally:
    server.terminate()
    server.wait()
print("environment server, stepped by GenericEnvClient")
