"""What the processes of each image start with: its own folders and packages, and nothing else."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import grimp
import pytest
import typer
import yaml

from infra import heartbeats
from infra.local.home import free_port
from infra.queues.access import USER
from infra.queues.messaging import Queue, queue_depths
from services.cli.main import app as command_line
from tests.image import ROOT, Image
from tests.samples import first

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
ROOMS = ("services", "sampler", "executor", "ranker", "trainer")
PROBLEM = {
    "slug": "ci/add",
    "prompt": "def add(a, b):\n",
    "entry_point": "add",
    "tests": [{"kind": "call", "args": [1, 2], "expected": 3}],
}
CANDIDATE = {"task_id": "ci/add", "program": "x", "author": "teacher", "model": "m"}
HERE = {
    "import": ["{}/problems.jsonl"],
    "submit": ["{}/candidates.jsonl"],
    "watch": ["--timeout", "0.1"],
    "status": [],
    "show": ["ci/add"],
    "keys create": ["a"],
    "keys list": [],
    "keys revoke": ["a"],
    "quarantine": [],
    "prune": [],
    "rank-again": [],
    "audit": [],
    "export": ["{}/ranked"],
    "report": ["{}/none"],
    "compare": ["{}/models/none", "{}/models/none"],
    "pass-at-k": [],
    "exercises": ["{}/made", "--training", "2", "--held-out", "1"],
    "project": ["{}/project", "--out", "{}/project.jsonl"],
}
ENDS_IN_1 = {"watch", "train", "export", "report", "compare"}
"""They say that nobody works, or has worked, or what is wrong with their files."""
MISSING = ["--problems", "{}/none", "--out", "{}/none"]
HERE["train"] = [*MISSING, "--teachers", "{}/none", "--held-out", "{}/none"]
ELSEWHERE = {
    "up": [],
    "demo": [],
    "backup": ["{}/file"],
    "restore": ["{}/none", "{}/home"],
    "doctor": [],
    "check": ["{}/none"],
    "images build": ["numpy"],
    "images list": [],
    "languages install": ["go"],
    "languages list": [],
    "label": [*MISSING, "--candidates", "{}/none"],
    "decontaminate": ["{}/problems.jsonl", "--against", "{}/problems.jsonl"],
    "evaluate": ["--problems", "{}/problems.jsonl", "--out", "{}/out", "--model", "none"],
    "evolve": ["{}/none", "--out", "{}/none", "--teacher", "none"],
    "student": ["{}/none", "--seed", "1"],
    "quantize-study": ["--model", "none", "--problems", "{}/problems.jsonl", "--out", "{}/study"],
}
"""Commands that start other rooms, or use their code."""


@pytest.fixture(scope="module", params=ROOMS)
def image(request, tmp_path_factory):
    return request.param, Image(request.param, tmp_path_factory.mktemp(request.param))


@pytest.fixture(scope="module")
def services_image(tmp_path_factory):
    return Image("services", tmp_path_factory.mktemp("services"))


@pytest.fixture(scope="module")
def graph():
    """What imports what."""
    return grimp.build_graph(*ROOMS, "infra", cache_dir=None)


def entries(room):
    """The modules that containers of a room's image start."""
    for service in COMPOSE.values():
        built = service.get("build", {}).get("dockerfile", "")
        if Path(built).stem == f"{room}":
            command = service.get("command", [])
            if "-m" in command:
                yield command[command.index("-m") + 1]
    dockerfile = (ROOT / f"infra/docker/{room}.Dockerfile").read_text()
    yield json.loads(dockerfile.rpartition("CMD ")[2])[2]


# Models in the sampler's own process take what is installed beside it.
@pytest.mark.slow
@pytest.mark.parametrize(
    "image", first(2, ["executor", "services", "ranker", "trainer"]), indirect=True
)
def test_everything_that_its_processes_may_import_is_there(image, graph):
    room, built = image
    started = {
        name if (ROOT / name.replace(".", "/")).with_suffix(".py").is_file() else f"{name}.__main__"
        for name in entries(room)
    }
    needed = started.union(*(graph.find_upstream_modules(name) for name in started))

    status, written = built.run(
        "-c",
        "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)",
        *sorted(needed),
        REDIS_URL="redis://127.0.0.1:9/0",
    )

    assert len(needed) > 10
    assert status == 0, written


def environment(service, **more):
    """The variables of a service, with another value where it is of the machine."""
    given = COMPOSE[service].get("environment", {})
    # What has no value there is taken from .env, where it is set.
    own = {name: str(value) for name, value in given.items() if value is not None}
    return own | {name: value for name, value in more.items() if name in given}


def wait_for(condition, process, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            pytest.fail(process.communicate()[0])
        time.sleep(0.1)


def is_well(service, folder):
    """Ask as a container's engine does; the process's file is in `folder`."""
    shell, check = COMPOSE[service]["healthcheck"]["test"]
    assert shell == "CMD-SHELL"
    words = check.replace("/tmp/well", str(folder / "well"))  # noqa: S108 - the container's own
    return (
        subprocess.run(["/bin/sh", "-c", words], capture_output=True, check=False).returncode == 0
    )


@pytest.mark.slow
@pytest.mark.parametrize("image", first(1, ["executor", "sampler", "ranker"]), indirect=True)
def test_a_worker_takes_messages_and_its_health_check_says_so(
    image, servers, redis_url, database_url, open_directory, tmp_path
):
    room, built = image
    number = redis_url.rpartition("/")[2]
    url = servers.executor_redis_url.rpartition("/")[0] + f"/{number}"
    assert USER in url
    own = environment(
        room,
        DATABASE_URL=database_url,
        REDIS_URL=url if room == "executor" else redis_url,
        RRTF_METRICS_HOST="127.0.0.1",
        RRTF_METRICS_PORT=str(free_port()),
        RRTF_EXECUTOR_HOME=str(open_directory / "executor"),
        RRTF_EXECUTOR_SLOTS="1",
        RRTF_EXECUTOR_REQUIRE_CGROUP="false",
        RRTF_HEALTH_FILE=str(tmp_path / "well"),
    )

    worker = built.start("-m", room, **own)
    wait_for(lambda: [one.room for one in heartbeats.workers(redis_url)] == [room], worker)
    wait_for(lambda: is_well(room, tmp_path), worker)
    worker.send_signal(signal.SIGTERM)
    written, _ = worker.communicate()

    assert worker.returncode == 0, written
    os.utime(tmp_path / "well", (0, 0))
    assert not is_well(room, tmp_path)


@pytest.mark.thorough
@pytest.mark.parametrize("image", ["trainer"], indirect=True)
def test_a_trainer_waits_for_the_api_and_its_health_check_says_so(image, tmp_path):
    _, built = image
    own = environment(
        "trainer",
        RRTF_CLIENT_URL="http://127.0.0.1:9",
        RRTF_TRAINER_OUTPUT_DIR=str(tmp_path),
        RRTF_METRICS_HOST="127.0.0.1",
        RRTF_METRICS_PORT=str(free_port()),
        RRTF_HEALTH_FILE=str(tmp_path / "well"),
    )

    trainer = built.start("-m", "trainer", **own)
    wait_for(lambda: is_well("trainer", tmp_path), trainer)
    trainer.terminate()
    written, _ = trainer.communicate()

    assert trainer.returncode == 0, written


@pytest.fixture
def api(services_image, database_url, redis_url):
    """The API in its image; yields what `rrtf` needs to know."""
    port = free_port()
    own = environment(
        "api",
        DATABASE_URL=database_url,
        REDIS_URL=redis_url,
        RRTF_API_HOST="127.0.0.1",
        RRTF_API_PORT=str(port),
        RRTF_API_KEY="secret-key",
    )
    process = services_image.start("-m", "services.api", **own)
    check = [word.replace("/8000", f"/{port}") for word in COMPOSE["api"]["healthcheck"]["test"]]
    assert check[:2] == ["CMD", "bash"]
    wait_for(lambda: subprocess.call(check[1:]) == 0, process)
    yield {
        "RRTF_CLIENT_URL": f"http://127.0.0.1:{port}",
        "RRTF_CLIENT_KEY": "secret-key",
        "DATABASE_URL": database_url,
    }
    process.terminate()
    process.communicate()


@pytest.mark.slow
def test_dispatcher_sweep_and_migration_work(
    services_image, database_url, redis_url, make_group, tmp_path
):
    make_group(("student", "to be sent"))
    status, written = services_image.run("-m", "infra.db.migrate", DATABASE_URL=database_url)
    assert status == 0, written
    for name in ("dispatcher", "sweep"):
        own = environment(
            name,
            DATABASE_URL=database_url,
            REDIS_URL=redis_url,
            RRTF_METRICS_HOST="127.0.0.1",
            RRTF_METRICS_PORT=str(free_port()),
            RRTF_HEALTH_FILE=str(tmp_path / name / "well"),
        )
        (tmp_path / name).mkdir()

        process = services_image.start("-m", f"services.delivery.{name}", **own)
        wait_for(lambda name=name: is_well(name, tmp_path / name), process)
        if name == "dispatcher":
            # The candidate, and the check of its problem.
            wait_for(lambda: queue_depths(redis_url)[Queue.EXECUTOR] == 2, process)
        process.terminate()
        written, _ = process.communicate()

        assert process.returncode == 0, written


EACH = """
import json, os, sys, tempfile
import infra.db.migrate, services.audit, services.client
from services.cli.main import app

# Each in a process of its own, so that what most of them load is loaded once.
for words in json.loads(sys.argv[1]):
    with tempfile.TemporaryFile("w+") as written:
        if (child := os.fork()) == 0:
            os.dup2(written.fileno(), 1)
            os.dup2(written.fileno(), 2)
            sys.argv[1:] = words
            app()
            os._exit(99)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        written.seek(0)
        print(json.dumps([status, written.read()]), flush=True)
"""


def run_each(image, commands, **own):
    """Run each command; return status and what it wrote, in their order."""
    status, written = image.run("-c", EACH, json.dumps(commands), **own)
    assert status == 0, written
    return [json.loads(line) for line in written.splitlines()]


def commands(group, prefix=()):
    for name, one in group.commands.items():
        if hasattr(one, "commands"):
            yield from commands(one, (*prefix, name))
        else:
            yield " ".join((*prefix, name))


@pytest.mark.slow
@pytest.mark.parametrize(
    "names", first(1, [["import", "submit", "label"], [*HERE, *ELSEWHERE]]), ids=["some", "every"]
)
def test_a_command_runs_in_the_image_of_services_or_says_what_it_lacks(
    services_image, api, tmp_path, names
):
    assert {*HERE, *ELSEWHERE} == set(commands(typer.main.get_command(command_line)))
    (tmp_path / "problems.jsonl").write_text(json.dumps(PROBLEM))
    (tmp_path / "candidates.jsonl").write_text(json.dumps(CANDIDATE))
    (tmp_path / "project").mkdir()
    (tmp_path / "project/adding.py").write_text("def add(a, b):\n    return a + b\n")
    (tmp_path / "project/test_adding.py").write_text(
        "from adding import add\n\ndef test_add():\n    assert add(1, 2) == 3\n"
    )

    words = [
        [*name.split(), *(word.format(tmp_path) for word in (HERE | ELSEWHERE)[name])]
        for name in names
    ]
    (help_status, _), *found = run_each(services_image, [["--help"], *words], **api)
    assert help_status == 0
    for name, (status, written) in zip(names, found, strict=True):
        assert "Traceback" not in written, written
        lacks = "not installed here" in written or "No module named" in written
        assert lacks == (name in ELSEWHERE), f"{name}: {written}"
        assert status == (name in {*ENDS_IN_1, *ELSEWHERE}), f"{name}: {written}"
