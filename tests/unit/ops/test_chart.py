"""The Helm chart, rendered by Helm itself and held against Kubernetes' schemas and the code.

Both come from an environment of their own: `make chart`.
"""

import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.db.unit_of_work import Database
from services.api.app import create_app

ROOT = Path(__file__).parents[3]
CHART = ROOT / "infra/helm/rrtf"
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
LEAST = {"image": {"registry": "registry.example.com/rrtf"}}
EVERYTHING = {
    **LEAST,
    "secrets": {"executorRedis": {"name": "rrtf-executor-redis", "key": "url"}},
    "env": {"RRTF_LOG_LEVEL": "DEBUG"},
    "metrics": {"podMonitor": True},
    "api": {"ingress": {"enabled": True, "host": "rrtf.example.com", "tlsSecret": "tls"}},
    "executor": {
        "slots": 8,
        "autoscaling": {"enabled": True},
        "nodeSelector": {"pool": "executors"},
        "tolerations": [{"key": "executors", "operator": "Exists"}],
    },
    "sampler": {
        "envFrom": [{"secretRef": {"name": "models"}}],
        "volumes": [{"name": "recorded", "configMap": {"name": "recorded"}}],
        "volumeMounts": [{"name": "recorded", "mountPath": "/etc/rrtf"}],
    },
    "trainer": {"enabled": True, "resources": {"limits": {"nvidia.com/gpu": 1}}},
    "networkPolicy": {
        "database": {"port": 5433, "to": [{"ipBlock": {"cidr": "10.0.0.1/32"}}]},
        "clients": [{"namespaceSelector": {}}],
        "monitoring": [{"namespaceSelector": {}}],
    },
}
Kinds = dict[str, dict[str, Any]]


def render(values: dict[str, Any]) -> Kinds:
    """Render the chart; objects by kind and by the last part of their names."""
    helm = pytest.importorskip("helm_python", reason="Helm is not installed; `make chart` does it")
    with helm.Chart.load(CHART) as chart:
        texts = chart.render(values, name="r", namespace="n")
    found: Kinds = defaultdict(dict)
    for text in texts.values():
        for item in yaml.safe_load_all(text):
            if item is not None:
                found[item["kind"]][item["metadata"]["name"].removeprefix("r-")] = item
    return found


@pytest.fixture(scope="module", params=[LEAST, EVERYTHING], ids=["least", "everything"])
def objects(request: pytest.FixtureRequest) -> Kinds:
    return render(request.param)


def pods(objects: Kinds) -> dict[str, dict[str, Any]]:
    return {
        name: item["spec"]["template"]["spec"]
        for kind in ("Deployment", "Job")
        for name, item in objects[kind].items()
    }


def variables(pod: dict[str, Any]) -> dict[str, Any]:
    (container,) = pod["containers"]
    return {item["name"]: item.get("value") for item in container["env"]}


def test_helm_finds_nothing_to_complain_about() -> None:
    helm = pytest.importorskip("helm_python", reason="Helm is not installed; `make chart` does it")

    report = helm.chart.lint(CHART, values=EVERYTHING, strict=True, kube_version="v1.30.0")

    assert report["errors"] == []
    assert [message for message in report["messages"] if message["severity"] > 1] == []


@pytest.mark.parametrize("version", ["1.30", "1.37"])
def test_kubernetes_knows_every_field(objects: Kinds, version: str) -> None:
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    # Other projects' kinds, whose schemas are not at hand.
    foreign = {"ScaledObject", "PodMonitor"}
    checked = 0
    for kind in objects.keys() - foreign:
        for item in objects[kind].values():
            kubernetes_validate.validate(item, version, strict=True)
            checked += 1

    assert checked > 15


def test_without_a_registry_it_says_what_is_missing() -> None:
    with pytest.raises(Exception, match=r"image\.registry must be given"):
        render({})


def test_the_processes_are_those_of_compose_with_the_same_commands(objects: Kinds) -> None:
    ours = {name for name, service in COMPOSE.items() if "build" in service}

    found = pods(objects)

    assert found.keys() | {"trainer", "trainer-gpu"} == ours
    for name, pod in found.items():
        (container,) = pod["containers"]
        assert container.get("command") == COMPOSE[name].get("command")


def test_secrets_are_referred_to_and_never_given(objects: Kinds) -> None:
    assert objects["Secret"] == {}
    secret = re.compile(r"PASSWORD|KEY$|_URL$")
    given = [
        (name, variable, value)
        for name, pod in pods(objects).items()
        for variable, value in variables(pod).items()
        if secret.search(variable) and value is not None
    ]
    assert given in ([], [("trainer", "RRTF_CLIENT_URL", "http://r-api:8000")])


def test_executors_get_a_user_of_redis_of_their_own_where_one_is_given() -> None:
    def secrets(values: dict[str, Any]) -> dict[str, str]:
        return {
            name: item["valueFrom"]["secretKeyRef"]["name"]
            for name, pod in pods(render(values)).items()
            for item in pod["containers"][0]["env"]
            if item["name"] == "REDIS_URL"
        }

    given, none_given = secrets(EVERYTHING), secrets(LEAST)

    assert set(none_given.values()) == {"rrtf-redis"}
    assert given == {**none_given, "executor": "rrtf-executor-redis"}


def test_every_variable_is_one_that_some_room_reads(
    objects: Kinds, known_variables: frozenset[str]
) -> None:
    given = {variable for pod in pods(objects).values() for variable in variables(pod)}

    assert "RRTF_METRICS_PORT" in given
    assert given - known_variables == set()


def test_a_pod_is_given_no_more_than_its_container_in_compose(objects: Kinds) -> None:
    keys = {"DATABASE_URL", "REDIS_URL", "RRTF_API_KEY", "RRTF_CLIENT_KEY"}
    for name, pod in pods(objects).items():
        assert variables(pod).keys() & keys == COMPOSE[name]["environment"].keys() & keys


def test_only_the_executor_is_root_and_it_has_what_it_has_in_compose(objects: Kinds) -> None:
    for name, pod in pods(objects).items():
        (container,) = pod["containers"]
        context = container["securityContext"]
        assert context["capabilities"]["drop"] == ["ALL"]
        assert context["readOnlyRootFilesystem"] is True
        assert "privileged" not in context
        assert pod["automountServiceAccountToken"] is False
        if name == "executor":
            assert context["capabilities"]["add"] == COMPOSE[name]["cap_add"]
            assert "hostPID" not in pod
            assert "hostNetwork" not in pod
        else:
            assert "add" not in context["capabilities"]
            assert context["allowPrivilegeEscalation"] is False
            assert pod["securityContext"]["runAsNonRoot"] is True


def ports_out(objects: Kinds, component: str) -> set[int]:
    """The ports that a component's pods may reach, beside those for names."""
    reached = set()
    for policy in objects["NetworkPolicy"].values():
        selector = policy["spec"]["podSelector"]
        wanted = selector["matchLabels"].get("app.kubernetes.io/component", component)
        among = [one["values"] for one in selector.get("matchExpressions", [])]
        if wanted == component and all(component in values for values in among):
            for rule in policy["spec"].get("egress", []):
                reached |= {port["port"] for port in rule["ports"]}
    return reached - {53}


def test_the_network_lets_each_room_reach_what_it_needs_and_nothing_else(objects: Kinds) -> None:
    policy = objects["NetworkPolicy"]["database"]["spec"]["egress"][0]
    database = policy["ports"][0]["port"]

    assert ports_out(objects, "executor") == {6379}
    assert ports_out(objects, "trainer") == {8000}
    assert ports_out(objects, "sampler") == {database, 6379, 443}
    assert ports_out(objects, "migrate") == {database}
    for name in ("api", "dispatcher", "sweep", "ranker"):
        assert ports_out(objects, name) == {database, 6379}
    denied = objects["NetworkPolicy"]["deny"]["spec"]
    assert denied["policyTypes"] == ["Ingress", "Egress"]
    assert "matchExpressions" not in denied["podSelector"]


def test_the_ingress_publishes_every_path_but_the_one_without_a_key_that_costs() -> None:
    nowhere = ("postgresql://a:b@127.0.0.1:9/c", "redis://127.0.0.1:9/0")
    app = create_app(Database(nowhere[0]), nowhere[1], None, 1024)
    pages = {"/", "/docs", "/redoc", "/openapi.json", "/dashboard/main.js"}
    (rule,) = render(EVERYTHING)["Ingress"]["api"]["spec"]["rules"]
    published = {one["path"]: one["pathType"] for one in rule["http"]["paths"]}

    def reaches(path: str) -> bool:
        return published.get(path) == "Exact" or any(
            kind == "Prefix" and f"{path}/".startswith(f"{prefix.rstrip('/')}/")
            for prefix, kind in published.items()
        )

    paths = {*app.openapi()["paths"], *pages}
    assert len(paths) > 30
    assert {path for path in paths if not reaches(path)} == {"/metrics"}


def test_selectors_find_the_pods_they_are_for(objects: Kinds) -> None:
    for kind in ("Deployment", "Service", "PodDisruptionBudget"):
        assert objects[kind]
        for name, item in objects[kind].items():
            selector = item["spec"]["selector"]
            labels = objects["Deployment"][name]["spec"]["template"]["metadata"]["labels"]
            assert selector.get("matchLabels", selector).items() <= labels.items()


def test_a_task_has_time_to_end_before_its_pod_does(objects: Kinds) -> None:
    from infra.settings import QueueSettings

    assert pods(objects)["executor"]["terminationGracePeriodSeconds"] > QueueSettings().task_seconds


def test_autoscaling_divides_what_is_queued_and_running_by_slots() -> None:
    objects = render(EVERYTHING)
    scaled = objects["ScaledObject"]["executor"]["spec"]

    assert scaled["scaleTargetRef"]["name"] == objects["Deployment"]["executor"]["metadata"]["name"]
    assert "replicas" not in objects["Deployment"]["executor"]["spec"]
    assert variables(pods(objects)["executor"])["RRTF_EXECUTOR_SLOTS"] == "8"
    found = {one["metadata"]["query"]: one["metadata"]["threshold"] for one in scaled["triggers"]}
    assert list(found.values()) == [str(8 * 3), str(8 * 500)]
    first, second = found
    assert "rrtf_queue_depth" in first
    assert "rrtf_tasks_running" in first
    assert "rrtf_candidates" in second
