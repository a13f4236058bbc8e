"""Commands that take ranked data out."""

from pathlib import Path
from typing import Annotated

import typer

from infra.contracts.base import Integrity, Label
from services.cli.exporting import Format, Shape
from services.cli.terminal import Json, explains, open_client, print_json, say

app = typer.Typer()


@app.command()
@explains
def export(
    out: Annotated[Path, typer.Argument(help="Folder to make.")],
    shape: Annotated[Shape, typer.Option(help="What a row is.")] = Shape.PREFERENCE,
    form: Annotated[Format, typer.Option("--format", help="How rows are written.")] = Format.JSONL,
    policy: Annotated[str | None, typer.Option(help="Only groups of this policy.")] = None,
    min_label: Annotated[
        Label, typer.Option(help="Lowest label of a program to imitate.")
    ] = Label.PARTIAL_PASS,
    integrity: Annotated[
        Integrity | None,
        typer.Option(help="`isolated` leaves out groups with a label that is shared."),
    ] = None,
    min_strength: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Leave out problems whose tests notice fewer mutants."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Write ranked data as a data set for TRL: completions, preferences, or all programs."""
    from services.cli.exporting import Wanted
    from services.cli.exporting import export as run

    wanted = Wanted(integrity, min_strength)
    with open_client() as client:
        done = run(client.ranked_groups(policy), out, shape, form, min_label, wanted)
    if as_json:
        print_json(done._asdict() | {"path": str(done.path)})
    else:
        note = wanted.note(done.left_out)
        say(f"{done.rows} rows of {done.groups} ranked groups in {done.path}{note}")
