"""The command that makes new problems of old ones."""

import functools
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from infra import errors
from services.cli.terminal import Json, explains, print_json, say

app = typer.Typer()


@app.command()
@explains
def evolve(
    seeds: Annotated[Path, typer.Argument(help="Instructions or problems, a JSON object a line.")],
    out: Annotated[Path, typer.Option(help="Folder for tasks, problems and the report.")],
    teacher: Annotated[list[str], typer.Option(help="Endpoint to ask; more are fallbacks.")],
    against: Annotated[
        list[str] | None, typer.Option(help="Benchmark to keep out: FILE or NAME=FILE.")
    ] = None,
    rounds: Annotated[int, typer.Option(help="Times each seed is made harder.")] = 3,
    most_words: Annotated[int, typer.Option(help="Longest task.")] = 250,
    programs: Annotated[int, typer.Option(help="Programs of each task that must agree.")] = 6,
    test_answers: Annotated[int, typer.Option(help="Times tests are asked for.")] = 3,
    fewest_tests: Annotated[int, typer.Option(help="Tests that must be agreed on.")] = 3,
    seed: Annotated[int, typer.Option(help="Another one gives other tasks.")] = 0,
    as_json: Json = False,
) -> None:
    """Make harder problems of seeds, with tests that programs agree on; needs the database."""
    from services.cli.evolving import run
    from services.evolve import Choices

    try:
        choices = Choices(
            rounds=rounds,
            most_words=most_words,
            programs=programs,
            test_answers=test_answers,
            fewest_tests=fewest_tests,
            seed=seed,
        )
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise errors.InvalidInput(f"{first['loc'][0]}: {first['msg']}") from None
    tell = functools.partial(say, err=True)
    report = run(seeds, out, teacher, against or [], choices, tell)
    if as_json:
        print_json(report)
    else:
        say(
            f"{report.seeds} seeds, {report.tasks} tasks, {report.problems} problems with tests"
            f" in {out}; report.json says what was left out"
        )
