"""The `rrtf` command before it speaks to anybody: options, completion, where it finds a suite."""

import os
import subprocess
import sys

import pytest
import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from infra.local.home import API_KEY, API_URL, secret_file
from services.cli.main import app
from services.cli.terminal import open_client
from services.exports.shapes import Shape


def every_command(group, words=()):
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from every_command(command, (*words, name))
        else:
            yield " ".join((*words, name)), command


COMMANDS = dict(every_command(typer.main.get_group(app)))


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - {"up", "demo"}))
def test_every_command_but_those_that_run_the_suite_prints_json(name):
    options = {option for one in COMMANDS[name].params for option in one.opts}

    assert "--json" in options


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("rrtf exp", {"export"}),
        ("rrtf keys ", {"create", "list", "revoke"}),
        ("rrtf export out --shape ", set(Shape)),
    ],
)
def test_the_shell_completes_commands_and_choices(words, wanted):
    asked = {
        "_RRTF_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    code = "from services.cli.main import app; app(prog_name='rrtf')"

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | asked
    )

    assert set(done.stdout.split()) == wanted


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("RRTF_HOME", str(tmp_path))
    for name in ("RRTF_CLIENT_URL", "RRTF_CLIENT_KEY", "DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    secret_file(tmp_path / API_KEY, "the-key")
    secret_file(tmp_path / API_URL, "http://127.0.0.1:8123")
    return tmp_path


def address_and_key(client):
    with client:
        return str(client._http.base_url), client._http.headers.get("Authorization")


def test_the_suite_of_the_data_directory_is_found(home):
    assert address_and_key(open_client()) == ("http://127.0.0.1:8123", "Bearer the-key")


def test_its_key_goes_to_no_other_address(home, monkeypatch):
    monkeypatch.setenv("RRTF_CLIENT_URL", "http://models.example")

    assert address_and_key(open_client()) == ("http://models.example", None)


def test_a_key_of_the_environment_comes_first(home, monkeypatch):
    monkeypatch.setenv("RRTF_CLIENT_URL", "http://127.0.0.1:8123")
    assert address_and_key(open_client()) == ("http://127.0.0.1:8123", "Bearer the-key")

    monkeypatch.setenv("RRTF_CLIENT_KEY", "mine")
    assert address_and_key(open_client()) == ("http://127.0.0.1:8123", "Bearer mine")

    monkeypatch.delenv("RRTF_CLIENT_URL")
    assert address_and_key(open_client()) == ("http://127.0.0.1:8123", "Bearer mine")


def test_without_one_the_usual_address_is_asked(home):
    (home / API_URL).unlink()

    assert address_and_key(open_client()) == ("http://127.0.0.1:8000", None)


@pytest.mark.parametrize("words", [["prune"], ["audit"]])
def test_a_database_that_is_away_is_said_in_one_line(words, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://rrtf@127.0.0.1:9/rrtf")

    ended = CliRunner().invoke(app, words)

    assert ended.exit_code == 1
    assert ended.stderr.startswith("rrtf: ")
    assert ended.stderr.endswith("[unavailable]\n")
    assert ended.stderr.count("\n") == 1


def test_without_database_and_suite_it_is_said_what_is_missing(home):
    ended = CliRunner().invoke(app, ["prune"])

    assert (ended.exit_code, ended.stderr.count("\n")) == (1, 1)
    assert "DATABASE_URL is not set" in ended.stderr


FILES = ("--problems", "p", "--held-out", "h", "--out", "o")


@pytest.mark.parametrize(
    "words",
    [
        ("--pairs", "teacher"),
        ("--teacher", "large:0"),
        ("--teacher", "large:2000"),
        ("--teacher", "large:"),
        ("--teacher", ":2"),
        ("--teacher", "large:two"),
    ],
)
def test_rounds_that_could_teach_nothing_are_refused(words):
    assert CliRunner().invoke(app, ["train", *FILES, *words]).exit_code == 2


@pytest.mark.parametrize(
    "words", [(), ("--pairs", "all"), ("--teacher", "large:2", "--teacher", "other")]
)
def test_rounds_need_no_file_of_teachers(words):
    asked = CliRunner().invoke(app, ["train", *FILES, *words])

    assert asked.exit_code == 1  # There are no such problems.
    assert "cannot read p" in asked.stderr
