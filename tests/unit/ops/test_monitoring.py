"""The dashboard and the alert rules, held against the metrics that the code exports."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

from infra.observability import metrics
from infra.queues import messaging

MONITORING = Path(__file__).parents[3] / "infra/monitoring"
CHART = Path(__file__).parents[3] / "infra/helm/rrtf"


def exported() -> dict[str, set[str]]:
    """Every series that the code can export, with its labels."""
    known: dict[str, set[str]] = {}
    for metric in vars(metrics).values():
        if isinstance(metric, MetricWrapperBase):
            (family,) = metric.describe()
            ends = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}
            for end in ends.get(family.type, [""]):
                labels = set(metric._labelnames) | ({"le"} if end == "_bucket" else set())
                known[family.name + end] = labels
    return known


def expressions() -> Iterator[str]:
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    for panel in dashboard["panels"]:
        yield from (target["expr"] for target in panel.get("targets", []))
    for group in yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"]:
        yield from (rule["expr"] for rule in group["rules"])
    triggers = (CHART / "values.yaml").read_text()
    yield from re.findall(r"query: (.+)", triggers)


def test_every_series_that_is_asked_for_is_exported_with_the_labels_it_is_asked_by() -> None:
    known = exported()
    asked = [
        (name, set(re.findall(r"(\w+)=", labels)))
        for expression in expressions()
        for name, labels in re.findall(r"(rrtf_[a-z_]+)(?:\{([^}]*)\})?", expression)
    ]

    unknown = [(name, labels) for name, labels in asked if not labels <= known.get(name, {""})]

    assert len(asked) > 40
    assert [name for name, _ in asked if name not in known] == []
    assert unknown == []


def test_what_is_grouped_by_is_a_label_of_what_is_grouped() -> None:
    known = exported()
    grouped = 0
    for expression in expressions():
        names = re.findall(r"rrtf_[a-z_]+", expression)
        labels = {"instance"}.union(*(known[name] for name in names))
        for by in re.findall(r"by \(([^)]+)\)", expression):
            grouped += 1
            assert {label.strip() for label in by.split(",")} <= labels, expression

    assert grouped > 20


def test_the_closed_sets_that_are_asked_for_have_the_members_asked_for() -> None:
    text = "\n".join(expressions())
    rounds = set(re.findall(r'rrtf_last_round\w+\{service="(\w+)"', text))
    rooms = (CHART.parents[2] / room for room in ("services", "trainer"))
    files = "".join(path.read_text() for room in rooms for path in room.rglob("*.py"))

    assert all(
        f'health.round_ended("{name}")' in files
        for name in rounds | {"sweep", "dispatcher", "trainer"}
    )
    for state in re.findall(r'rrtf_candidates\{state="(\w+)"', text):
        assert state in {"submitted", "labelled", "quarantined"}


def test_every_panel_and_every_alert_says_what_it_is() -> None:
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    rules = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"][0]["rules"]

    titles = [panel["title"] for panel in dashboard["panels"]]
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(titles)
    assert all(titles)
    assert all({"summary", "action"} <= rule["annotations"].keys() for rule in rules)
    assert all(rule["labels"]["severity"] in {"warning", "critical"} for rule in rules)


@pytest.mark.parametrize(
    "words", [["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]]
)
def test_prometheus_takes_the_rules_and_they_alert_when_they_should(words: list[str]) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (it is in Debian's `prometheus`)")

    done = subprocess.run(
        [promtool, *words], cwd=MONITORING, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_counter_that_is_asked_for_is_there_before_its_first_event() -> None:
    assert messaging.Task  # Who imports it has the counters of tasks.
    asked = set(re.findall(r"rrtf_[a-z_]+_total", "\n".join(expressions())))
    there = {
        sample.name
        for family in REGISTRY.collect()
        if family.type == "counter"
        for sample in family.samples
    }

    assert len(asked) > 8
    assert asked - there == set()


def test_no_metric_is_exported_twice() -> None:
    names = [family.name for family in REGISTRY.collect() if family.name.startswith("rrtf")]

    assert len(names) == len(set(names)) > 20
