"""Recorded programs that pass, dressed up as completions, still pass once they are extracted."""

import ast
import itertools

import pytest

from executor import Overrides, label
from infra.contracts.base import Label
from infra.records import importers
from sampler.extraction import syntax
from sampler.extraction.program import extract

FEWEST = 0.99
EVERY = 101
"""One program in so many of the record; `make bench-extraction` takes all of them."""


def completions_of(program: str, prompt: str):
    """The same program in the forms in which models write one; the record keeps only programs."""
    body = program.removeprefix(prompt)
    yield "fenced", f"Sure!\n```python\n{program}\n```\nDone, this works."
    yield "fenced without a name", f"```\n{program}\n```"
    yield "never closed", f"Here you go.\n\n```python\n{program}"
    yield "in prose", f"Here it is:\n\n{program}\n\nThis function works as described."
    yield "whole", program
    yield "with a main block", f'{program}\n\nif __name__ == "__main__":\n    print("done")\n'
    draft = f"```python\n{prompt}    pass\n```"
    yield "after a draft", f"First:\n{draft}\nNow rightly:\n```python\n{program}\n```\nThat is it."
    yield "behind a thought", f"<think>\nPerhaps\n{draft}\n</think>```python\n{program}\n```"
    yield "thought in the prompt", f"Perhaps\n{draft}\nNo. </think>{program}"
    yield "continued", body
    yield "continued too far", f'{body}\n\n\ndef another_thing(x, y):\n    """Do\n'
    yield "continued and closed", f"{body}\n```\n\nThis works because it is right.\n"
    if body.startswith("    "):
        yield "continued without its first blanks", body[4:]


def shape(program: str) -> str | None:
    tree = syntax.tree_of(program)
    return None if tree is None else ast.dump(tree)


@pytest.mark.slow
@pytest.mark.data
def test_99_of_100_recorded_completions_that_pass_by_hand_pass_when_extracted(data_dir):
    problems = {one.slug: one for one in importers.read_problems(data_dir / "HumanEval.jsonl.gz")}
    records = importers.read_records(data_dir / "humaneval_candidates.jsonl.gz")
    chosen = itertools.islice((one for _, one in records), None, None, EVERY)
    by_hand = label(problems.values(), chosen, overrides=Overrides(cpu_seconds=1))
    passing = [one.record for one in by_hand if one.verdict.label is Label.ALL_PASS]

    same, changed = 0, {}
    for record in passing:
        problem = problems[record["task_id"]]
        for form, text in completions_of(record["program"], problem.prompt):
            program = extract(problem.prompt, text, problem.entry_point).program
            if shape(program) == shape(record["program"]):
                same += 1  # The same program, and so the same label.
            else:
                changed.setdefault((problem.slug, program), []).append((form, record["model"]))
    inputs = [{"task_id": slug, "program": program} for slug, program in changed]
    lost = []
    for (key, forms), found in zip(changed.items(), label(problems.values(), inputs), strict=True):
        if found.verdict.label is Label.ALL_PASS:
            same += len(forms)
        else:
            lost += [(key[0], *form) for form in forms]

    assert len(passing) > 9
    assert same / (same + len(lost)) >= FEWEST, lost
