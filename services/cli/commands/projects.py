"""The command that makes problems of a project."""

from pathlib import Path
from typing import Annotated

import typer

from infra.contracts.problems import Limits
from services.cli.terminal import Json, complain, explains, print_json, say

app = typer.Typer()


@app.command()
@explains
def project(
    folder: Annotated[Path, typer.Argument(help="Its root, where `python -m pytest` is run.")],
    out: Annotated[Path, typer.Option(help="Where to write the problems, as JSONL.")],
    candidate: Annotated[
        list[str],
        typer.Option(
            help="File that is to be written, below the folder; may be given again. Every file"
            " from which a test file takes something, if absent."
        ),
    ] = [],  # noqa: B006 - typer reads it, nobody changes it
    function: Annotated[
        list[str],
        typer.Option(
            help="Function or `Class.method` of it that is to be put back, a problem of its own;"
            " may be given again, `*` is every one."
        ),
    ] = [],  # noqa: B006 - as above
    tests: Annotated[
        list[str],
        typer.Option(
            help="Test file, or folder of them; may be given again. Those that test the candidate,"
            " if absent."
        ),
    ] = [],  # noqa: B006 - as above
    image: Annotated[
        str | None, typer.Option(help="Image of packages; the smallest that has them, if absent.")
    ] = None,
    cpu_seconds: Annotated[
        float | None, typer.Option(min=0.1, max=60, help="CPU time of one test.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make problems of a project: a file of it, or a function, is to be written again."""
    from infra.forms.project.reading import LIMITS, Wanted
    from services.cli.local.projecting import ProjectRun

    changes = {} if cpu_seconds is None else {"cpu_seconds": cpu_seconds}
    limits = Limits.model_validate(LIMITS.model_dump() | changes)
    run = ProjectRun()
    for line in run.run(folder, Wanted(candidate, function, tests, image, limits), out):
        if not as_json:
            say(line)
    if as_json:
        print_json({"path": str(out), "problems": run.written, "refused": run.refused})
    for line in () if as_json else run.left_out():
        say(line)
    complain(run.refused)
