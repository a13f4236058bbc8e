"""The card of an exported data set: what it is, how it was made, what was left out."""

import hashlib
from pathlib import Path

from infra.contracts.views.api import RankedGroupView
from infra.printable import counted
from services.exports.features import as_yaml, kinds_of
from services.exports.shapes import Shape
from services.exports.wanted import LeftOut, Wanted

_FACTS = """the candidate's `id`, `author`, `model` and `checkpoint_id` (empty where it is not
known), its `label`, the `pass_fraction` of the tests and the `score` that follows from the two"""
_COLUMNS = {
    Shape.COMPLETION: f"""`completion` is the best text of a group, for `SFTTrainer`. Columns that
begin with `completion_` have {_FACTS}.""",
    Shape.PREFERENCE: f"""`chosen` did better in its tests than `rejected`, or as well and is a
teacher's: for `DPOTrainer` and `RewardTrainer`. `gap` is the difference of their scores, or the
tie bonus, and `margin` the same. Columns that begin with `chosen_` and `rejected_` have
{_FACTS}.""",
    Shape.RANKED: """It is a ranked group as `GET /v1/ranked-groups` lists it: all `responses` of a
prompt, best first, the `pairs` to learn, each (better, worse, gap) by places in `responses`, and
the place of the `best`. `python -m trainer.offline` trains on the file, and `rrtf submit` submits
its programs again.""",
    Shape.UNPAIRED: f"""`label` tells whether the `completion` passes every test, for `KTOTrainer`.
Columns that begin with `completion_` have {_FACTS}.""",
    Shape.PROMPT: """There is one row for each problem, for `GRPOTrainer`, whose reward function may
be `services.reward.reward`: it finds the tests by the column `problem`.""",
}
_NAMES = ("the `problem` and its `problem_id`", "the `problem_slug` and `problem_id`")
_CONTINUED = (
    "Texts go on from the prompt and do not say it again.",
    "A `program` is whole, a `completion` goes on from the prompt and does not say it again.",
)
_IMITATING = (Shape.COMPLETION, Shape.PREFERENCE)


def card(
    data: Path, rows: int, groups: int, shape: Shape, wanted: Wanted, left_out: LeftOut
) -> str:
    """Write the card of a data file."""
    digest = hashlib.sha256(data.read_bytes()).hexdigest()
    floor = f"Of what is to be imitated {wanted.floor()}.\n" if shape in _IMITATING else ""
    left = "\n".join(f"* {line}" for line in left_out.lines()) or "* nothing"
    return f"""---
configs:
- config_name: default
  data_files:
  - split: train
    path: data/{data.name}
{_features(shape)}task_categories:
- text-generation
tags:
- code
- execution-feedback
---

# Ranked programs, shape `{shape}`

{counted(rows, "row")} of {counted(groups, "ranked group")}. Every program was executed
against the tests of its problem in a sandbox; labels, worst to best,
are `compile_error`, `runtime_error`, `partial_pass` and `all_pass`, and scores follow from them and
from the share of tests passed.

Each row has the `prompt`, {_NAMES[shape is Shape.RANKED]}, the `group_id`, and the `policy` that
the group was made for. {_CONTINUED[shape is Shape.RANKED]}
{_COLUMNS[shape]}
{floor}
Filters: {wanted.filters()}.

{left}

SHA-256 of `data/{data.name}`: `{digest}`

    from datasets import load_dataset
    load_dataset("PATH_OF_THIS_FOLDER", split="train")

The programs are models' or people's, with whatever licence and faults those have.
"""


def _features(shape: Shape) -> str:
    """Return what of the header says the types, where some may be null."""
    if shape is not Shape.RANKED:
        return ""
    lines = as_yaml(kinds_of(RankedGroupView), "  ")
    return "\n".join(("dataset_info:", "  features:", *lines)) + "\n"
