"""The requests that the README shows, sent as they stand there."""

import json
import re
from pathlib import Path

from infra.contracts.base import Label

README = (Path(__file__).parents[3] / "README.md").read_text()


def shown(path):
    """The body of the README's `curl` to a path."""
    found = re.search(r"\$api/v1/" + re.escape(path) + r" -d '(.*?)'\n", README, re.DOTALL)
    assert found, path
    return json.loads(found.group(1))


def test_the_requests_of_the_readme_walk_from_a_problem_to_labels(raw, direct):
    problem = raw.post("/v1/problems", json=shown("problems")).json()
    group = raw.post(
        f"/v1/problems/{problem['id']}/groups", json=shown("problems/$PROBLEM/groups")
    ).json()
    executed = raw.post("/v1/execute", json=shown("execute")).json()

    assert problem["slug"] == "example/add"
    assert [item.author for item in direct.candidates(group["id"])] == ["teacher", "student"]
    assert [result["label"] for result in executed["results"]] == [
        Label.ALL_PASS, Label.PARTIAL_PASS,
    ]  # fmt: skip


def test_the_python_of_the_readme_can_be_imported():
    blocks = re.findall(r"^    (from services[\w.]* import [\w, ]+)$", README, re.MULTILINE)

    assert len(blocks) >= 2
    for block in blocks:
        exec(block, {})  # noqa: S102 - the README is ours
