"""Samples a file of problems with no service running: `python -m sampler.generate`.

Writes one line for each completion, as `rrtf label` and `rrtf submit` take it. What is asked again
after it was cut off goes on behind the last completion that was written, and ends the same.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from infra import errors, importers, logs
from infra.contracts.base import JsonValue
from infra.contracts.problems import Problem
from infra.contracts.prompting import PAPER, PromptForm, Sampled, parse_form
from infra.kept import Kept, fingerprint
from infra.record_files import BadLine
from sampler.drawing import Decoding, derive_seed
from sampler.extraction import extract
from sampler.generation import Generated, LocalModel, Row
from sampler.in_process import version_of

log = logs.get(__name__)


def read_problems(path: Path) -> list[Problem]:
    """Read a file of problems.

    Raises:
        errors.InvalidInput: a line is none.
    """
    found = []
    for item in importers.read_problems(path):
        if isinstance(item, BadLine):
            raise errors.InvalidInput(f"{path}, line {item.number}: {item.reason}")
        found.append(item)
    return found


def run(given: argparse.Namespace) -> int:
    """Sample every problem; return how many completions were written.

    Raises:
        errors.SuiteError: a file or the model cannot be read, or a prompt is too long.
    """
    problems = read_problems(given.problems)
    model = LocalModel(given.model, given.device, given.prompt_form)
    rows, owners = [], []
    for problem in problems:
        prompt = model.encode(problem)
        for number in range(given.samples):
            rows.append(Row(prompt=prompt, seed=derive_seed(given.seed, problem.slug, number)))
            owners.append(problem)
    decoding = Decoding(
        temperature=given.temperature,
        top_p=given.top_p,
        max_tokens=given.max_tokens,
        stop=tuple(given.stop),
    )
    model.check_room(rows)
    version = version_of(given.model)
    asked = [given.model, version, model.form, decoding, given.batch_tokens, *rows]
    try:
        with Kept(given.out, fingerprint(asked)) as kept:
            for index, item in model.stream(rows, decoding, given.batch_tokens, kept):
                record = record_of(owners[index], model.form, rows[index], item) | {
                    "model": given.model,
                    "policy_version": version,
                }
                kept.add(index, record)
            kept.finish(len(rows))
    except OSError as error:
        raise errors.InvalidInput(f"cannot write {given.out}: {error}") from error
    return len(rows)


def record_of(
    problem: Problem, form: PromptForm, row: Row, item: Generated
) -> dict[str, JsonValue]:
    """Return a completion as `rrtf label` and `rrtf submit` take it, with the program in it."""
    sampled = Sampled(
        form=form, prompt_token_ids=row.prompt, token_ids=item.token_ids, logps=item.logps
    )
    return {
        "task_id": problem.slug,
        "author": "student",
        "program": extract(
            problem.prompt,
            item.text,
            problem.entry_point,
            problem.language,
            form,
            cut_off=item.finish_reason == "length",
        ).program,
        "completion": item.text,
        "finish_reason": item.finish_reason,
        "seed": row.seed,
        "num_tokens": len(item.token_ids),
        "sampled": sampled.model_dump(mode="json"),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, sample, write; return 1 when something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m sampler.generate", description=__doc__)
    parser.add_argument("--model", required=True, help="name or path of a causal model")
    parser.add_argument("--problems", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--prompt-form",
        type=parse_form,
        default=PAPER,
        help="for a model that records none of its own",
    )
    parser.add_argument("--samples", type=int, default=1, help="for each problem")
    parser.add_argument("--temperature", type=float, default=1.0, help="0 is greedy")
    parser.add_argument("--top-p", type=float, default=1.0)
    parser.add_argument("--max-tokens", type=int, default=1024)
    parser.add_argument("--stop", action="append", default=[], help="may be given several times")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch-tokens", type=int, default=32_768)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=0)
    given = parser.parse_args(arguments)
    logs.configure("sampler")
    if given.threads:
        torch.set_num_threads(given.threads)
    try:
        count = run(given)
    except errors.SuiteError as error:
        log.error("generate.stopped", code=error.code, reason=error.detail)
        return 1
    log.info("generate.done", completions=count, out=str(given.out))
    return 0


if __name__ == "__main__":
    sys.exit(main())
