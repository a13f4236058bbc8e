"""Commands of who runs the suite: keys, quarantine, deletion of what is old."""

import contextlib
import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer
from pydantic import ValidationError

from infra.contracts.views.api import (
    NewApiKey,
    QuarantineKind,
    QuarantineView,
    ReleaseResult,
    Scope,
)
from infra.printable import counted
from services.cli.terminal import Json, explains, open_client, open_database, print_json, say

if TYPE_CHECKING:  # The command's help loads this module, and need not wait for HTTP.
    from services.client import Client

_MOST_IDS = 1000
"""That one request may name."""
_PRUNED = {
    "groups": "groups that are old and taught nothing",
    "candidates": "candidates of theirs",
    "executions": "executions of theirs",
    "rankings": "rankings of theirs",
    "sample_requests": "requests for samples of theirs",
    "outputs": "executions that stay, without what they had printed",
    "requests": "answers kept for a repeat of their request",
}

app = typer.Typer()
keys = typer.Typer(help="Make, list and revoke API keys.", no_args_is_help=True)
app.add_typer(keys, name="keys")


@keys.command("create")
@explains
def create_key(
    name: Annotated[str, typer.Argument(help="Name of its holder.")],
    scope: Annotated[
        list[Scope], typer.Option(help="What it may be used for; repeat for several.")
    ] = [Scope.READ, Scope.SUBMIT],  # noqa: B006 - typer reads it and never changes it
    project: Annotated[
        str | None,
        typer.Option(help="Whose it is, made if there is none of the name; yours by default."),
    ] = None,
    candidates_per_day: Annotated[
        int | None,
        typer.Option(
            min=1, help="Most candidates that it may bring from midnight to midnight (UTC)."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a key, and print it once."""
    new = _checked_key(name, scope, project, candidates_per_day)
    with open_client() as client:
        made = client.create_key(new)
    if as_json:
        print_json(made)
    else:
        say(made.key)


def _checked_key(
    name: str, scopes: Sequence[Scope], project: str | None, candidates_per_day: int | None
) -> NewApiKey:
    try:
        return NewApiKey(
            name=name,
            scopes=frozenset(scopes),
            project=project,
            candidates_per_day=candidates_per_day,
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise typer.BadParameter(f"{first['loc'][0]}: {first['msg']}") from None


@keys.command("list")
@explains
def list_keys(as_json: Json = False) -> None:
    """List keys: number, name, scopes, project, candidates a day, whether revoked."""
    with open_client() as client:
        rows = list(client.keys())
    if as_json:
        print_json(rows)
        return
    for row in rows:
        scopes = ",".join(sorted(scope.value for scope in row.scopes))
        quota = f"{row.candidates_per_day} a day" if row.candidates_per_day else "no quota"
        ended = "revoked" if row.revoked_at else ""
        say(f"{row.id}\t{row.name}\t{scopes}\t{row.project}\t{quota}\t{ended}")


@keys.command("revoke")
@explains
def revoke_key(
    name: Annotated[str, typer.Argument(help="Name of the key.")], as_json: Json = False
) -> None:
    """Revoke a key; within five seconds nobody can use it."""
    with open_client() as client:
        client.revoke_key(name)
    if as_json:
        print_json({"revoked": name})


@app.command()
@explains
def quarantine(
    kind: Annotated[QuarantineKind, typer.Option(help="What.")] = QuarantineKind.CANDIDATE,
    release: Annotated[
        bool, typer.Option("--release", help="Try all of it again; status 1 if some is kept.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List what was set aside after too many attempts, and why."""
    with open_client() as client:
        rows = list(client.quarantine(kind))
        result = _release(client, kind, [row.id for row in rows]) if release else None
    kept = {} if result is None else {one.id: one.reason for one in result.kept}
    if as_json:
        print_json(rows if result is None else result)
    else:
        for row in rows:
            if result is None or row.id in {*result.released, *kept}:
                say(_described(row) + (f"\tkept: {kept[row.id]}" if row.id in kept else ""))
        say(
            f"{len(rows)} in quarantine"
            if result is None
            else f"{len(result.released)} released, {len(kept)} kept",
            err=True,
        )
    if kept:
        raise typer.Exit(1)


def _described(row: QuarantineView) -> str:
    return f"{row.id}\tgroup {row.group_id or '-'}\t{row.attempts} attempts\t{row.reason or '-'}"


def _release(client: "Client", kind: QuarantineKind, ids: Sequence[UUID]) -> ReleaseResult:
    parts = [
        client.release(kind, ids[start : start + _MOST_IDS])
        for start in range(0, len(ids), _MOST_IDS)
    ]
    return ReleaseResult(
        released=tuple(one for part in parts for one in part.released),
        kept=tuple({one.id: one for part in parts for one in part.kept}.values()),
    )


@app.command()
@explains
def prune(
    days: Annotated[float, typer.Option(min=0, help="Keep what is younger.")] = 30,
    yes: Annotated[bool, typer.Option("--yes", help="Delete; without it, only count.")] = False,
    as_json: Json = False,
) -> None:
    """Count, and with --yes delete, old groups that taught nothing; needs the database."""
    from datetime import timedelta

    from services.delivery.prune import preview
    from services.delivery.prune import prune as run

    with contextlib.closing(open_database()) as database:
        counted = (run if yes else preview)(database, timedelta(days=days))
    counts = dataclasses.asdict(counted)
    if as_json:
        print_json({"deleted": yes, **counts})
        return
    for name, count in counts.items():
        say(f"{count}\t{_PRUNED[name]}")
    say("deleted" if yes else "nothing was deleted; with --yes it is", err=True)


@app.command("rank-again")
@explains
def rank_again(as_json: Json = False) -> None:
    """Rank groups again that an older rule ranked, by RRTF_RANKER_*; needs the database."""
    from infra.settings import load
    from ranker.again import rank_again as run
    from ranker.settings import RankerSettings

    with contextlib.closing(open_database()) as database:
        done = run(database, load(RankerSettings).rules())
    if as_json:
        print_json(dataclasses.asdict(done))
    else:
        say(
            f"{counted(done.groups, 'group')} ranked again: {done.in_open_batches} of them in"
            f" batches that no trainer has had, {done.in_leased_batches} in batches that keep the"
            " old ranking"
        )
    if done.busy:
        say(f"in use just now, run it again: {counted(done.busy, 'group')}", err=True)
        raise typer.Exit(1)


@app.command()
@explains
def audit(
    complete: Annotated[
        bool, typer.Option("--complete", help="Nothing may be waiting any more.")
    ] = False,
    home: Annotated[
        Path | None, typer.Option(help="Data directory, where DATABASE_URL is not set.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Prove from the database that nothing was lost and nothing counted twice."""
    from services.cli.stored.auditing import audit_table, run_audit

    found = run_audit(home, complete)
    if as_json:
        print_json(found)
    else:
        from services.cli.console import PlainConsole

        PlainConsole(soft_wrap=True).print(audit_table(found))
    if not found.is_clean:
        raise typer.Exit(1)


@app.command()
@explains
def backup(
    file: Annotated[Path, typer.Argument(help="File to write.")],
    home: Annotated[
        Path | None, typer.Option(help="Data directory, where DATABASE_URL is not set.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the whole database into a file, while the suite goes on."""
    from infra.local.backup import save

    with contextlib.closing(open_database(home)) as database:
        url = database.engine.url.render_as_string(hide_password=False)
    save(url, file)
    if as_json:
        print_json({"file": str(file), "bytes": file.stat().st_size})
    else:
        say(f"{file.stat().st_size} bytes in {file}")


@app.command()
@explains
def restore(
    file: Annotated[Path, typer.Argument(help="What `rrtf backup` has written.")],
    home: Annotated[Path, typer.Argument(help="Data directory to make.")],
    as_json: Json = False,
) -> None:
    """Make a data directory of a backup, for `rrtf up --home`."""
    from infra.local.backup import restore as run

    run(file, home.absolute())
    if as_json:
        print_json({"home": str(home)})
    else:
        say(f"restored; start it with: rrtf up --home {home}")
