"""Commands that make new problems of old ones, and keep those of benchmarks out."""

import functools
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from infra import errors
from infra.printable import counted
from services.cli.terminal import AGAINST, EMBEDDINGS, Json, complain, explains, print_json, say

app = typer.Typer()


@app.command()
@explains
def evolve(
    seeds: Annotated[Path, typer.Argument(help="Instructions or problems, a JSON object a line.")],
    out: Annotated[Path, typer.Option(help="Folder for tasks, problems and the report.")],
    teacher: Annotated[list[str], typer.Option(help="Endpoint to ask; more are fallbacks.")],
    against: Annotated[list[str] | None, typer.Option(help=AGAINST)] = None,
    embeddings: Annotated[Path | None, typer.Option(help=EMBEDDINGS)] = None,
    rounds: Annotated[int, typer.Option(help="Times each seed is made harder.")] = 3,
    most_words: Annotated[int, typer.Option(help="Longest task.")] = 250,
    programs: Annotated[int, typer.Option(help="Programs of each task that must agree.")] = 6,
    test_answers: Annotated[int, typer.Option(help="Times tests are asked for.")] = 3,
    fewest_tests: Annotated[int, typer.Option(help="Tests that must be agreed on.")] = 3,
    steps: Annotated[
        bool,
        typer.Option(
            "--steps",
            help="Ask for programs with a comment for each step, and keep those without apart.",
        ),
    ] = False,
    seed: Annotated[int, typer.Option(help="Another one gives other tasks.")] = 0,
    plan: Annotated[
        int | None,
        typer.Option(
            min=1, help="Ask nothing: tell what so many problems would take, by the run in --out."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make harder problems of seeds, with tests that programs agree on; needs the database."""
    from services.cli.local.evolving import foresee, lines, run
    from services.evolution.agreed_tests import Choices

    if plan is not None:
        foreseen = foresee(out, teacher, plan)
        if as_json:
            print_json(foreseen)
        else:
            for line in lines(foreseen):
                say(line)
        return
    try:
        choices = Choices(
            rounds=rounds,
            most_words=most_words,
            programs=programs,
            test_answers=test_answers,
            fewest_tests=fewest_tests,
            steps=steps,
            seed=seed,
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise errors.InvalidInput(f"{first['loc'][0]}: {first['msg']}") from None
    tell = functools.partial(say, err=True)
    report = run(seeds, out, teacher, against or [], embeddings, choices, tell)
    if as_json:
        print_json(report)
    else:
        say(
            f"{counted(report.seeds, 'seed')}, {counted(report.tasks, 'task')},"
            f" {counted(report.problems, 'problem')} with tests in {out},"
            f" {report.programs_with_steps} of {report.programs} programs say their"
            " steps; report.json says what was left out"
        )


@app.command()
@explains
def decontaminate(
    file: Annotated[
        Path,
        typer.Argument(help="Problems, instructions with answers, conversations, ranked groups."),
    ],
    against: Annotated[list[str], typer.Option(help=AGAINST)],
    out: Annotated[
        Path | None, typer.Option(help="Where to write the records that hold none.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Where to write what was found, one line for each record.")
    ] = None,
    embeddings: Annotated[Path | None, typer.Option(help=EMBEDDINGS)] = None,
    as_json: Json = False,
) -> None:
    """Find records that hold a benchmark's problem: in its words, or by what their programs do."""
    from services.cli.local.decontaminating import look, told

    found = look(file, against, out, report, embeddings)
    if as_json:
        print_json(
            {
                "records": found.records,
                "findings": [one.model_dump(mode="json") for one in found.findings],
                "report": [one.model_dump(mode="json") for one in found.report],
                "bad": [one._asdict() for one in found.bad],
            }
        )
    else:
        for finding in found.findings:
            for hit in finding.hits:
                where = f"{file}, line {finding.line}, {finding.name}"
                say(f"{where}: {told(hit)}")
        say(found.summary(), err=True)
    complain([f"{file}, line {one.number}: {one.reason}" for one in found.bad])
