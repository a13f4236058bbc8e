"""Every command and snippet of the README and of the pages of documentation, run as it stands."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from itertools import count
from pathlib import Path
from textwrap import indent

import pytest

from infra.local.home import free_port
from services.cli.suite.running import running_suite
from tests.e2e.documents.pages import (
    NOTEBOOKS,
    PAGES,
    ROOT,
    WRITTEN_FROM_CODE,
    blocks_of,
    check,
    program_of,
    script_of,
)
from tests.model_server.app import ModelServer, serving
from tests.model_server.contest import Contest
from tests.model_server.sources import Starter

RUN = [page for page in PAGES if any(block.is_run for block in blocks_of(page))]
# The verdicts that one page reads are those of the other.
RUN.sort(key=lambda page: page.name != "score-my-samples.md")
OWN_SUITE = {ROOT / "README.md", ROOT / "infra/docs/how-to/use-my-teacher.md"}
"""Pages that start one themselves."""
SLOW = {
    "add-a-language.md": pytest.mark.slow,
    "check-my-tests.md": pytest.mark.slow,
    "evaluate.md": pytest.mark.slow,
    "keep-benchmarks-out.md": pytest.mark.slow,
    "operate.md": pytest.mark.slow,
    "packages.md": pytest.mark.slow,
    "read-a-verdict.md": pytest.mark.slow,  # Goes on from the next but one.
    "reward-in-verl.md": pytest.mark.slow,
    "score-my-samples.md": pytest.mark.slow,
    "train-my-model.md": pytest.mark.slow,
    "use-the-client.md": pytest.mark.slow,
    "reward-in-trl.md": pytest.mark.thorough,  # Loads a model.
}
LANGUAGES = {"sh", "python", "json", "toml", "yaml", "text"}


def name_of(page):
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_is_run_or_says_why_not(page):
    if page.parent == WRITTEN_FROM_CODE:
        return
    for block in blocks_of(page):
        assert block.language in LANGUAGES, block
        check(block)
        if block.language in ("sh", "python") and not block.is_run:
            assert len(block.reason) > 20, f"line {block.line} says not why it is not run"
    # A block by indentation would be one that nobody runs.
    prose = re.sub(r"^( *)```.*?^\1```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    assert not re.findall(r"\n\n    \S.*", prose)


@pytest.fixture(scope="module")
def bin_folder(tmp_path_factory):
    """The commands of an installation, for this interpreter and this checkout."""
    folder = tmp_path_factory.mktemp("bin")
    for name, words in {"python": "", "python3": "", "rrtf": "-m services.cli.main"}.items():
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n')
        script.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def suite(open_directory):
    """The suite that pages speak to which start none."""
    with running_suite(
        open_directory / "documents", executor_slots=1, trainer=False, durable=False
    ) as started:
        yield started


@pytest.fixture
def run_page(bin_folder, tmp_path, open_directory, request):
    def run(page, environment, replaced):
        script = script_of(page)
        for old, new in replaced.items():
            script = script.replace(old, new)
        base = {
            "PATH": f"{bin_folder}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "PYTHONPATH": str(ROOT),
            "RRTF_EXECUTOR_OUTSIDE_UID": os.environ["RRTF_EXECUTOR_OUTSIDE_UID"],
            "RRTF_EXECUTOR_HOME": os.environ["RRTF_EXECUTOR_HOME"],
            "HF_HUB_OFFLINE": "1",
            "no_proxy": "127.0.0.1",
        }
        return subprocess.run(
            ["/bin/bash", "-c", script], cwd=tmp_path, env=base | environment, timeout=400,
            capture_output=True, text=True, start_new_session=True,
        )  # fmt: skip

    return run


def student(folder):
    """A model of the least size, where a page has one of the reader's."""
    from trainer.models.model import small_student
    from trainer.models.tokenizer import byte_tokenizer

    tokenizer = byte_tokenizer()
    small_student(len(tokenizer), seed=0).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=SLOW.get(page.name, ())) for page in RUN if page not in OWN_SUITE],
    ids=name_of,
)
def test_a_page_does_what_it_says(page, suite, run_page, tmp_path):
    environment = {"RRTF_HOME": str(suite.home)}
    if "out/student" in script_of(page):
        student(tmp_path / "out/student")
    if "rrtf images build" in script_of(page):
        # An image of the reader's own is none of all other tests.
        environment["RRTF_EXECUTOR_HOME"] = str(suite.home)

    done = run_page(
        page,
        environment,
        {"http://127.0.0.1:8000": suite.api_url, "127.0.0.1:8000": suite.api_url[7:]},
    )

    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=name_of)
def test_a_notebook_runs_from_its_first_cell_to_its_last(notebook, tmp_path):
    program = tmp_path / "cells.py"
    program.write_text(f"if __name__ == '__main__':\n{indent(program_of(notebook), '    ')}")

    done = subprocess.run(
        [sys.executable, program], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, timeout=400, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "partial_pass 1 of 2" in done.stdout


@pytest.mark.slow
def test_a_stranger_scores_programs_by_the_readme_alone(run_page, open_directory, tmp_path):
    port = free_port()

    done = run_page(
        ROOT / "README.md",
        {"RRTF_HOME": str(open_directory / "stranger")},
        {
            # What `make` does is tried by the tests of the bootstrap; this checkout is installed.
            "make up ": f"rrtf up --port {port} --slots 1 ",
            ". .venv/bin/activate": "true",
        },
    )

    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "all_pass" in done.stdout
    (rows,) = (tmp_path / "out/pairs/data").iterdir()
    assert len(rows.read_text().splitlines()) == 2
    assert len((tmp_path / "labels.jsonl").read_text().splitlines()) == 3


class EvolvingTeacher(Starter):
    """Evolves tasks and solves them as well as writing programs for the starter problems."""

    def __init__(self):
        super().__init__()
        self._seeds = count()

    async def complete(self, asked):
        evolves = "<old>" in asked.prompt or "`weigh_" in asked.prompt
        # The page's server refuses a seed.
        drawn = replace(asked, seed=next(self._seeds))
        return await (Contest() if evolves else super()).complete(drawn)


@pytest.mark.thorough  # It starts a suite of its own.
def test_a_teacher_is_asked_as_its_page_says(run_page, open_directory, tmp_path):
    page, port = Path(ROOT / "infra/docs/how-to/use-my-teacher.md"), free_port()
    teacher = ModelServer(EvolvingTeacher(), key="sk-...")
    with serving(teacher) as large, serving(ModelServer()) as policy:
        done = run_page(
            page,
            {"RRTF_HOME": str(open_directory / "teacher")},
            {
                "rrtf up": f"rrtf up --port {port} --slots 1",
                "http://127.0.0.1:8000": f"http://127.0.0.1:{port}",
                "http://gpu-1:8000/v1": policy.url,
                "https://models.example/v1": large.url,
            },
        )

    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert len(policy.served) >= 1
    assert len(large.served) >= 2
    assert (tmp_path / "evolved/problems.jsonl").read_text()
    assert "1 group submitted, 0 bad" in done.stdout
