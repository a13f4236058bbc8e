"""Makes and measures variants of a model: `python -m sampler.quantization`."""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import torch

from infra import errors
from infra.contracts.problems import Problem
from infra.contracts.prompting import PAPER, PromptForm, parse_form
from infra.observability import logs
from infra.prompting.encoding import prompt_ids
from infra.prompting.stored import form_of
from infra.prompting.wording import answer_of
from infra.records import importers
from sampler.draws import Decoding
from sampler.generate import record_of
from sampler.models.generation import Generated, LocalModel, Row
from sampler.quantization.clock import TURNS, as_json, in_turns
from sampler.quantization.making import MODEL, OFF, make
from sampler.quantization.measuring import (
    Chosen,
    decisions,
    give_back_memory,
    perplexity,
    resident_bytes,
    shifts,
    stored_bytes,
)
from sampler.quantization.noise import noisy
from sampler.quantization.running import OfTorch, Runner, opened
from sampler.quantization.variants import FULL, VARIANTS, Variant

log = logs.get(__name__)

_CALIBRATED_ON: Final = 128
"""Most texts."""
DECISIONS: Final = "decisions.jsonl"
"""File of the variant in fp32: the margins of all it has chosen."""
MEASURED: Final = "measured.json"
"""File of a variant that holds its numbers; there, once all is."""


def _make(given: argparse.Namespace) -> None:
    variant = VARIANTS[given.variant]
    if not (given.folder / OFF).exists():
        make(variant, given.model, given.folder, _texts(given) if given.calibration else [])


def _texts(given: argparse.Namespace) -> list[list[int]]:
    """Return problems with their reference programs, as a model is shown and answers them."""
    tokenizer, form = _shown(given)
    found = []
    for problem in importers.every_problem(given.calibration)[:_CALIBRATED_ON]:
        ids = prompt_ids(form, tokenizer, problem)
        if problem.reference_program is not None:
            text = answer_of(form, problem, problem.reference_program)
            ids += tokenizer.encode(text, add_special_tokens=False)
        found.append(ids)
    return found


def _shown(given: argparse.Namespace) -> tuple[Any, PromptForm]:
    """Return the tokenizer of the model, and how it is shown problems."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(given.model), form_of(given.model, given.prompt_form)


def _measure(given: argparse.Namespace) -> None:
    variant = VARIANTS[given.variant]
    problems = importers.every_problem(given.problems)
    runner, memory = _opened(variant, given, problems[0])
    prompts = [prompt_ids(runner.form, runner.tokenizer, problem) for problem in problems]
    written = runner.complete(prompts, _decoding(given))
    found = {
        "disk_bytes": stored_bytes(given.folder / MODEL),
        "memory_bytes": memory,
        "threads": torch.get_num_threads(),
        "perplexity": perplexity(runner, problems),
        "versions": _versions(),
    }
    if variant.name == FULL:
        slugs = [problem.slug for problem in problems]
        rows = [one.model_dump() for one in decisions(runner, slugs, prompts, written)]
        _write(given.folder / DECISIONS, rows)
    lines = given.decisions.read_text("utf-8").splitlines()
    found["shifts"] = shifts(runner, [Chosen.model_validate_json(line) for line in lines])
    _write(given.out, _records(problems, runner, prompts, written))
    _write_json(given.folder / MEASURED, found)


def _opened(variant: Variant, given: argparse.Namespace, problem: Problem) -> tuple[Runner, int]:
    """Load a variant and use it once; return it, and the memory that this took, in bytes.

    It was loaded and given back before: a library's own code may be larger than a small model.
    """

    def used() -> Runner:
        runner = opened(variant, given.model, given.folder, given.prompt_form)
        runner.write([prompt_ids(runner.form, runner.tokenizer, problem)], 1)
        return runner

    used()
    give_back_memory()
    before = resident_bytes()
    return used(), resident_bytes() - before


def _clock(given: argparse.Namespace) -> None:
    problems = importers.every_problem(given.problems)
    tokenizer, form = _shown(given)
    prompts = [prompt_ids(form, tokenizer, problem) for problem in problems]

    def load(name: str) -> Runner:
        variant = VARIANTS[name]
        return opened(variant, given.model, given.folder / name, given.prompt_form)

    times = list(in_turns(given.variants.split(","), load, prompts, given.turns))
    _write_json(given.out, as_json(times))


def _noise(given: argparse.Namespace) -> None:
    problems = importers.every_problem(given.problems)
    off = json.loads((given.folder / OFF).read_text())
    local = LocalModel(given.model, "cpu", given.prompt_form)
    runner = OfTorch(given.model, local.model, given.prompt_form)
    prompts = [local.encode(problem) for problem in problems]
    for seed in range(given.seeds):
        out = given.out / f"{seed}.jsonl"
        if out.exists():
            continue
        with noisy(local.model, off, seed):
            written = runner.complete(prompts, _decoding(given))
        _write(out, _records(problems, runner, prompts, written))


def _decoding(given: argparse.Namespace) -> Decoding:
    return Decoding(temperature=0.0, max_tokens=given.max_tokens, stop=tuple(given.stop))


def _records(
    problems: Sequence[Problem],
    runner: Runner,
    prompts: Sequence[Sequence[int]],
    written: Sequence[Generated],
) -> Iterable[Mapping[str, Any]]:
    for problem, prompt, item in zip(problems, prompts, written, strict=True):
        yield record_of(problem, runner.form, Row(prompt=tuple(prompt), seed=0), item)


def _write(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    whole = path.with_name(path.name + ".whole")
    whole.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    whole.replace(path)


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    whole = path.with_name(path.name + ".whole")
    whole.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
    whole.replace(path)


def _versions() -> dict[str, str]:
    found = {}
    for name in ("torch", "transformers", "ctranslate2", "gptqmodel", "torchao", "bitsandbytes"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


_STEPS: Final[dict[str, Callable[[argparse.Namespace], None]]] = {
    "make": _make,
    "measure": _measure,
    "clock": _clock,
    "noise": _noise,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Do one step; return 1 when something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m sampler.quantization", description=__doc__)
    parser.add_argument("step", choices=_STEPS)
    parser.add_argument("--variant", choices=VARIANTS)
    parser.add_argument("--variants", help="whose time is taken, with commas between them")
    parser.add_argument("--turns", type=int, default=TURNS, help="of the clock")
    parser.add_argument("--model", help="name or path of a causal model")
    parser.add_argument("--folder", type=Path, help="of the variant; of the clock, above them")
    parser.add_argument("--problems", type=Path)
    parser.add_argument("--calibration", type=Path, help="problems that rounding is calibrated on")
    parser.add_argument("--decisions", type=Path, help="what the variant in fp32 has chosen")
    parser.add_argument("--out", type=Path, help="file of completions; of noise, their folder")
    parser.add_argument("--seeds", type=int, default=0, help="of noise")
    parser.add_argument("--prompt-form", type=parse_form, default=PAPER)
    parser.add_argument("--max-tokens", type=int, default=512)
    parser.add_argument("--stop", action="append", default=[])
    parser.add_argument("--threads", type=int, default=0)
    given = parser.parse_args(arguments)
    logs.configure("sampler")
    if given.threads:
        torch.set_num_threads(given.threads)
    try:
        _STEPS[given.step](given)
    except errors.SuiteError as error:
        log.error("quantization.stopped", step=given.step, code=error.code, reason=error.detail)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
