"""Commands about languages: the toolchains that executors compile and run programs with."""

from typing import Annotated

import typer

from services.cli.terminal import Json, explains, print_json, say

app = typer.Typer()
_languages = typer.Typer(
    help="Toolchains of languages beyond Python, installed on each executor's machine.",
    no_args_is_help=True,
)
app.add_typer(_languages, name="languages")


@_languages.command()
@explains
def install(
    names: Annotated[list[str], typer.Argument(help="Languages, as problems name them.")],
    as_json: Json = False,
) -> None:
    """Install the toolchains of languages on this machine, as Debian's packages; needs root."""
    from executor.toolchains import install as installed
    from executor.toolchains import named

    found = {one.language.value: one.told for one in installed(named(names))}
    if as_json:
        print_json(found)
        return
    for name, told in found.items():
        say(f"{name}: {told}")


@_languages.command("list")
@explains
def list_(as_json: Json = False) -> None:
    """List the languages, and which of them can be used on this machine."""
    from services.cli.console import PlainConsole
    from services.cli.local.doctoring import languages_here, table_of_languages

    found = languages_here()
    if as_json:
        print_json(found)
    else:
        PlainConsole().print(table_of_languages(found))
