"""Commands about models: make one, train one in rounds."""

import functools
import re
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from infra.contracts.base import Pairing
from infra.contracts.candidates import MAX_GROUP_CANDIDATES
from services.cli.terminal import (
    PAIRS,
    Json,
    checked_policy,
    explains,
    open_client,
    print_json,
    say,
)
from services.loop.round_plan import Mode, Plan, Teacher

app = typer.Typer()


@app.command()
@explains
def exercises(
    out: Annotated[Path, typer.Argument(help="Folder to write to.")],
    training: Annotated[int, typer.Option(help="Problems to train on.")] = 1000,
    held_out: Annotated[int, typer.Option(help="Problems to evaluate on.")] = 300,
    corpus: Annotated[int, typer.Option(help="Programs to pretrain a student on.")] = 0,
    seed: int = 0,
    as_json: Json = False,
) -> None:
    """Write small programming problems with tests, teachers' programs and a corpus."""
    from services.exercises import files
    from services.exercises.exercise import Split

    written: dict[str, Path] = {}
    if training:
        written["training"] = files.write_problems(out, Split.TRAINING, seed, training)
        written["teachers"] = out / files.TEACHERS
    if held_out:
        written["held_out"] = files.write_problems(out, Split.HELD_OUT, seed, held_out)
    if corpus:
        written["corpus"] = files.write_corpus(out, seed, corpus)
    if as_json:
        print_json({name: str(path) for name, path in written.items()})
    else:
        for path in written.values():
            say(path)


@app.command()
@explains
def student(
    out: Annotated[Path, typer.Argument(help="Folder to write to.")],
    seed: Annotated[int | None, typer.Option(help="Make another from nothing, by it.")] = None,
    threads: Annotated[int, typer.Option(min=1, help="Of torch.")] = 1,
    as_json: Json = False,
) -> None:
    """Write a small student, for machines without a model: the kept one, or one made anew."""
    from services.exercises.student import kept_student, make_student

    made = kept_student(out) if seed is None else make_student(out, seed, threads)
    if as_json:
        print_json({"student": str(made)})
    else:
        say(made)


def _teacher(text: str) -> Teacher:
    found = re.fullmatch(r"([^:]+)(?::([0-9]{1,4}))?", text)
    count = int(found[2] or 1) if found else 0
    if found is None or not 0 < count <= MAX_GROUP_CANDIDATES:
        raise typer.BadParameter(f"{text!r} is no name, or name and count, of a teacher")
    return Teacher(found[1], count)


def _planned(cards: str | None) -> None:
    if cards:
        from services.cli.suite.environments import passed_on

        # Models are the trainer's to load; nothing here does.
        command = [sys.executable, "-m", "trainer", "--plan", cards]
        done = subprocess.run(command, env=passed_on("trainer"), check=False)
        raise typer.Exit(done.returncode)


@app.command()
@explains
def train(
    problems: Annotated[Path, typer.Option(help="Problems to train on.")],
    held_out: Annotated[Path, typer.Option(help="Problems to evaluate on.")],
    out: Annotated[Path, typer.Option(help="Folder for the record and the best checkpoint.")],
    teachers: Annotated[
        Path | None, typer.Option(help="Programs for them that teachers have written.")
    ] = None,
    teacher: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[:COUNT]",
            help="Model server to ask for so many programs for each problem, one if not said;"
            " may be given several times.",
        ),
    ] = None,
    teacher_tokens: Annotated[int, typer.Option(min=1, help="Of one such program.")] = 1024,
    policy_endpoint: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Model server that serves the policy and is brought to each checkpoint;"
            " without one, the sampler loads the policy itself.",
        ),
    ] = None,
    pairs: Annotated[
        Pairing | None,
        typer.Option(help=PAIRS + " Without any teacher, `all`."),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1)] = 1,
    mode: Annotated[Mode, typer.Option(help="Which policy writes the candidates.")] = (
        Mode.ITERATIVE
    ),
    policy: Annotated[str, typer.Option(callback=checked_policy)] = "default",
    per_round: Annotated[int, typer.Option(min=0, help="Problems of a round; 0 for all.")] = 0,
    samples: Annotated[int, typer.Option(min=1, help="Of the student, for each problem.")] = 8,
    temperature: Annotated[float, typer.Option(help="Of the samples.")] = 1.0,
    max_tokens: Annotated[int, typer.Option(help="Of one completion.")] = 512,
    patience: Annotated[
        int, typer.Option(min=0, help="Rounds without a better one, then stop; 0 for never.")
    ] = 0,
    seed: int = 0,
    plan_for: Annotated[
        str | None,
        typer.Option(
            "--plan",
            metavar="CARDS",
            help="Say what training RRTF_TRAINER_MODEL takes of each card, and stop: `here`, or as"
            " in `8x80`, eight GPUs of 80 GiB.",
            is_eager=True,
            callback=_planned,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Run rounds: sample, execute, rank, train, evaluate; keep the best checkpoint."""
    from services.cli.stored.training import record, train_rounds

    asked = tuple(_teacher(text) for text in teacher or ())
    if teachers is None and not asked:
        if pairs is Pairing.TEACHER:
            raise typer.BadParameter("without a teacher there are no pairs but with --pairs all")
        pairs = Pairing.ALL
    plan = Plan(
        policy=policy,
        policy_endpoint=policy_endpoint,
        teachers=asked,
        teacher_tokens=teacher_tokens,
        pairs=pairs,
        rounds=rounds,
        mode=mode,
        problems_per_round=per_round,
        samples=samples,
        temperature=temperature,
        max_tokens=max_tokens,
        patience=patience,
        seed=seed,
    )
    with open_client() as client:
        tell = functools.partial(say, err=as_json)
        done = train_rounds(client, plan, problems, teachers, held_out, out, tell)
    if as_json:
        print_json({"rounds": [record(one) for one in done]})
