"""The README's commands, paths and tables, held against the code."""

import re
from pathlib import Path

import typer

from services.api.app import MODULES
from services.cli.main import app

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text()


def test_the_settings_table_names_every_variable_and_no_other(
    known_variables: frozenset[str],
) -> None:
    table = README.partition("<!-- settings")[2].partition("<!-- end of settings -->")[0]

    named = set(re.findall(r"`([A-Z]+_[A-Z0-9_]+)`", table))

    assert named == known_variables


def test_every_endpoint_is_in_the_table_and_every_endpoint_of_the_table_exists() -> None:
    rows = [line for line in README.splitlines() if re.match(r"\| `(GET|POST|DELETE) /", line)]
    text = " ".join(rows).replace("`.../", "`POST /training-batches/")
    named = set(re.findall(r"`(GET|POST|DELETE) (/[a-z0-9_/{}-]+)`", text))

    routers = [module.router for module in MODULES]
    exist = {
        (method, re.sub(r"\{\w+_id\}", "{id}", route.path.removeprefix("/v1")))
        for router in routers
        for route in router.routes
        for method in route.methods
    }

    assert named == exist


def test_every_file_that_is_linked_exists() -> None:
    documents = [
        *ROOT.glob("*.md"),
        *(ROOT / "infra/adr").glob("*.md"),
        *(ROOT / "infra/docs").rglob("*.md"),
    ]
    links = [
        (document, link)
        for document in documents
        for link in re.findall(r"\]\(([^)#:]+)\)", document.read_text())
    ]

    assert len(links) > 10
    assert [link for document, link in links if not (document.parent / link).exists()] == []


def test_every_make_target_that_is_named_exists() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    pages = [ROOT / "CONTRIBUTING.md", *(ROOT / "infra/docs").rglob("*.md")]
    text = README + "".join(page.read_text() for page in pages)

    named = set(re.findall(r"(?:^    |`)make ([a-z0-9-]+)", text, re.MULTILINE))

    assert {"demo", "test"} <= named
    assert named <= targets


def test_every_command_of_rrtf_is_shown_and_every_one_shown_exists() -> None:
    exist = set(typer.main.get_group(app).commands)

    shown = set(re.findall(r"(?:^    |`)rrtf ([a-z]+)", README, re.MULTILINE))

    assert shown == exist
