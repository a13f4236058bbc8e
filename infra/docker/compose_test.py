"""Starts docker-compose.yml for real and holds it to what the documents promise.

`make compose-test`, as somebody who may run the engine. `COMPOSE` names its command where that is
none of `docker compose`, `podman compose` and `nerdctl compose`; what `.env.example` names counts
as usual. It runs under a name of its own and removes all that it made but images; the port 8000 of
this machine must be free.
"""

import json
import os
import secrets
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
API = "http://127.0.0.1:8000"
PASSWORDS = ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "EXECUTOR_REDIS_PASSWORD")
KEYS = ("RRTF_API_KEY", "RRTF_METRICS_KEY")
SERVICES = ["postgres", "redis", "api", "dispatcher", "sweep", "sampler", "ranker", "executor"]
PORTS = {"postgres": 5432, "redis": 6379, "api": 8000}
METRICS = 9464
OUTSIDE = ("1.1.1.1:443", "8.8.8.8:53")
EXECUTORS_CAPABILITIES = 1 << 21 | 1 << 7 | 1 << 6
"""SYS_ADMIN, SETUID, SETGID."""
PROBLEM = {
    "slug": "compose/add",
    "prompt": "def add(a, b):\n",
    "entry_point": "add",
    "tests": [
        {"kind": "call", "args": [1, 2], "expected": 3},
        {"kind": "call", "args": [-1, 1], "expected": 0},
    ],
}
PROGRAMS = {
    "all_pass": "def add(a, b):\n    return a + b  # {}\n",
    "partial_pass": "def add(a, b):\n    return 3  # {}\n",
    "runtime_error": "def add(a, b):\n    return 1 / 0  # {}\n",
    "compile_error": "def add(a, b:  # {}\n",
}
REACHES = """
import socket
def reached(addresses):
    found = []
    for host, port in addresses:
        try:
            socket.create_connection((host, port), timeout=1).close()
            found.append(host)
        except OSError:
            pass
    return found
"""


class Suite:
    """The suite of this test in containers."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self._command = [*command, "-p", "rrtf-compose-test", "-f", "docker-compose.yml"]
        self._folder = folder
        self._env = {name: secrets.token_hex(24) for name in (*PASSWORDS, *KEYS)}
        self._env["RRTF_TAG"] = "compose-test"
        self._made = 0

    def compose(self, *words: str) -> str:
        """Run a command of the engine; return what it wrote."""
        done = subprocess.run(
            [*self._command, *words],
            cwd=ROOT,
            env=os.environ | self._env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"compose {' '.join(words)} ended with {done.returncode}")
        return done.stdout

    def rrtf(self, *words: str) -> str:
        """Run `rrtf` here, as users do; return what it wrote."""
        client = {"RRTF_CLIENT_URL": API, "RRTF_CLIENT_KEY": self._env["RRTF_API_KEY"]}
        command = [str(Path(sys.executable).with_name("rrtf")), *words]
        return subprocess.run(
            command, env=os.environ | client, stdout=subprocess.PIPE, text=True, check=True
        ).stdout

    def get(self, path: str, key: str | None) -> tuple[int, bytes]:
        """Ask the API; return status and answer, 0 and nothing while it is away."""
        headers = {"Authorization": f"Bearer {self._env[key]}"} if key else {}
        try:
            answer = httpx.get(f"{API}{path}", headers=headers, timeout=10)
        except httpx.TransportError:
            return 0, b""
        return answer.status_code, answer.content

    def start(self) -> None:
        """Start three executors and all else, and wait until all are well."""
        self.compose("up", "-d", "--no-build", "--scale", "executor=3")
        wait_until(self.is_well, "all services are well")

    def is_well(self) -> bool:
        """Tell whether each service says that it is well, and every worker is at work."""
        listed = [json.loads(line) for line in self.compose("ps", "--format", "json").splitlines()]
        well = Counter(one["Service"] for one in listed if one["Health"] == "healthy")
        if well != Counter(SERVICES) + Counter(executor=2):
            return False
        status, answer = self.get("/v1/live", "RRTF_API_KEY")
        workers = json.loads(answer)["workers"] if status == 200 else ()
        rooms = Counter(one["room"] for one in workers)
        return rooms == {"executor": 3, "ranker": 1, "sampler": 1}

    def submit(self, each: int, problem: dict[str, Any] = PROBLEM, **programs: str) -> None:
        """Submit programs that nobody has submitted yet, and wait for their ranking."""
        rows = []
        for label, program in (programs or PROGRAMS).items():
            for _ in range(each):
                self._made += 1
                row = {"task_id": problem["slug"], "program": program.format(self._made)}
                author = "teacher" if label == "all_pass" else "student"
                rows.append(row | {"author": author, "model": "m"})
        problems = self._folder / problem["slug"].replace("/", "-")
        candidates = self._folder / "candidates.jsonl"
        if not problems.exists():
            problems.write_text(json.dumps(problem))
            self.rrtf("import", str(problems))
        candidates.write_text("\n".join(map(json.dumps, rows)))
        self.rrtf("submit", str(candidates))
        self.rrtf("watch", "--timeout", "300")

    def labels(self) -> dict[str, int]:
        """Count labels of all candidates."""
        counted: Counter[str] = Counter()
        _, answer = self.get("/v1/stats", "RRTF_API_KEY")
        for of_author in json.loads(answer)["labels"].values():
            counted.update(of_author)
        return dict(counted)

    def inside(self, service: str, *addresses: str) -> dict[str, Any]:
        """Return what `inside.py` finds in a container of a service."""
        words = ["exec", "-T", service, "python", "infra/docker/inside.py", *addresses]
        found: dict[str, Any] = json.loads(self.compose(*words))
        return found

    def addresses(self) -> dict[str, list[str]]:
        """Return where each service listens, in all its networks."""
        found = {}
        for service in SERVICES:
            port = PORTS.get(service, METRICS)
            hosts = self.compose("exec", "-T", service, "hostname", "-i").split()
            found[service] = [f"{host}:{port}" for host in hosts]
        return found


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 300.0) -> None:
    """Wait for a condition; end the test if it does not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"not in {seconds:.0f} s: {what}")
        time.sleep(1)


def check(holds: bool, promise: str, found: object = "") -> None:
    """Say that a promise holds, or end the test."""
    if not holds:
        raise SystemExit(f"BROKEN: {promise}: {found}")
    print(f"holds: {promise}", flush=True)  # noqa: T201 - a program for a terminal


def labels_come(suite: Suite) -> None:
    """Score 40 candidates by three executors."""
    suite.submit(10)
    found = suite.labels()
    check(found == dict.fromkeys(PROGRAMS, 10), "40 candidates get the labels they deserve", found)


def networks_hold(suite: Suite) -> None:
    """Try all ways out of an executor, of its worker and of a jail in it."""
    everywhere = suite.addresses()
    theirs = [one for service in everywhere for one in everywhere[service] if service != "redis"]
    redis = everywhere["redis"]
    control = suite.inside("sweep", *everywhere["dispatcher"], *redis)["reached"]
    check(len(control) >= 2, "others meet each other and Redis", control)
    executor = suite.inside("executor", *theirs, *redis, *OUTSIDE)
    met = executor["reached"]
    check(len(met) == 1 and met[0] in redis, "an executor's worker reaches Redis and no more", met)
    trainer_side = suite.inside("api", *everywhere["executor"])["reached"]
    check(trainer_side == [], "nobody reaches an executor", trainer_side)
    check(
        executor["commands"] == ["AUTH", "PING"],
        "Redis gives an executor its own keys and queues alone",
        executor["commands"],
    )
    split = [one.rpartition(":") for one in (*theirs, *redis, *OUTSIDE)]
    pairs = [[host, int(port)] for host, _, port in split]
    tests = [
        {"kind": "call", "args": [pairs[at : at + 8]], "expected": []}
        for at in range(0, len(pairs), 8)
    ]
    problem = {"slug": "compose/reached", "prompt": "p", "entry_point": "reached", "tests": tests}
    before = suite.labels()
    suite.submit(1, problem, all_pass=REACHES)
    after = suite.labels()
    check(after["all_pass"] == before["all_pass"] + 1, "a jail reaches nobody", after)


def containers_are_confined(suite: Suite) -> None:
    """Ask the kernel what each room may do."""
    for service in SERVICES[2:]:
        found = suite.inside(service)
        process, calls = found["process"], found["calls"]
        most = EXECUTORS_CAPABILITIES if service == "executor" else 0
        check(
            int(process["CapEff"], 16) == most
            and (process["NoNewPrivs"], process["Seccomp"]) == ("1", "2")
            and (process["Uid"] == "0") == (service == "executor"),
            f"{service} has its capabilities, a filter of system calls and no way to more",
            process,
        )
        refusals = {"ENOSYS"} if service == "executor" else {"EPERM", "ENOSYS"}
        check(
            set(calls.values()) <= refusals,
            f"{service} makes no system call that it does not need",
            calls,
        )


def volumes_fit(suite: Suite) -> None:
    """Write where models are kept, and look who owns what the trainer writes and others read."""
    words = "touch /var/cache/rrtf/new && rm /var/cache/rrtf/new && stat -c %u /var/lib/rrtf"
    owner = suite.compose("exec", "-T", "sampler", "sh", "-c", words).strip()
    refused = suite.compose("exec", "-T", "sampler", "sh", "-c", "! touch /var/lib/rrtf/new 2>&1")
    check(
        owner == "10001" and "Read-only" in refused,
        "the sampler keeps models, and reads the trainer's checkpoints",
        (owner, refused),
    )


def metrics_are_kept(suite: Suite) -> None:
    """Read metrics with and without the key."""
    without, _ = suite.get("/metrics", None)
    status, text = suite.get("/metrics", "RRTF_METRICS_KEY")
    check((without, status) == (401, 200) and b"rrtf_" in text, "the API's metrics need their key")
    ask = (
        "import os, urllib.request as u, urllib.error as e\n"
        "def ask(**h):\n"
        "    try: return u.urlopen(u.Request('http://dispatcher:9464/metrics', headers=h)).status\n"
        "    except e.HTTPError as error: return error.code\n"
        "key = os.environ['RRTF_METRICS_KEY']\n"
        "print(ask(), ask(Authorization='Bearer x'), ask(Authorization=f'Bearer {key}'))\n"
    )
    found = suite.compose("exec", "-T", "sweep", "python", "-c", ask).strip()
    check(found == "401 401 200", "every other process's metrics need it too", found)


def kills_lose_nothing(suite: Suite) -> None:
    """Kill each service once, every container of it, and give it work anew."""
    for service in SERVICES:
        suite.compose("kill", "-s", "KILL", service)
        suite.compose("up", "-d", "--no-build", "--no-recreate", "--scale", "executor=3")
        wait_until(suite.is_well, f"all services are well after the death of {service}")
        before = suite.labels()
        suite.submit(1)
        after = suite.labels()
        more = {label: after[label] - before[label] for label in PROGRAMS}
        check(more == dict.fromkeys(PROGRAMS, 1), f"{service} killed, work goes on", more)


def restart_keeps_all(suite: Suite) -> None:
    """Remove the containers and make new ones over the same volumes."""
    before = suite.labels()
    suite.compose("down")
    suite.start()
    check(suite.labels() == before, "labels outlive the containers", before)
    for words in ("audit --complete", "keys list", "quarantine", "prune --days 9", "status"):
        suite.compose("exec", "-T", "api", "rrtf", *words.split())
    check(True, "rrtf works in the image of services, and its audit finds nothing wrong")


def engines() -> Iterator[list[str]]:
    """Name the commands that may be the engine's."""
    if named := os.environ.get("COMPOSE"):
        yield shlex.split(named)
    else:
        yield from ([name, "compose"] for name in ("docker", "podman", "nerdctl"))


def main() -> int:
    """Return 0 if all promises hold."""
    for command in engines():
        works = shutil.which(command[0]) and not subprocess.call(
            [*command, "version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        if works:
            break
    else:
        sys.stderr.write("no `docker compose` here; COMPOSE names another command\n")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        suite = Suite(command, Path(folder))
        suite.compose("build")
        try:
            suite.start()
            labels_come(suite)
            networks_hold(suite)
            containers_are_confined(suite)
            volumes_fit(suite)
            metrics_are_kept(suite)
            kills_lose_nothing(suite)
            restart_keeps_all(suite)
        except BaseException:
            print(suite.compose("logs", "--no-color", "--tail", "20"), file=sys.stderr)  # noqa: T201
            raise
        finally:
            suite.compose("down", "--volumes", "--timeout", "20")
    return 0


if __name__ == "__main__":
    sys.exit(main())
