"""Commands about images: the packages that candidates and tests may import."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.terminal import Json, explains, print_json, say

app = typer.Typer()
_images = typer.Typer(
    help="Packages that problems name as their image, built once on each executor's machine.",
    no_args_is_help=True,
)
app.add_typer(_images, name="images")


@_images.command()
@explains
def build(
    name: Annotated[
        str, typer.Argument(help="The image; `notebook`, `numpy` and `science` are the suite's.")
    ],
    requirements: Annotated[
        Path | None,
        typer.Argument(help="A file of requirements for pip, for an image of your own."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Install the packages of an image on this machine, from wheels alone."""
    from services.cli.local.imaging import images_here, mebibytes

    built = images_here().build(name, requirements)
    if as_json:
        print_json({"image": name, "folder": str(built.folder), "bytes": built.num_bytes})
    else:
        say(f"{name}: {mebibytes(built.num_bytes)} in {built.folder}")


@_images.command("list")
@explains
def list_(as_json: Json = False) -> None:
    """List the images that are known on this machine, and what they take on disk."""
    from services.cli.console import PlainConsole
    from services.cli.local.imaging import images_here, listed, table_of

    images = listed(images_here())
    if as_json:
        print_json(images)
    else:
        PlainConsole().print(table_of(images))
