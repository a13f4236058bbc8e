"""The `rrtf` command: its commands stand in `commands`, one module for each family.

What they do stands beside: `local` needs no service, `stored` looks at what a suite has stored and
brings more, `suite` runs the whole suite here.
"""

import sys

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
    work,
)

app = typer.Typer(
    help="Runs the RRTF loop: sample, execute, rank, train.",
    no_args_is_help=True,
    epilog="Exit status: 0 done, 1 something failed or a line of a file was bad, 2 wrong usage,"
    " 128 and its number when a signal ended it.",
    pretty_exceptions_enable=False,
)
for _family in (
    *(machine, images, languages, work, data, evolution, models, evaluation),
    administration,
):
    app.add_typer(_family.app)


if __name__ == "__main__":
    sys.exit(app())
