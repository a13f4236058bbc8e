"""verifiers' own command evaluates the stored problems, with a model that says one thing."""

import json
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from answers import GOOD


class Model(BaseHTTPRequestHandler):
    """OpenAI's chat completions as a stream, with one answer."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        head = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
        said = {"index": 0, "delta": {"role": "assistant", "content": GOOD}, "finish_reason": None}
        ended = {"index": 0, "delta": {}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for chunk in ({"choices": [said]}, {"choices": [ended]}, {"choices": [], "usage": usage}):
            self.wfile.write(f"data: {json.dumps(head | chunk)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
threading.Thread(target=server.serve_forever, daemon=True).start()
out = Path(tempfile.mkdtemp())
options = {
    "--env.taskset.prefix": "peer/",
    "--env.agent.harness.id": "null",
    "--env.agent.runtime.type": "subprocess",
    "--model": "m",
    "--client.base-url": f"http://127.0.0.1:{server.server_port}/v1",
    "--output-dir": str(out),
}
command = [str(Path(sys.executable).parent / "vf-eval"), "rrtf-problems", "--no-rich", "--no-push"]
for option in options.items():
    command += option
subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
(file,) = out.glob("**/traces.jsonl")
episodes = [json.loads(line) for line in file.read_text().splitlines()]
traces = [trace for episode in episodes for trace in episode["traces"]]
found = {
    trace["task"]["key"]: (trace["rewards"]["executed"]["score"], trace["metrics"]["pass_fraction"])
    for trace in traces
}
assert found == {"peer/add": (1.0, 1.0), "peer/mul": (0.05, 0.0)}, found
print("taskset over stored problems, run by vf-eval")
