"""The command that says what quantization does to a model."""

import functools
import sys
from pathlib import Path
from typing import Annotated

import typer

from services.cli.terminal import FormName, Json, explains, print_json, say

app = typer.Typer()


@app.command("quantize-study")
@explains
def quantize_study(
    model: Annotated[
        str, typer.Option(help="Hugging Face causal model, by name or path, or NAME=MODEL.")
    ],
    problems: Annotated[str, typer.Option(help="Benchmark, FILE or NAME=FILE.")],
    out: Annotated[Path, typer.Option(help="Folder of an evaluation; goes on if it was cut.")],
    variants: Annotated[
        str, typer.Option(help="Which, with commas between them; fp32 is always measured.")
    ] = "fp32,fp16,bf16,ct2-int8,gptq-int8,gptq-int4,torchao-int8,bnb-nf4",
    calibration: Annotated[
        Path | None,
        typer.Option(help="Problems with reference programs, not the benchmark's, for GPTQ."),
    ] = None,
    noise: Annotated[int, typer.Option(min=0, help="Seeds of noise of each variant's size.")] = 5,
    max_tokens: Annotated[int, typer.Option(min=1, help="Of one completion.")] = 512,
    prompt_form: FormName = None,
    python: Annotated[
        str | None,
        typer.Option(
            help="Of an environment with the libraries, as `make quantizers` makes; this one's, if"
            " not given."
        ),
    ] = None,
    slots: Annotated[int | None, typer.Option(min=1, help="Candidates at once.")] = None,
    threads: Annotated[int, typer.Option(min=0, help="Of torch; 0 leaves it to torch.")] = 0,
    as_json: Json = False,
) -> None:
    """Compare a model in fp32, fp16, bf16, 8 and 4 bits: size, time, pass@1, and why it differs."""
    from infra.contracts.prompting import PAPER
    from services.cli.console import PlainConsole
    from services.cli.local.evaluating import rich_table
    from services.evaluation.plan import named
    from services.evaluation.quantization.running import Study, Wanted
    from services.evaluation.quantization.tables import sections
    from services.evaluation.writing import write

    name, source = named(model)
    benchmark, path = named(problems)
    wanted = Wanted(
        name=name,
        model=source,
        benchmark=benchmark,
        problems=Path(path),
        variants=tuple(filter(None, variants.split(","))),
        calibration=calibration,
        noise=noise,
        max_tokens=max_tokens,
        form=prompt_form or PAPER,
        python=python or sys.executable,
        slots=slots,
        threads=threads,
    )
    study = Study(wanted, out, functools.partial(say, err=True)).run()
    write(out, [1])
    if as_json:
        print_json(study)
        return
    for section in sections([study]):
        for words in section.words:
            say(words)
        PlainConsole(soft_wrap=True).print(*(rich_table("", one) for one in section.tables))
    say(f"{out / 'report.html'} and report.md have it too")
