"""What the commands print of text from outside."""

import ast
import io
from pathlib import Path

import pytest
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from typer.testing import CliRunner

import services.cli
from infra import errors
from services.audit import Audit, Finding
from services.cli import terminal
from services.cli.console import PlainConsole
from services.cli.main import app
from services.cli.stored.auditing import audit_table
from services.cli.terminal import complain, print_json, say

HOSTILE = "\x1b[31m\x1b]0;t\x07\x9b\u202e\u200b\x7f[red]x[/] [link=http://evil]y[/link] :skull:"
SHOWN = "␛[31m␛]0;t␇<U+009B><U+202E><U+200B>␡[red]x[/] [link=http://evil]y[/link] :skull:"


@pytest.fixture
def console():
    made = PlainConsole()
    made.file = io.StringIO()
    made.width = 200
    return made


def column(title):
    table = Table("a", title=title, caption=HOSTILE)
    table.add_column(HOSTILE)
    table.add_row(HOSTILE, Text(HOSTILE))
    return table


@pytest.mark.parametrize(
    "renderable",
    [HOSTILE, Text(HOSTILE), column(HOSTILE), Panel(HOSTILE), Panel(Text(HOSTILE), title="t")],
    ids=["string", "text", "table", "panel", "panel of text"],
)
def test_whatever_is_printed_on_the_console_is_text(console, renderable):
    console.print(renderable)

    told = console.file.getvalue()
    assert SHOWN in told or SHOWN.replace("␇", "") in told  # rich.text drops some by itself.
    assert told.replace("\n", "").isprintable()


def test_a_console_on_a_terminal_keeps_its_own_colours_alone(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    console = PlainConsole()
    console.file = io.StringIO()

    console.print(Text("\x1b[2J", style="bold"))

    assert console.file.getvalue() == "\x1b[1m␛[2J\x1b[0m\n"


def test_what_is_replaced_takes_the_room_that_it_needs(console):
    table = Table("a", "b")
    table.add_row("\u202e\u202e", "c")
    table.add_row("plain", "d")

    console.print(table)

    lines = console.file.getvalue().splitlines()
    assert len({len(line) for line in lines}) == 1


def test_entries_and_complaints_are_text(capsys):
    say(HOSTILE)
    say(f"{HOSTILE}\nrrtf: fine", err=True)
    with pytest.raises(terminal.typer.Exit):
        complain([HOSTILE] * 25)

    told = capsys.readouterr()
    assert told.out == SHOWN + "\n"
    assert told.err.startswith(f"{SHOWN}\n    rrtf: fine\n{SHOWN}\n")
    assert (told.out + told.err).replace("\n", "").isprintable()


def test_json_is_ascii(capsys):
    print_json({"text": HOSTILE + "\u00e9"})

    assert capsys.readouterr().out.replace("\n", "").isascii()


@pytest.mark.parametrize("error", [errors.NotFound(HOSTILE), ValueError(HOSTILE)], ids=repr)
def test_an_error_is_told_as_text_whether_it_is_foreseen_or_not(error, capsys):
    @terminal.explains
    def command():
        raise error

    with pytest.raises(terminal.typer.Exit):
        command()

    told = capsys.readouterr().err
    assert SHOWN in told
    assert told.replace("\n", "").isprintable()


def test_the_audit_names_rows_as_they_are(console):
    finding = Finding(code="code", says="says", count=1, ids=(HOSTILE,))
    found = Audit(rows={"groups": 1}, held=(), waiting=(), findings=(finding,))

    console.print(audit_table(found))

    assert SHOWN in console.file.getvalue()


def test_only_one_place_writes_to_the_terminal():
    """So that nobody can forget it: everything else goes through `say` and the console."""
    folder = Path(services.cli.__file__).parent
    allowed = {"terminal.py", "console.py"}
    writers = {"typer.echo", "typer.secho", "rich.print", "sys.stdout.write", "sys.stderr.write"}
    found = []
    for path in folder.rglob("*.py"):
        if path.name in allowed:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if called in writers | {"print", "Console"}:
                found.append(f"{path.name}, line {node.lineno}: {called}")
            if isinstance(node, ast.ImportFrom) and node.module == "rich.console":
                found.append(f"{path.name}, line {node.lineno}: {node.module}")

    assert found == []


@pytest.mark.parametrize("words", [["import"], ["submit"]])
def test_a_file_that_cannot_be_read_is_named_as_text(words, tmp_path):
    ended = CliRunner().invoke(app, [*words, str(tmp_path / "\x1b[2J")])

    assert ended.exit_code == 1
    assert "␛[2J" in ended.stderr
    assert "\x1b" not in ended.output
