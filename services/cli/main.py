"""The `rrtf` command: its commands stand in `commands`, one module for each family.

What they do stands beside: `local` needs no service, `stored` looks at what a suite has stored and
brings more, `suite` runs the whole suite here.
"""

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from services.cli.commands import (
    administration,
    data,
    evaluation,
    evolution,
    images,
    languages,
    machine,
    models,
    projects,
    quantization,
    work,
)
from services.cli.terminal import say

app = typer.Typer(
    help="Runs the RRTF loop: sample, execute, rank, train.",
    no_args_is_help=True,
    epilog="Exit status: 0 done, 1 something failed or a line of a file was bad, 2 wrong usage,"
    " 128 and its number when a signal ended it.",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _say_version(wanted: bool) -> None:
    if wanted:
        say(f"rrtf {version('rrtf-suite')}")
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[
        bool,
        typer.Option(
            "--version", help="Say which version this is.", callback=_say_version, is_eager=True
        ),
    ] = False,
) -> None:
    pass


for _family in (
    *(machine, images, languages, projects, work, data, evolution, models, evaluation),
    *(quantization, administration),
):
    app.add_typer(_family.app)


if __name__ == "__main__":
    sys.exit(app())
