"""The forge's workflows say only what is here: targets of make, files, actions by their hash."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")


def steps(path):
    return [
        step for job in yaml.safe_load(path.read_text())["jobs"].values() for step in job["steps"]
    ]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_command_and_action_is_there(path):
    for step in steps(path):
        if "uses" in step:
            assert PINNED.fullmatch(step["uses"]), step
        for asked in re.findall(r"\bmake ([a-z0-9 -]+)", step.get("run", "")):
            assert set(asked.split()) <= TARGETS, asked


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_nothing_may_write_that_does_not_say_so(path):
    assert yaml.safe_load(path.read_text())["permissions"] == {"contents": "read"}


def test_every_room_has_its_image_built():
    (job,) = yaml.safe_load((ROOT / ".github/workflows/images.yml").read_text())["jobs"].values()
    files = {path.stem for path in (ROOT / "infra/docker").glob("*.Dockerfile")}
    assert set(job["strategy"]["matrix"]["room"]) == files


def test_the_client_and_the_suite_have_one_version():
    version = re.compile(r'^version = "(.*)"$', re.MULTILINE)
    paths = (ROOT / "pyproject.toml", ROOT / "services/client/rrtf-client.toml")
    (one,) = {version.search(path.read_text())[1] for path in paths}
    assert re.search(
        rf"^## \[{re.escape(one)}\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    )
