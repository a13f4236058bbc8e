"""Commands that bring work to the API and look at what became of it."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from infra.contracts.base import CheckState, Pairing
from infra.contracts.views.api import Stats
from infra.local.home import default_home
from infra.printable import counted
from services.cli.terminal import (
    AGAINST,
    MUTANTS,
    PAIRS,
    Json,
    checked_policy,
    complain,
    explains,
    left_out_note,
    open_client,
    print_json,
    say,
)

if TYPE_CHECKING:
    from infra.contracts.views.api import ProblemView
    from services.cli.stored.submitting import Report

app = typer.Typer()


@app.command("import")
@explains
def import_problems(
    file: Annotated[
        Path, typer.Argument(help="HumanEval, MBPP, contests or our own JSONL, plain or .gz")
    ],
    check: Annotated[
        bool,
        typer.Option("--check", help="Refuse what `rrtf check` finds unsound on this machine."),
    ] = False,
    strength: Annotated[
        bool,
        typer.Option(
            "--strength",
            help="Keep the share of mutants killed: measured by executors, or here with --check.",
        ),
    ] = False,
    against: Annotated[list[str] | None, typer.Option(help=AGAINST)] = None,
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds to wait for what executors find of the tests.")
    ] = 0,
    as_json: Json = False,
) -> None:
    """Store the problems of a file, which executors then check."""
    from services.cli.stored.submitting import await_checks, import_file

    with open_client() as client:
        report = import_file(client, file, check, MUTANTS if strength else 0, against or ())
        found = list(await_checks(client, report, wait)) if wait else []
    unused = len(report.bad) + len(report.refused)
    line = f"{report.created} new, {report.known} known, {unused} bad"
    checks = {one.slug: one.check.model_dump(mode="json") for one in found}
    _say(report, as_json, line + left_out_note(report.tests_left_out), checks=checks)
    unsound = [line for problem in found for line in _found(problem, as_json)]
    _complain_of(report, file, unsound)


def _found(problem: "ProblemView", as_json: bool) -> list[str]:
    """Print what was found of a sound problem; return what is to be complained of."""
    from services.cli.local.findings import lines

    check = problem.check
    if check.finding is None or check.state in (CheckState.PENDING, CheckState.QUARANTINED):
        reason = check.reason or "no executor has checked it yet"
        return [f"{problem.slug}: {check.state}: {reason}"]
    if check.state is CheckState.UNSOUND:
        return list(lines(check.finding))
    if not as_json:
        for line in lines(check.finding):
            say(line)
    return []


@app.command()
@explains
def submit(
    file: Annotated[
        Path,
        typer.Argument(
            help="Candidates: {task_id, program|completion|answer}, or as evaluation harnesses and"
            " batches write them; JSONL, JSON, Parquet, or a folder."
        ),
    ],
    problems: Annotated[
        Path | None,
        typer.Option(help="Problems in whose order a file without names has its candidates."),
    ] = None,
    policy: Annotated[
        str, typer.Option(help="Policy that the groups train.", callback=checked_policy)
    ] = "default",
    pairs: Annotated[Pairing | None, typer.Option(help=PAIRS)] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Open groups anew that were submitted before.")
    ] = False,
    wait: Annotated[
        float,
        typer.Option(min=0, help="Seconds to watch these groups alone, until ranked."),
    ] = 0,
    as_json: Json = False,
) -> None:
    """Submit the candidates of a file, one group for each problem, if they are not known."""
    from services.cli.stored.foreseeing import notes
    from services.cli.stored.progress import watch_groups
    from services.cli.stored.submitting import submit_file

    with open_client() as client:
        report = submit_file(client, file, policy, pairs, again, problems)
        in_time = not wait or watch_groups(client, report.group_ids, wait, as_json)
    known = f"{report.known} known, " if report.known else ""
    done = f"{counted(report.created, 'candidate')} in {counted(report.groups, 'group')} submitted"
    _say(report, as_json, f"{done}, {known}{len(report.bad)} bad")
    if not as_json:
        for note in notes(report.metadata_fields, report.no_pairs, pairs):
            say(note)
    late = [] if in_time else [f"rrtf: groups of {file} are still open after {wait:g} s"]
    _complain_of(report, file, late)


def _say(report: "Report", as_json: bool, line: str, **more: Any) -> None:
    if not as_json:
        say(line)
        return
    bad = [bad._asdict() for bad in report.bad]
    ids = {name: [str(one) for one in getattr(report, name)] for name in ("stored", "group_ids")}
    print_json(dataclasses.asdict(report) | {"bad": bad} | ids | more)


def _complain_of(report: "Report", file: Path, beside: Sequence[str] = ()) -> None:
    lines = [f"line {line.number}: {line.reason}" for line in report.bad] + report.refused
    complain([*(f"{file}, {line}" for line in lines), *beside])


@app.command()
@explains
def watch(
    groups: Annotated[
        list[str] | None,
        typer.Argument(help="Ids of groups, or names of problems; every group if absent."),
    ] = None,
    timeout: Annotated[float, typer.Option(help="Seconds to wait at most; 0 for ever.")] = 0,
    as_json: Json = False,
) -> None:
    """Show progress until groups are ranked: all, several, or each label of one as it comes."""
    from services.cli.stored.progress import watch_group, watch_groups, watch_until_ranked
    from services.cli.stored.showing import find_group

    seconds = timeout or float("inf")
    with open_client() as client:
        if not groups:
            done = watch_until_ranked(client, seconds, as_json)
        elif len(groups) == 1:
            watch_group(client, groups[0], seconds, as_json)
            done = True
        else:
            ids = [find_group(client, name).id for name in groups]
            done = watch_groups(client, ids, seconds, as_json)
    if not done:
        complain([f"rrtf: groups are still open after {timeout:g} s"])


@app.command()
@explains
def status(
    slow: Annotated[
        bool, typer.Option("--slow", help="Name what took the executors' time, hangs first.")
    ] = False,
    hours: Annotated[float, typer.Option(help="With --slow: how far back.")] = 24.0,
    as_json: Json = False,
) -> None:
    """Say what is down and since when, and count candidates, groups and batches."""
    from services.cli.stored.health import health_lines
    from services.cli.stored.progress import stats_table
    from services.cli.stored.slow import slow_tables

    with open_client() as client:
        health = [] if slow or as_json else health_lines(client, default_home())
        for line in health:
            say(line)
        found = client.slow(hours) if slow else client.stats()
    if as_json:
        print_json(found)
    else:
        from services.cli.console import PlainConsole

        tables = [stats_table(found)] if isinstance(found, Stats) else slow_tables(found)
        PlainConsole().print(*tables)


@app.command()
@explains
def show(
    group: Annotated[str, typer.Argument(help="Id of a group, or the name of a problem.")],
    as_json: Json = False,
) -> None:
    """Show the candidates of a group with labels, first failures, scores and pairs."""
    from services.cli.stored.showing import group_report

    with open_client() as client:
        report = group_report(client, group)
    if as_json:
        print_json(report.data)
    else:
        from services.cli.console import PlainConsole

        PlainConsole(soft_wrap=True).print(*report.parts, sep="\n")
