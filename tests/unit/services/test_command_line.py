"""The `rrtf` command before it speaks to anybody: options, completion, where it finds a suite."""

import json
import os
import re
import socket
import subprocess
import sys
from importlib.metadata import version

import pytest
import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from infra.local.home import API_KEY, API_URL, secret_file
from infra.local.parts import Parts
from services.cli.main import app
from services.cli.terminal import find_api
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


def test_the_suite_of_the_data_directory_is_found(home):
    assert find_api()[:2] == ("http://127.0.0.1:8123", "the-key")


def test_its_key_goes_to_no_other_address(home, monkeypatch):
    monkeypatch.setenv("RRTF_CLIENT_URL", "http://models.example")

    assert find_api()[:2] == ("http://models.example", None)


def test_a_key_of_the_environment_comes_first(home, monkeypatch):
    monkeypatch.setenv("RRTF_CLIENT_URL", "http://127.0.0.1:8123")
    assert find_api()[:2] == ("http://127.0.0.1:8123", "the-key")

    monkeypatch.setenv("RRTF_CLIENT_KEY", "mine")
    assert find_api()[:2] == ("http://127.0.0.1:8123", "mine")

    monkeypatch.delenv("RRTF_CLIENT_URL")
    assert find_api()[:2] == ("http://127.0.0.1:8123", "mine")


def test_without_one_the_usual_address_is_asked(home):
    (home / API_URL).unlink()

    assert find_api()[:2] == ("http://127.0.0.1:8000", None)


@pytest.fixture
def nobody(home):
    """An address at which nobody listens, as that of the data directory's suite."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    secret_file(home / API_URL, url)
    return url


@pytest.mark.parametrize("words", [["status"], ["show", "a/b"], ["watch"], ["keys", "list"]])
def test_where_nobody_answers_is_said_at_once_and_where_a_suite_was_looked_for(words, nobody, home):
    ended = CliRunner().invoke(app, words)

    assert (ended.exit_code, ended.stderr.count("\n")) == (1, 1)
    assert f"the API at {nobody} is not reachable" in ended.stderr
    assert f"no suite runs in {home}: `rrtf up` starts one" in ended.stderr
    assert ended.stderr.endswith("[unreachable]\n")


def test_what_is_down_of_a_suite_that_runs_is_said_instead(nobody, home):
    parts = Parts(home)
    parts.up("ranker")
    parts.up("api")
    parts.down("api", "ended with status 3")

    ended = CliRunner().invoke(app, ["status"])

    assert re.search(
        r"; api is down since [\d:]+ \(\d+ s ago\): ended with status 3 \[", ended.stderr
    )
    assert "ranker is" not in ended.stderr


@pytest.mark.parametrize("option", ["-h", "--help"])
@pytest.mark.parametrize("words", [[], ["check"], ["keys", "create"]])
def test_help_has_a_short_name_too(words, option):
    ended = CliRunner().invoke(app, [*words, option])

    assert (ended.exit_code, ended.stderr) == (0, "")
    assert "Usage:" in ended.stdout


def test_it_says_its_version():
    ended = CliRunner().invoke(app, ["--version"])

    assert (ended.exit_code, ended.stdout) == (0, f"rrtf {version('rrtf-suite')}\n")


def test_a_file_that_cannot_be_written_is_named_in_one_line(tmp_path):
    (tmp_path / "file").touch()
    out = tmp_path / "file" / "labels.jsonl"
    problem = {"slug": "a/b", "entry_point": "f", "tests": [{"kind": "call", "expected": 1}]}
    (tmp_path / "p").write_text(json.dumps(problem | {"prompt": ""}))
    (tmp_path / "c").write_text('{"task_id": "a/b", "program": ""}')
    files = ["--problems", tmp_path / "p", "--candidates", tmp_path / "c", "--out", out]

    ended = CliRunner().invoke(app, ["label", *map(str, files)])

    assert (ended.exit_code, ended.stderr.count("\n")) == (1, 1)
    assert str(tmp_path / "file") in ended.stderr


@pytest.mark.parametrize("words", [["up"], ["demo", "--human-eval", "0"]])
def test_a_data_directory_that_cannot_be_made_is_named_in_one_line(words, tmp_path):
    (tmp_path / "file").touch()
    options = ["--home", str(tmp_path / "file" / "home")]
    options += ["--port", "0"] if words == ["up"] else ["--out", str(tmp_path / "out")]

    ended = CliRunner().invoke(app, [*words, *options])

    told = ended.stderr.splitlines()[-1]
    assert ended.exit_code == 1
    assert str(tmp_path / "file") in told
    assert told.startswith("rrtf: ")
    assert "Traceback" not in ended.stderr


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
