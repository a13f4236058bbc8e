"""verifiers' own command evaluates the stored problems with a model server that always says one thing."""

import json
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from answers import GOOD


class Model(BaseHTTPRequestHandler):
    """OpenAI's chat completions, with one answer."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        message = {"role": "assistant", "content": GOOD}
        body = {
            "id": "1", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        }  # fmt: skip
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
threading.Thread(target=server.serve_forever, daemon=True).start()
out = Path(tempfile.mkdtemp())
subprocess.run(
    [
        Path(sys.executable).parent / "vf-eval", "rrtf-problems", "--env.taskset.prefix", "peer/",
        "--env.agent.harness.id", "null", "--env.agent.runtime.type", "subprocess", "--model", "m", "--client.base-url",
        f"http://127.0.0.1:{server.server_port}/v1", "--output-dir", out, "--no-rich", "--no-push",
    ],
    check=True, stdout=subprocess.DEVNULL,
)  # fmt: skip
(file,) = out.glob("**/traces.jsonl")
traces = [json.loads(line) for line in file.read_text().splitlines()]
found = {}
for trace in traces:
    name = trace["task"]["data"]["problem"]
    found[name] = {key: value["score"] for key, value in trace["rewards"].items()}
assert found == {"peer/add": {"executed": 1.0}, "peer/mul": {"executed": 0.05}}, found
print("taskset over stored problems, run by vf-eval")
