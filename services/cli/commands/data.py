"""Commands that take ranked data out."""

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from infra.contracts.base import Integrity, Label
from infra.printable import counted
from services.cli.terminal import FormName, Json, explains, open_client, print_json, say
from services.exports.shapes import Shape
from services.exports.wanted import Wanted
from services.exports.writing import Format

app = typer.Typer()


def _labels(given: list[str]) -> frozenset[Label]:
    names = [name.strip() for text in given for name in text.split(",")]
    try:
        return frozenset(map(Label, names)) or frozenset(Label)
    except ValueError as error:
        known = ", ".join(Label)
        raise typer.BadParameter(f"{error}; labels are {known}", param_hint="--labels") from None


def _moment(given: str | None) -> datetime | None:
    if given is None:
        return None
    try:
        found = datetime.fromisoformat(given)
    except ValueError as error:
        raise typer.BadParameter(f"{error}; say 2026-01-31", param_hint="--since") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _gap(given: float) -> float:
    if math.isnan(given):
        raise typer.BadParameter("no number")
    return given


@app.command()
@explains
def export(
    out: Annotated[Path, typer.Argument(help="Folder to make.")],
    shape: Annotated[Shape, typer.Option(help="What a row is.")] = Shape.PREFERENCE,
    form: Annotated[Format, typer.Option("--format", help="How rows are written.")] = Format.JSONL,
    conversational: Annotated[
        bool, typer.Option("--conversational", help="Texts are messages, not plain.")
    ] = False,
    prompt_form: FormName = None,
    policy: Annotated[str | None, typer.Option(help="Only groups of this policy.")] = None,
    min_best: Annotated[
        Label,
        typer.Option(
            "--min-best",
            "--min-label",
            help="Lowest label of what is to be imitated; what passes no test is, only if this is"
            " below partial_pass.",
        ),
    ] = Label.PARTIAL_PASS,
    labels: Annotated[
        list[str], typer.Option(help="Only programs of these labels, with commas between.")
    ] = [],  # noqa: B006 - typer reads it, nobody changes it
    model: Annotated[
        list[str],
        typer.Option(help="Only what this model wrote, or a side of it; may be given again."),
    ] = [],  # noqa: B006 - as above
    min_gap: Annotated[
        float, typer.Option(min=0, help="Least gap of a pair.", callback=_gap)
    ] = 0.0,
    max_pairs_per_problem: Annotated[
        int | None, typer.Option(min=1, help="Most pairs of one problem, widest gaps first.")
    ] = None,
    since: Annotated[
        str | None, typer.Option(help="Only groups ranked since then; ISO 8601, in UTC.")
    ] = None,
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
    """Write ranked data as a data set for TRL's trainers."""
    from services.exports.writing import export as run

    wanted = Wanted(
        integrity=integrity,
        min_strength=min_strength,
        since=_moment(since),
        labels=_labels(labels),
        models=frozenset(model),
        min_best=min_best,
        min_gap=min_gap,
        max_pairs_per_problem=max_pairs_per_problem,
    )
    with open_client() as client:
        groups = client.ranked_groups(policy)
        done = run(groups, out, shape, form, wanted, conversational, prompt_form)
    if as_json:
        counts = {"rows": done.rows, "groups": done.groups}
        left = {"left_out": done.left_out.groups.total(), "reasons": done.left_out.as_dict()}
        print_json({"path": str(done.path), **counts, **left})
        return
    say(f"{counted(done.rows, 'row')} of {counted(done.groups, 'ranked group')} in {done.path}")
    for line in done.left_out.lines():
        say(line)
