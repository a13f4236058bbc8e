"""Commands that run on this machine alone: the whole suite, the demonstration, the executor."""

from pathlib import Path
from typing import Annotated

import typer

from services.cli.terminal import MUTANTS, Json, complain, explains, print_json, say

app = typer.Typer()


@app.command()
@explains
def up(
    home: Annotated[Path | None, typer.Option(help="Data directory.")] = None,
    port: Annotated[int, typer.Option(help="Port of the API on loopback.")] = 8000,
    slots: Annotated[
        int | None, typer.Option(help="Candidates executed at once; 0: elsewhere.")
    ] = None,
    trainer: Annotated[
        bool | None,
        typer.Option(
            "--trainer/--no-trainer",
            help="Also run a trainer; if not said, where RRTF_TRAINER_MODEL names a model."
            " Without one, the trainer makes a small model from nothing.",
        ),
    ] = None,
    policy_endpoint: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Train the policy that this model server serves."),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Show the logs of all services here too.")
    ] = False,
) -> None:
    """Run the whole suite on this machine until Ctrl-C."""
    from infra.observability import logs
    from services.cli.suite.up import up as run

    logs.configure("up", for_a_reader=True)
    run(home, port, slots, trainer, policy_endpoint, verbose)


@app.command()
@explains
def demo(
    home: Annotated[
        Path | None, typer.Option(help="Data directory; a temporary one if absent.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the picture.")] = Path("out"),
    human_eval: Annotated[
        int, typer.Option(help="HumanEval problems to run, where RRTF_DATA has them.")
    ] = 20,
) -> None:
    """Run the loop on real problems, print the result, and stop."""
    from infra.observability import logs
    from services.cli.suite.demo import run_demo

    logs.configure("demo", for_a_reader=True)
    if not run_demo(home, out, human_eval):
        raise typer.Exit(1)


@app.command()
@explains
def doctor(as_json: Json = False) -> None:
    """Look at this machine, try every control of the sandbox, and say what is missing."""
    from services.cli.console import PlainConsole
    from services.cli.local.doctoring import Diagnosis

    diagnosis = Diagnosis()
    if as_json:
        print_json(diagnosis.data())
    else:
        PlainConsole().print(*diagnosis.tables(), sep="\n")
    if not diagnosis.is_sound:
        raise typer.Exit(1)


@app.command()
@explains
def label(
    problems: Annotated[
        Path, typer.Option(help="HumanEval, MBPP, contests or our own JSONL, or .gz")
    ],
    candidates: Annotated[
        Path,
        typer.Option(
            help="{task_id, program|completion|answer}, or as evaluation harnesses and batches"
            " write them; JSONL, JSON, Parquet, or a folder."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Where to write the labels.")],
    slots: Annotated[int | None, typer.Option(min=1, help="Candidates at once.")] = None,
    strict: Annotated[
        bool | None, typer.Option("--strict", help="A fresh nsjail for every candidate.")
    ] = None,
    cpu_seconds: Annotated[
        float | None, typer.Option(help="CPU time of one test, for every problem.")
    ] = None,
    memory: Annotated[
        int | None, typer.Option(help="Memory of one candidate in MiB, for every problem.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Label a file of candidates on this machine; no service is needed."""
    from executor import Overrides
    from services.cli.local.labelling import LabelRun

    overrides = Overrides(cpu_seconds, None if memory is None else memory * 2**20)
    run = LabelRun()
    run.run(problems, candidates, out, slots, strict, overrides)
    if as_json:
        print_json(run.counts())
    else:
        say(run.summary(), err=True)
    complain(run.bad)


@app.command()
@explains
def check(
    files: Annotated[list[Path], typer.Argument(help="Problems, in any form that import reads.")],
    strength: Annotated[
        bool, typer.Option("--strength", help="Also judge small changes of the reference programs.")
    ] = False,
    mutants: Annotated[
        int, typer.Option(min=1, max=1000, help="Changes of one program, with --strength.")
    ] = MUTANTS,
    slots: Annotated[int | None, typer.Option(min=1, help="Problems at once.")] = None,
    strict: Annotated[
        bool | None, typer.Option("--strict", help="A fresh nsjail for every program.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Check the tests of problems on this machine; no service is needed."""
    from services.cli.local.checking import CheckRun
    from services.cli.local.findings import lines, row

    run = CheckRun(files)
    for finding in run.findings(mutants if strength else 0, slots, strict):
        if as_json:
            print_json(row(finding), indent=None)
            continue
        for line in lines(finding):
            say(line)
    say(run.summary(), err=True)
    if run.unsound:
        raise typer.Exit(1)
