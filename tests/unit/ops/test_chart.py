"""The Helm chart, rendered by Helm itself and held against Kubernetes' schemas and the code.

Both come from an environment of their own: `make chart`.
"""

import json
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
    "secrets": {
        "executorRedis": {"name": "rrtf-executor-redis", "key": "url"},
        "metricsKey": {"name": "rrtf-metrics", "key": "key"},
    },
    "env": {"RRTF_LOG_LEVEL": "DEBUG"},
    "metrics": {"podMonitor": True},
    "api": {"ingress": {"enabled": True, "host": "rrtf.example.com", "tlsSecret": "tls"}},
    "executor": {
        "slots": 8,
        "autoscaling": {"enabled": True},
        "seccompProfile": {"type": "Localhost", "localhostProfile": "rrtf/executor-seccomp.json"},
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
    for name, text in texts.items():
        for item in () if name.endswith(".txt") else yaml.safe_load_all(text):
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


# The least that the chart says it needs, and the newest three.
@pytest.mark.parametrize("version", ["1.30", "1.35", "1.36", "1.37"])
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


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ({"executor": {"slot": 8}}, "executor"),
        ({"executor": {"slots": "many"}}, "slots"),
        ({"secrets": {"database": {"key": ""}}}, "database"),
        ({"networkPolicy": {"clients": [{"podSelectors": {}}]}}, "clients"),
        ({"api": {"ingress": {"prefixes": ["v1"]}}}, "prefixes"),
        ({"trainers": {"enabled": True}}, "trainers"),
    ],
)
def test_a_value_that_nothing_reads_or_of_a_wrong_kind_is_refused(
    values: dict[str, Any], where: str
) -> None:
    with pytest.raises(Exception, match=where):
        render(LEAST | values)


def test_the_schema_knows_every_value() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())

    def unknown(values: Any, kinds: dict[str, Any], path: str) -> list[str]:
        if not isinstance(values, dict) or "properties" not in kinds:
            return []
        found = [f"{path}.{name}" for name in values.keys() ^ kinds["properties"].keys()]
        for name in values.keys() & kinds["properties"].keys():
            found += unknown(values[name], kinds["properties"][name], f"{path}.{name}")
        return found

    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert set(unknown(values, schema, "")) == {
        ".global",  # Helm's own.
        ".executor.seccompProfile.localhostProfile",
    }


def test_notes_say_how_to_go_on_and_what_is_open() -> None:
    helm = pytest.importorskip("helm_python", reason="Helm is not installed; `make chart` does it")

    def notes(values: dict[str, Any]) -> str:
        with helm.Chart.load(CHART) as chart:
            rendered = chart.render(values, name="r", namespace="n")
        return str(next(text for name, text in rendered.items() if name.endswith("NOTES.txt")))

    assert "helm -n n test r" in notes(EVERYTHING)
    assert notes(EVERYTHING).count("WARNING") == 0
    assert notes(LEAST | {"networkPolicy": {"enabled": False}}).count("WARNING") == 4


def test_helms_own_test_asks_the_api_and_may_reach_nothing_else(objects: Kinds) -> None:
    (pod,) = objects["Pod"].values()
    labels = pod["metadata"]["labels"]
    deployed = objects["Deployment"]["api"]["spec"]["template"]["spec"]["containers"][0]["image"]

    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    assert pod["spec"]["containers"][0]["image"] == deployed
    assert labels["app.kubernetes.io/component"] == "test"
    compile(pod["spec"]["containers"][0]["command"][2], "test", "exec")
    assert ports_out(objects, "test") == {8000}


def test_the_processes_are_those_of_compose_with_the_same_commands(objects: Kinds) -> None:
    ours = {name for name, service in COMPOSE.items() if "build" in service}

    found = pods(objects)

    assert found.keys() | {"trainer", "trainer-gpu"} == ours
    for name, pod in found.items():
        (container,) = pod["containers"]
        assert container.get("command") == COMPOSE[name].get("command")


def test_health_is_asked_as_compose_asks_it_and_less_strictly(objects: Kinds) -> None:
    for name, pod in pods(objects).items():
        if name in {"api", "migrate"}:
            continue
        (container,) = pod["containers"]
        *_, asked = container["livenessProbe"]["exec"]["command"]
        *_, composed = COMPOSE[name]["healthcheck"]["test"]
        assert asked.replace("-mmin -5", "-mmin -2") == composed
        assert container["startupProbe"]["exec"] == container["livenessProbe"]["exec"]
        assert variables(pod)["RRTF_HEALTH_FILE"] == asked.split()[1]


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


def test_a_trainer_may_be_let_out_to_where_models_come_from_and_names_asked_elsewhere() -> None:
    dns = {"ports": [5353], "to": [{"ipBlock": {"cidr": "10.0.0.10/32"}}]}
    objects = render(LEAST | {"networkPolicy": {"hubs": {"enabled": True}, "dns": dns}})

    assert ports_out(objects, "trainer") == {8000, 443, 5353}
    assert ports_out(objects, "executor") == {6379, 5353}
    assert objects["NetworkPolicy"]["deny"]["spec"]["egress"][0]["to"] == dns["to"]


def test_the_ingress_publishes_every_path_but_the_one_without_a_key_that_costs() -> None:
    nowhere = ("postgresql://a:b@127.0.0.1:9/c", "redis://127.0.0.1:9/0")
    app = create_app(Database(nowhere[0]), nowhere[1], None, 1024)
    files = {"/dashboard/main.js", "/docs/files/swagger-ui.css"}
    pages = {"/", "/docs", "/openapi.json", *files}
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
    # Two releases that one Prometheus reads do not scale each other.
    series = re.findall(r"rrtf_\w+\{([^}]*)\}", first + second)
    assert len(series) == 3
    assert all('namespace="n",pod=~"r-.+"' in one for one in series)
