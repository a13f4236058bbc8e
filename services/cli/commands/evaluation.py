"""Commands that say how good models are: evaluate them, report it, compare two."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli.terminal import FormName, Json, explains, open_client, print_json, say

if TYPE_CHECKING:
    from services.evaluation.results import Evaluation

app = typer.Typer()

_K: list[int] = [1, 10]


@app.command()
@explains
def evaluate(
    out: Annotated[Path, typer.Option(help="Folder for all that is found; may hold a part of it.")],
    model: Annotated[
        list[str],
        typer.Option(help="Hugging Face causal model, by name or path, or NAME=MODEL; repeat."),
    ] = [],  # noqa: B006 - typer reads it, nobody changes it
    endpoint: Annotated[
        list[str],
        typer.Option(
            help="Model server of RRTF_SAMPLER_ENDPOINTS, ENDPOINT or NAME=ENDPOINT, with @VERSION"
            " where it serves a policy; needs the database; repeat."
        ),
    ] = [],  # noqa: B006 - as above
    policy: Annotated[
        list[str],
        typer.Option(
            help="Checkpoint on this machine, POLICY, POLICY@VERSION or NAME=...; needs the suite;"
            " repeat."
        ),
    ] = [],  # noqa: B006 - as above
    candidates: Annotated[
        list[str],
        typer.Option(
            help="Programs that a model wrote, FILE or NAME=FILE, in any form of `label`; repeat."
        ),
    ] = [],  # noqa: B006 - as above
    verdicts: Annotated[
        list[str],
        typer.Option(help="Results of another tool, FILE or NAME=FILE, not judged again; repeat."),
    ] = [],  # noqa: B006 - as above
    problems: Annotated[
        list[str],
        typer.Option(
            help="Benchmark, FILE or NAME=FILE; by NAME more is known of humaneval, mbpp, leetcode,"
            " livecodebench, bigcodebench, codereval, apps; repeat."
        ),
    ] = [],  # noqa: B006 - as above
    plan: Annotated[Path | None, typer.Option(help="TOML file that says all of this.")] = None,
    samples: Annotated[
        int | None, typer.Option(help="Of each problem; 0: greedy alone. [default: 20]")
    ] = None,
    k: Annotated[list[int], typer.Option(help="Of pass@k; repeat. [default: 1, 10]")] = [],  # noqa: B006 - as above
    temperature: Annotated[
        list[float], typer.Option(help="Of the samples; repeat. [default: 0.8]")
    ] = [],  # noqa: B006 - as above
    top_p: Annotated[
        list[float], typer.Option(help="Of the samples; repeat. [default: 0.95]")
    ] = [],  # noqa: B006 - as above
    max_tokens: Annotated[
        int | None, typer.Option(help="Of one completion. [default: 512]")
    ] = None,
    seed: Annotated[
        list[int], typer.Option(help="Each draws so many samples; repeat. [default: 0]")
    ] = [],  # noqa: B006 - as above
    prompt_form: FormName = None,
    follow: Annotated[
        str | None,
        typer.Option(
            metavar="POLICY",
            help="Evaluate the checkpoints of a policy as they come, until Ctrl-C, and tell the"
            " suite what was found.",
        ),
    ] = None,
    every: Annotated[
        int, typer.Option(min=1, help="Optimizer steps between checkpoints that are followed.")
    ] = 1,
    until: Annotated[
        int | None, typer.Option(min=1, help="End once this version was evaluated.")
    ] = None,
    slots: Annotated[int | None, typer.Option(min=1, help="Candidates at once.")] = None,
    threads: Annotated[int, typer.Option(min=0, help="Of torch; 0 leaves it to torch.")] = 0,
    as_json: Json = False,
) -> None:
    """Sample models on problems, run what they write, write tables and a page; goes on if cut."""
    from services.cli.local import evaluating

    given: dict[str, Any] = {
        "samples": samples,
        "k": k,
        "temperatures": temperature,
        "top_p": top_p,
        "max_tokens": max_tokens,
        "seeds": seed,
        "prompt_form": prompt_form,
    }
    models = {"model": model, "endpoint": endpoint, "policy": policy}
    files = {"candidates": candidates, "verdicts": verdicts}
    table = evaluating.table_of(plan, models | files, problems, given)
    if follow is not None:
        evaluating.follow(follow, table, out, every, until, slots, threads)
        return
    evaluation, ks = evaluating.run(table, out, slots, threads)
    _print(evaluation, ks, out, as_json)


@app.command()
@explains
def report(
    folder: Annotated[Path, typer.Argument(help="What `rrtf evaluate` has written to.")],
    k: Annotated[list[int], typer.Option(min=1, help="Of pass@k; may be given again.")] = _K,
    as_json: Json = False,
) -> None:
    """Write the tables and the page of an evaluation again, of all that is complete."""
    from services.evaluation.writing import write

    _print(write(folder, k), k, folder, as_json)


@app.command()
@explains
def compare(
    before: Annotated[
        str, typer.Argument(help="A model: of stored groups by its name, or FOLDER/models/NAME.")
    ],
    after: Annotated[str, typer.Argument(help="Another one, of the same kind.")],
    problem_set: Annotated[
        str, typer.Option(help="Of stored groups: problems of this set alone, such as HumanEval.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Say whether one of two models is better, and which problems and tests differ."""
    if Path(before).is_dir() or Path(after).is_dir():
        _compare_folders(Path(before), Path(after), as_json)
        return
    from services.cli.stored.rates import lines_of

    with open_client() as client:
        found = client.comparison(before, after, problem_set)
    if as_json:
        print_json(found)
        return
    for line in lines_of(found):
        say(line)


def _compare_folders(before: Path, after: Path, as_json: bool) -> None:
    from services.cli.local.evaluating import lines_of
    from services.evaluation.comparing import of_folders

    found = of_folders(before, after)
    if as_json:
        print_json({"comparisons": [one.as_dict() for one in found]})
        return
    for one in found:
        for line in lines_of(one):
            say(line)


@app.command("pass-at-k")
@explains
def pass_at_k(
    k: Annotated[list[int], typer.Option(min=1, max=1024, help="May be given again.")] = _K,
    as_json: Json = False,
) -> None:
    """Say how often models are right whose programs are stored, by sets of problems."""
    from services.cli.console import PlainConsole
    from services.cli.stored.rates import rates_table

    with open_client() as client:
        found = client.models(k)
    if as_json:
        print_json(found)
    else:
        PlainConsole().print(rates_table(found))


def _print(evaluation: "Evaluation", ks: Sequence[int], out: Path, as_json: bool) -> None:
    """Print what was written to a folder."""
    from services.cli.console import PlainConsole
    from services.cli.local.evaluating import printed
    from services.evaluation.folder import read_json

    if as_json:
        print_json(read_json(out / "evaluation.json"))
        return
    PlainConsole(soft_wrap=True).print(*printed(evaluation, ks))
    say(f"{out / 'report.html'} and report.md say more")
