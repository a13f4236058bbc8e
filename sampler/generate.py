"""Samples a file of problems with no service running: `python -m sampler.generate`.

Writes one line for each completion, as `rrtf label` and `rrtf submit` take it. What is asked again
after it was cut off goes on behind the last completion that was written, and ends the same.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence

import torch

from infra import errors
from infra.contracts.base import JsonValue
from infra.contracts.problems import Problem
from infra.contracts.prompting import PAPER, PromptForm, Sampled, parse_form
from infra.observability import logs
from infra.records import importers
from infra.records.kept import Kept, fingerprint
from sampler.draws import Decoding, derive_seed
from sampler.extraction.program import extract
from sampler.models.generation import Generated, LocalModel, Row
from sampler.models.in_process import version_of
from sampler.options import add_sampling

log = logs.get(__name__)


def run(given: argparse.Namespace) -> int:
    """Sample every problem; return how many completions were written.

    Raises:
        errors.SuiteError: a file or the model cannot be read, or a prompt is too long.
    """
    problems = importers.every_problem(given.problems)
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
    _check_room(model, {owner.slug: row for owner, row in zip(owners, rows, strict=True)})
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


def _check_room(model: LocalModel, rows: Mapping[str, Row]) -> None:
    """Refuse problems whose prompts the model cannot complete, and name all of them."""
    long = [
        f"{slug} ({len(row.prompt)})"
        for slug, row in rows.items()
        if not model.has_room(row.prompt)
    ]
    if long:
        raise errors.InvalidInput(
            f"the model completes prompts of 1 to {model.positions - 1} tokens, and those of"
            f" {len(long)} problems have others: {', '.join(long)}; leave these out (`without` in a"
            " plan), or take a model with more positions"
        )


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
    parser.add_argument(
        "--prompt-form",
        type=parse_form,
        default=PAPER,
        help="for a model that records none of its own",
    )
    add_sampling(parser)
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
