"""Commands, paths and tables of README and documentation, held against the code."""

import re
from pathlib import Path

import pytest
import typer

from services import reference
from services.cli.main import app

ROOT = Path(__file__).parents[3]
README = (ROOT / "README.md").read_text()
PAGES = ROOT / "infra/docs"


def test_the_settings_page_names_every_variable_and_no_other(
    known_variables: frozenset[str],
) -> None:
    table = (PAGES / "reference/settings.md").read_text()

    named = set(re.findall(r"`([A-Z]+_[A-Z0-9_]+)`", table))

    assert named == known_variables


@pytest.mark.parametrize("name", ["api.md", "commands.md", "errors.md", "metrics.md"])
def test_a_page_of_reference_is_what_the_code_says(name: str) -> None:
    assert (PAGES / "reference" / name).read_text() == reference.pages()[name], "make reference"


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

    named = set(re.findall(r"(?:^|`)make ([a-z0-9-]+)", text, re.MULTILINE))

    assert {"demo", "test"} <= named
    assert named <= targets


def test_every_command_of_rrtf_is_shown_and_every_one_shown_exists() -> None:
    exist = set(typer.main.get_group(app).commands)
    text = README + "".join(page.read_text() for page in (PAGES / "how-to").iterdir())

    shown = set(re.findall(r"(?:^|`|\$\()rrtf ([a-z]+(?:-[a-z]+)*)", text, re.MULTILINE))

    # Who needs the command `up` or `demo` is told of the targets of the same names.
    assert shown | {"demo"} == exist
