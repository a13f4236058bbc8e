"""The `rrtf` command.

Exit status: 0 done, 1 something failed or a line of a file was bad, 2 wrong usage.
"""

import dataclasses
import functools
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from pydantic import BaseModel, TypeAdapter, ValidationError

from infra import errors
from infra.contracts.api import NewApiKey, QuarantineKind, Scope
from infra.contracts.candidates import PolicyName
from infra.settings import ClientSettings, load

if TYPE_CHECKING:
    from services.cli.submitting import Report
    from services.client import Client

_MOST_LINES = 20
"""Most bad lines of a file that are named one by one."""

app = typer.Typer(
    help="Runs the RRTF loop: sample, execute, rank, train.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

Command = TypeVar("Command", bound=Callable[..., None])
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def _explains(command: Command) -> Command:
    """Print an error of the suite as one line, and end with status 1."""

    @functools.wraps(command)
    def explained(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except errors.SuiteError as error:
            typer.echo(f"rrtf: {error.detail} [{error.code}]", err=True)
            raise typer.Exit(1) from None

    return explained  # type: ignore[return-value] # functools.wraps keeps the signature typer reads


def _client() -> "Client":
    from services.client import Client

    settings = load(ClientSettings)
    return Client(settings.url, settings.key.get_secret_value() if settings.key else None)


def _print(view: BaseModel) -> None:
    typer.echo(json.dumps(view.model_dump(mode="json"), indent=2))


@app.command()
@_explains
def up(
    home: Annotated[Path | None, typer.Option(help="Data directory.")] = None,
    port: Annotated[int, typer.Option(help="Port of the API on loopback.")] = 8000,
    slots: Annotated[int | None, typer.Option(help="Candidates executed at once.")] = None,
    trainer: Annotated[bool, typer.Option(help="Also run a trainer.")] = True,
) -> None:
    """Run the whole suite on this machine until Ctrl-C."""
    from infra import logs
    from services.cli.up import up as run

    logs.configure("up")
    run(home, port, slots, trainer)


@app.command("import")
@_explains
def import_problems(
    file: Annotated[Path, typer.Argument(help="HumanEval, MBPP or our own JSONL, plain or .gz")],
    as_json: Json = False,
) -> None:
    """Store the problems of a file."""
    from services.cli.submitting import import_file

    with _client() as client:
        report = import_file(client, file)
    unused = len(report.bad) + len(report.refused)
    _say(report, as_json, f"{report.created} new, {report.known} known, {unused} bad")
    _explain_bad(report, file)


def _checked_policy(name: str) -> str:
    try:
        return TypeAdapter[str](PolicyName).validate_python(name)
    except ValidationError as error:
        raise typer.BadParameter(error.errors()[0]["msg"]) from None


@app.command()
@_explains
def submit(
    file: Annotated[Path, typer.Argument(help="Candidates: {task_id, program|completion} JSONL")],
    policy: Annotated[
        str, typer.Option(help="Policy that the groups train.", callback=_checked_policy)
    ] = "default",
    as_json: Json = False,
) -> None:
    """Submit the candidates of a file, one group for each problem."""
    from services.cli.submitting import submit_file

    with _client() as client:
        report = submit_file(client, file, policy)
    _say(
        report,
        as_json,
        f"{report.created} candidates in {report.groups} groups submitted, {len(report.bad)} bad",
    )
    _explain_bad(report, file)


def _say(report: "Report", as_json: bool, line: str) -> None:
    if not as_json:
        typer.echo(line)
        return
    bad = [bad._asdict() for bad in report.bad]
    typer.echo(json.dumps(dataclasses.asdict(report) | {"bad": bad}, indent=2))


def _explain_bad(report: "Report", file: Path) -> None:
    """Name what was not used, on the error output, and end with status 1 if there is any."""
    lines = [f"line {line.number}: {line.reason}" for line in report.bad] + report.refused
    for line in lines[:_MOST_LINES]:
        typer.echo(f"{file}, {line}", err=True)
    if len(lines) > _MOST_LINES:
        typer.echo(f"and {len(lines) - _MOST_LINES} more", err=True)
    if lines:
        raise typer.Exit(1)


@app.command()
@_explains
def watch(
    timeout: Annotated[float, typer.Option(help="Seconds to wait at most; 0 for ever.")] = 0,
) -> None:
    """Show progress until every group is ranked."""
    from services.cli.progress import watch_until_ranked

    with _client() as client:
        if not watch_until_ranked(client, timeout or float("inf")):
            typer.echo(f"rrtf: groups are still open after {timeout:g} s", err=True)
            raise typer.Exit(1)


@app.command()
@_explains
def status(as_json: Json = False) -> None:
    """Count candidates, groups and batches."""
    from services.cli.progress import stats_table

    with _client() as client:
        stats = client.stats()
    if as_json:
        _print(stats)
    else:
        from rich.console import Console

        Console().print(stats_table(stats))


@app.command()
@_explains
def show(
    group: Annotated[str, typer.Argument(help="Id of a group, or the name of a problem.")],
    as_json: Json = False,
) -> None:
    """Show the candidates of a group with labels, first failures, scores and pairs."""
    from services.cli.showing import group_report

    with _client() as client:
        report = group_report(client, group)
    if as_json:
        typer.echo(json.dumps(report.data, indent=2))
    else:
        from rich.console import Console

        Console().print(*report.tables)


keys = typer.Typer(help="Make, list and revoke API keys.", no_args_is_help=True)
app.add_typer(keys, name="keys")


@keys.command("create")
@_explains
def create_key(
    name: Annotated[str, typer.Argument(help="Name of its holder.")],
    scope: Annotated[
        list[Scope], typer.Option(help="What it may be used for; repeat for several.")
    ] = [Scope.READ, Scope.SUBMIT],  # noqa: B006 - typer reads it and never changes it
    as_json: Json = False,
) -> None:
    """Make a key, and print it once."""
    with _client() as client:
        made = client.create_key(NewApiKey(name=_checked_name(name), scopes=frozenset(scope)))
    if as_json:
        _print(made)
    else:
        typer.echo(made.key)


def _checked_name(name: str) -> str:
    try:
        return NewApiKey(name=name).name
    except ValidationError as error:
        raise typer.BadParameter(error.errors()[0]["msg"]) from None


@keys.command("list")
@_explains
def list_keys(as_json: Json = False) -> None:
    """List keys: number, name, scopes, whether revoked."""
    with _client() as client:
        rows = list(client.keys())
    if as_json:
        typer.echo(json.dumps([row.model_dump(mode="json") for row in rows], indent=2))
        return
    for row in rows:
        scopes = ",".join(sorted(scope.value for scope in row.scopes))
        typer.echo(f"{row.id}\t{row.name}\t{scopes}\t{'revoked' if row.revoked_at else ''}")


@keys.command("revoke")
@_explains
def revoke_key(name: Annotated[str, typer.Argument(help="Name of the key.")]) -> None:
    """Revoke a key; within five seconds nobody can use it."""
    with _client() as client:
        client.revoke_key(name)


@app.command()
@_explains
def quarantine(
    kind: Annotated[QuarantineKind, typer.Option(help="What.")] = QuarantineKind.CANDIDATE,
    release: Annotated[bool, typer.Option("--release", help="Try all of it again.")] = False,
    as_json: Json = False,
) -> None:
    """List what was set aside after too many attempts, and why."""
    with _client() as client:
        rows = list(client.quarantine(kind))
        if release:
            for start in range(0, len(rows), 1000):
                client.release(kind, [row.id for row in rows[start : start + 1000]])
    if as_json:
        typer.echo(json.dumps([row.model_dump(mode="json") for row in rows], indent=2))
        return
    for row in rows:
        typer.echo(f"{row.id}\tgroup {row.group_id}\t{row.attempts} attempts\t{row.reason}")
    typer.echo(f"{len(rows)} {'released' if release else 'in quarantine'}", err=True)


@app.command()
@_explains
def prune(
    days: Annotated[float, typer.Option(min=0, help="Keep what is younger.")] = 30,
    as_json: Json = False,
) -> None:
    """Delete old groups that taught nothing; needs DATABASE_URL."""
    from datetime import timedelta

    from infra.db.unit_of_work import Database
    from infra.settings import DatabaseSettings
    from services.prune import prune as run

    database = Database(load(DatabaseSettings).database_url.get_secret_value())
    try:
        pruned = run(database, timedelta(days=days))
    finally:
        database.close()
    if as_json:
        typer.echo(json.dumps(dataclasses.asdict(pruned), indent=2))
    else:
        typer.echo(
            f"{pruned.groups} groups deleted, the output of {pruned.outputs} executions let go"
        )


@app.command()
@_explains
def label(
    problems: Annotated[Path, typer.Option(help="HumanEval, MBPP or our own JSONL, or .gz")],
    candidates: Annotated[Path, typer.Option(help="{task_id, program|completion} JSONL, or .gz")],
    out: Annotated[Path, typer.Option(help="Where to write the labels.")],
    slots: Annotated[int | None, typer.Option(min=1, help="Candidates at once.")] = None,
    strict: Annotated[
        bool | None, typer.Option("--strict", help="A fresh nsjail for every candidate.")
    ] = None,
    cpu_seconds: Annotated[
        float | None, typer.Option(help="CPU time of one test, for every problem.")
    ] = None,
    memory: Annotated[
        int | None, typer.Option(help="Memory of one candidate in MiB, for every problem.")
    ] = None,
) -> None:
    """Label a file of candidates on this machine; no service is needed."""
    from executor import Overrides
    from services.cli.labelling import LabelRun

    overrides = Overrides(cpu_seconds, None if memory is None else memory * 2**20)
    run = LabelRun()
    run.run(problems, candidates, out, slots, strict, overrides)
    for complaint in run.bad[:_MOST_LINES]:
        typer.echo(complaint, err=True)
    if len(run.bad) > _MOST_LINES:
        typer.echo(f"and {len(run.bad) - _MOST_LINES} more", err=True)
    typer.echo(run.summary(), err=True)
    if run.bad:
        raise typer.Exit(1)


@app.command()
@_explains
def doctor() -> None:
    """Try every control of the sandbox on this machine, and say what is missing."""
    from rich.console import Console

    from services.cli.doctoring import Diagnosis

    diagnosis = Diagnosis()
    for part in diagnosis.tables():
        Console().print(part)
    if not diagnosis.is_sound:
        raise typer.Exit(1)


@app.command()
@_explains
def demo(
    home: Annotated[
        Path | None, typer.Option(help="Data directory; a temporary one if absent.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the picture.")] = Path("out"),
    human_eval: Annotated[
        int, typer.Option(help="HumanEval problems to run, where RRTF_DATA has them.")
    ] = 164,
) -> None:
    """Run the loop on real problems, print the result, and stop."""
    from infra import logs
    from services.cli.demo import run_demo

    logs.configure("demo")
    if not run_demo(home, out, human_eval):
        raise typer.Exit(1)


if __name__ == "__main__":
    sys.exit(app())
