"""The distribution `rrtf-client`, built and used where nothing of the suite can be imported."""

import json
import os
import subprocess
import sys
import zipfile

import pytest

from infra.contracts.problems import CallTest, Problem
from services.client import Client, distribution
from tests.integration.inline.conftest import KEY

SCORES = """
import asyncio, json, sys
import rrtf

suite = rrtf.connect()
labels = suite.label_file(sys.argv[1])
labels.write(sys.argv[2])
(one,) = suite.label("package/add", ["def add(a, b): return a - b"])
from rrtf.reward import reward
async def stats():
    async with rrtf.connect_async() as client:
        return [problem.slug async for problem in client.problems()]
print(json.dumps({
    "counts": labels.counts(),
    "bad": labels.bad,
    "one": one.label,
    "rewards": reward(["```python\\ndef add(a, b): return a + b\\n```", ""], ["package/add"] * 2),
    "stored": "package/add" in asyncio.run(stats()),
    "suite": [m for m in sys.modules if m.partition(".")[0] in ("infra", "services", "sampler")],
}))
"""
OWN = r"""
import sys
sys.path[:] = [p for p in sys.path if p != {root!r}]
sys.meta_path[:] = [one for one in sys.meta_path if "editable" not in repr(one)]
"""
ADD = "def add(a, b):\n    return a + b\n"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("client")
    subprocess.run([sys.executable, "-m", "services.client.distribution", folder], check=True)
    (built,) = folder.glob("rrtf_client-*.whl")
    return built


@pytest.fixture(scope="module")
def environment(inline_url):
    test = CallTest(args=(2, 3), expected=5)
    problem = Problem(
        slug="package/add", prompt="def add(a, b):\n", entry_point="add", tests=(test,)
    )
    with Client(inline_url, KEY) as client:
        client.add_problem(problem)
    plain = {name: value for name, value in os.environ.items() if not name.startswith("RRTF_")}
    plain.pop("PYTHONPATH", None)
    return plain | {"RRTF_CLIENT_URL": inline_url, "RRTF_CLIENT_KEY": KEY}


@pytest.fixture
def samples(tmp_path):
    rows = [
        {"task_id": "package/add", "program": ADD, "model": "a"},
        {"task_id": "package/add", "completion": "    return a * b\n", "model": "a"},
        {"task_id": "package/add", "answer": f"So:\n```python\n{ADD}```\n", "model": "b"},
        {"task_id": "package/none", "program": ADD},
    ]
    path = tmp_path / "samples.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def check(python, before, samples, environment, out):
    done = subprocess.run(
        [*python, "-c", before + SCORES, samples, out],
        env=environment, cwd=out.parent, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["counts"] == {"all_pass": 2, "partial_pass": 1}
    assert [line.partition(": ")[0].rpartition("/")[2] for line in said["bad"]] == [
        "samples.jsonl, line 4"
    ]
    assert said["one"] != "all_pass"
    assert said["rewards"] == [1.0, 0.0]
    assert said["stored"]
    assert said["suite"] == []
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [(row["model"], row["label"] == "all_pass") for row in rows] == [
        ("a", True), ("a", False), ("b", True),
    ]  # fmt: skip


@pytest.mark.slow
def test_it_scores_a_file_and_puts_nothing_but_itself_beside_others(
    wheel, environment, samples, tmp_path
):
    folder = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
        names = {name.partition("/")[0] for name in archive.namelist()}
    assert names == {"rrtf", f"{wheel.name.rpartition('-py3')[0]}.dist-info"}

    check(
        [sys.executable],
        OWN.format(root=str(distribution.ROOT)),
        samples,
        environment | {"PYTHONPATH": str(folder)},
        tmp_path / "labels.jsonl",
    )


@pytest.mark.thorough  # It installs from the package index.
def test_alone_it_is_small_and_imported_fast(wheel, environment, samples, tmp_path):
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv/bin/python"
    (packages,) = (tmp_path / "venv/lib").glob("python3*/site-packages")
    before = sum(path.stat().st_size for path in packages.rglob("*") if path.is_file())
    subprocess.run([python, "-m", "pip", "install", "-q", wheel], check=True)

    size = sum(path.stat().st_size for path in packages.rglob("*") if path.is_file()) - before

    assert size < 30_000_000, size
    check([python], "", samples, environment, tmp_path / "labels.jsonl")
    spent = (
        "import time; began = time.process_time(); import rrtf; print(time.process_time()-began)"
    )
    seconds = min(
        float(subprocess.run([python, "-c", spent], capture_output=True, text=True).stdout)
        for _ in range(5)
    )
    assert seconds < 0.3
