"""What docker-compose.yml and the Dockerfiles say, held against the code; no engine is needed."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import grimp
import pytest
import yaml

from infra.queues.access import USER
from services.cli.suite.running import GRACE_SECONDS
from tests.image import extras_of, packages

ROOT = Path(__file__).parents[3]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OURS = sorted(name for name, service in COMPOSE["services"].items() if "build" in service)
DOCKERFILES = sorted((ROOT / "infra/docker").glob("*.Dockerfile"))
ROOMS = ("services", "sampler", "executor", "ranker", "trainer")


def service(name: str) -> dict[str, Any]:
    found: dict[str, Any] = COMPOSE["services"][name]
    return found


def dockerfile_of(name: str) -> Path:
    return ROOT / str(service(name)["build"]["dockerfile"])


def command_of(name: str) -> list[str]:
    """The command of a service, or the one of its image."""
    if "command" in service(name):
        return list(service(name)["command"])
    last = dockerfile_of(name).read_text().rpartition("CMD ")[2]
    return list(yaml.safe_load(last))


def module_file(module: str) -> Path:
    """The file that `python -m module` runs."""
    path = ROOT / module.replace(".", "/")
    return path / "__main__.py" if path.is_dir() else path.with_suffix(".py")


def holds(dockerfile: Path, module: str) -> bool:
    """Tell whether an image has a module of ours, alone or with a folder around it."""
    lines = dockerfile.read_text().splitlines()
    sources = {word for line in lines if line.startswith("COPY") for word in line.split()[1:-1]}
    path = Path(*module.split("."))
    alone = {f"{path}.py", f"{path}/__init__.py", *map(str, (path, *path.parents))}
    return bool(alone & sources)


def environment_entries() -> list[tuple[str, str, str]]:
    return [
        (name, variable, str(value))
        for name in COMPOSE["services"]
        for variable, value in service(name).get("environment", {}).items()
    ]


@pytest.mark.parametrize("name", OURS)
def test_every_service_runs_a_module_that_exists(name: str) -> None:
    command = command_of(name)

    assert command[:2] == ["python", "-m"]
    assert module_file(command[2]).is_file()


@pytest.mark.parametrize("name", OURS)
def test_an_image_holds_every_room_that_its_command_imports(name: str) -> None:
    start = ".".join(module_file(command_of(name)[2]).relative_to(ROOT).with_suffix("").parts)
    graph = grimp.build_graph(*ROOMS, "infra", cache_dir=None)

    needed = graph.find_upstream_modules(start)

    assert needed
    assert [module for module in needed if not holds(dockerfile_of(name), module)] == []


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.stem)
def test_an_image_installs_its_own_extra_and_no_other(dockerfile: Path) -> None:
    installed = re.findall(r"'\.\[([a-z,]+)\]'", dockerfile.read_text())

    assert installed == [dockerfile.stem]
    assert dockerfile.stem in PROJECT["optional-dependencies"]
    assert "-c requirements.lock" in dockerfile.read_text()


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.stem)
def test_everything_an_image_copies_exists(dockerfile: Path) -> None:
    lines = [line for line in dockerfile.read_text().splitlines() if line.startswith("COPY")]
    sources = [word for line in lines for word in line.split()[1:-1]]

    let_in = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines()[2:]]

    assert sources
    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert [source for source in sources if source.split("/")[0] not in let_in] == []


@pytest.mark.parametrize("room", ROOMS)
def test_every_package_that_an_image_installs_has_its_version_in_the_lock(room: str) -> None:
    pins = re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / "requirements.lock").read_text(), re.M)

    installed = packages({"setuptools", *extras_of([room])})

    assert {"pydantic", "setuptools"} < installed.keys()
    versions = {
        (name, one.version.partition("+")[0])
        for name, one in installed.items()
        if not re.match(r"nvidia-|cuda-|triton$", name)  # Those torch pins itself.
    }
    assert versions - set(pins) == set()


def test_there_is_one_image_for_each_room() -> None:
    assert {path.stem for path in DOCKERFILES} == set(ROOMS)
    assert {dockerfile_of(name).stem for name in OURS} == set(ROOMS)


def test_every_base_image_is_pinned_to_a_version() -> None:
    bases = [
        line.split()[1]
        for path in DOCKERFILES
        for line in path.read_text().splitlines()
        if line.startswith("FROM")
    ]
    servers = [service(name)["image"] for name in COMPOSE["services"] if name not in OURS]

    assert len(bases) == len(DOCKERFILES)
    assert len(set(bases)) == 1
    assert [image for image in (*bases, *servers) if not re.search(r":v?\d", image)] == []


def test_every_variable_that_a_room_is_given_is_one_that_it_could_read(
    known_variables: frozenset[str],
) -> None:
    given = {variable for name, variable, _ in environment_entries() if name in OURS}
    others = {"HF_HOME", "HF_TOKEN"}  # Of the Hugging Face libraries.

    assert "RRTF_API_KEY" in given
    assert given - known_variables - others == set()


def test_no_secret_has_a_value_of_its_own() -> None:
    secret = re.compile(r"PASSWORD|AUTH|KEY|_URL$")
    required = re.compile(r"\$\{[A-Z_]+:\?[^}]+\}")
    secrets = [
        (variable, value)
        for _, variable, value in environment_entries()
        if secret.search(variable) and variable != "RRTF_CLIENT_URL"
    ]

    assert len(secrets) > 5
    assert [pair for pair in secrets if not required.search(pair[1])] == []


def test_the_example_names_every_value_that_must_be_given_and_gives_none() -> None:
    wanted = set(re.findall(r"\$\{([A-Z_]+):\?", (ROOT / "docker-compose.yml").read_text()))
    lines = (ROOT / ".env.example").read_text().splitlines()

    given = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))

    assert given == dict.fromkeys(wanted, "")


def test_the_executor_reaches_redis_and_nothing_else() -> None:
    neighbours = {
        name
        for name in COMPOSE["services"]
        if set(service(name)["networks"]) & set(service("executor")["networks"])
    }

    assert neighbours == {"redis", "executor"}
    assert service("executor")["environment"]["RRTF_METRICS_PORT"] == "${EXECUTOR_METRICS_PORT:-0}"
    assert all(COMPOSE["networks"][name]["internal"] for name in service("executor")["networks"])
    assert "DATABASE_URL" not in service("executor")["environment"]


def test_the_executor_alone_is_the_user_of_redis_who_may_do_little() -> None:
    users = {
        name: re.split("[:/]+", found["environment"]["REDIS_URL"])[1]
        for name, found in COMPOSE["services"].items()
        if "REDIS_URL" in found.get("environment", {})
    }
    printed = subprocess.run(
        [sys.executable, "-m", "infra.queues.access"], capture_output=True, text=True, check=True
    ).stdout

    assert users.pop("executor") == USER
    assert len(users) >= 5
    assert set(users.values()) == {"${REDIS_PASSWORD"}  # Nobody's name stands before it.
    # `python -m infra.queues.access >infra/docker/executor.acl` writes it anew.
    assert (ROOT / "infra/docker/executor.acl").read_text() == printed
    assert any("infra/docker/executor.acl:" in volume for volume in service("redis")["volumes"])


def test_an_executor_is_given_the_time_to_finish_a_candidate_everywhere() -> None:
    seconds = GRACE_SECONDS["executor"]
    chart = (ROOT / "infra/helm/rrtf/templates/executor.yaml").read_text()
    page = (ROOT / "infra/docs/how-to/scale-executors.md").read_text()

    assert service("executor")["stop_grace_period"] == f"{seconds:.0f}s"
    assert f"terminationGracePeriodSeconds: {seconds:.0f}\n" in chart
    assert f"Give it {seconds:.0f} seconds" in page


def test_the_trainer_reaches_the_api_and_holds_no_password_of_a_server() -> None:
    neighbours = {
        name
        for name in COMPOSE["services"]
        if set(service(name)["networks"]) & set(service("trainer")["networks"])
    }

    assert neighbours == {"api", "trainer", "trainer-gpu"}
    assert set(service("trainer")["environment"]).isdisjoint({"DATABASE_URL", "REDIS_URL"})


def test_nothing_is_privileged_and_only_the_executor_takes_capabilities_back() -> None:
    assert [name for name in COMPOSE["services"] if service(name).get("privileged")] == []
    assert [name for name in OURS if service(name)["cap_drop"] != ["ALL"]] == []
    assert [name for name in OURS if "cap_add" in service(name)] == ["executor"]
    assert [
        name
        for name in COMPOSE["services"]
        if service(name)["cap_drop"] != ["ALL"]
        or "no-new-privileges:true" not in service(name)["security_opt"]
        or "seccomp:unconfined" in service(name)["security_opt"]
    ] == []


def test_every_service_that_stays_says_whether_it_is_well() -> None:
    once = {name for name in COMPOSE["services"] if service(name).get("restart") == "on-failure"}
    silent = [name for name in COMPOSE["services"] if "healthcheck" not in service(name)]

    assert once == set(silent) == {"migrate"}


def test_a_check_of_health_starts_no_interpreter_and_looks_at_the_file_that_is_touched() -> None:
    checks = {name: found.get("healthcheck") for name, found in COMPOSE["services"].items()}
    tests = {name: " ".join(check["test"]) for name, check in checks.items() if check}

    assert [name for name, test in tests.items() if "python" in test] == []
    for name in set(OURS) - {"api", "migrate"}:
        assert service(name)["environment"]["RRTF_HEALTH_FILE"] in tests[name]


def test_metrics_need_a_key_wherever_they_are_shown() -> None:
    shown = {name for name in OURS if "RRTF_METRICS_PORT" in service(name)["environment"]}

    assert shown == set(OURS) - {"api", "migrate"}
    for name in (*shown, "api"):
        assert service(name)["environment"]["RRTF_METRICS_KEY"].startswith("${RRTF_METRICS_KEY:?")


def test_every_image_has_one_name_and_one_tag() -> None:
    names = {name: service(name)["image"] for name in OURS}
    by_image = {(names[name], service(name)["build"]["dockerfile"]) for name in OURS}

    assert len(by_image) == len(set(names.values())) == len(DOCKERFILES)
    assert all(
        re.fullmatch(r"\$\{\w+:-rrtf-\}\w+:\$\{\w+:-latest\}", one) for one in names.values()
    )


def test_the_profile_around_executors_is_the_one_of_the_code_and_allows_what_jails_may() -> None:
    from executor.sandbox.container import profile
    from executor.sandbox.seccomp import CELL_POLICY

    kept = json.loads((ROOT / "infra/docker/executor-seccomp.json").read_text())
    (allowed,) = (set(one["names"]) for one in kept["syscalls"])
    allows = CELL_POLICY.partition("ERRNO(1) { ptrace")[0]
    in_jails = set(re.findall(r"[{,] (\w+)(?= ?[{,}])", re.sub(r"\([^)]*\)", "", allows)))
    other_names = {"newfstat", "newstat", "newlstat", "newuname", "sendfile64", "umount"}

    # `python -m executor.sandbox.container >infra/docker/executor-seccomp.json` writes it anew.
    assert kept == profile()
    assert "seccomp:infra/docker/executor-seccomp.json" in service("executor")["security_opt"]
    assert {"openat", "clone", "mmap", "prctl"} <= in_jails
    assert in_jails - other_names <= allowed
    assert {"keyctl", "bpf", "ptrace", "init_module", "perf_event_open"} & allowed == set()


def test_the_profiles_add_trainers_and_a_teacher_and_take_nothing_away() -> None:
    profiles = {
        name: found["profiles"]
        for name, found in COMPOSE["services"].items()
        if "profiles" in found
    }

    assert profiles == {"trainer": ["cpu"], "trainer-gpu": ["gpu"], "teacher": ["teacher"]}


def test_the_model_server_shares_a_network_with_the_sampler_alone() -> None:
    neighbours = {
        name
        for name in COMPOSE["services"]
        if set(service(name)["networks"]) & set(service("teacher")["networks"])
    }

    assert neighbours == {"teacher", "sampler"}


def test_every_image_but_the_executors_gives_up_root() -> None:
    with_root = [path.stem for path in DOCKERFILES if "\nUSER 10001\n" not in path.read_text()]

    assert with_root == ["executor"]


def test_the_executors_entry_point_can_be_run() -> None:
    assert os.access(ROOT / "infra/docker/executor-entrypoint.sh", os.X_OK)


def test_the_api_is_published_on_loopback_only() -> None:
    published = [port for name in COMPOSE["services"] for port in service(name).get("ports", [])]

    assert published == ["127.0.0.1:8000:8000"]
