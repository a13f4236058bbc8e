"""The ways in which a task is made harder, and how a teacher is asked for it: pure.

The five ways are those published for code by WizardCoder (arXiv 2306.08568), in words of our own;
the frame follows PanGu-Coder2 (arXiv 2307.14936, section 3.3): in depth only, of similar
length, for one function.
"""

import hashlib
import re
from typing import NamedTuple

from infra.prompting.wording import Message

_OPEN, _CLOSE = "<task>", "</task>"
_SYSTEM = "You set the tasks of a programming contest."
_FRAME = """\
Here is a programming task:

<old>
{task}
</old>

Make a harder task of it. {way}

The harder task
- can be understood and solved by somebody who has never seen the old one;
- is solved by one Python function that returns its answer, needs the standard library alone, and \
always answers the same to the same arguments;
- names that function with its parameters in a line of the form `def name(first, second):`;
- keeps whatever code, table or example of the old one it still needs;
- is about as long as the old one, and never longer than {words} words.

Write it between {open} and {close}, and nothing else."""


class Operator(NamedTuple):
    """One way to make a task harder."""

    name: str
    weight: int
    """How often it is chosen, relative to the others."""
    way: str
    """What the teacher is told."""


OPERATORS = (
    Operator(
        "constrain",
        3,
        "Add one more condition or requirement to it, in about ten words.",
    ),
    Operator(
        "specialise",
        3,
        "Replace one of its ordinary requirements by one that is met less often and says more"
        " exactly what is wanted.",
    ),
    Operator(
        "lengthen_reasoning",
        3,
        "If a few simple steps of thought solve it, change it so that more of them are needed.",
    ),
    Operator(
        "mislead",
        3,
        "Show a short piece of code that looks like a solution and is wrong, to lead solvers"
        " astray; say that it is wrong without saying where.",
    ),
    Operator(
        "tighten",
        1,
        "Ask for a solution with a lower bound on time or memory than the obvious one needs.",
    ),
)


def choose(seed: int, name: str, round_number: int) -> Operator:
    """Choose the operator for one task in one round; the same arguments choose the same."""
    digest = hashlib.sha256(f"{seed} {round_number} {name}".encode()).digest()
    place = int.from_bytes(digest[:8], "big") % sum(one.weight for one in OPERATORS)
    for operator in OPERATORS:
        place -= operator.weight
        if place < 0:
            return operator
    raise AssertionError("the weights sum up to more than any place")


def ask_to_evolve(task: str, operator: Operator, most_words: int) -> tuple[Message, ...]:
    """Ask for a harder task."""
    text = _FRAME.format(task=task, way=operator.way, words=most_words, open=_OPEN, close=_CLOSE)
    return (Message(role="system", content=_SYSTEM), Message(role="user", content=text))


def read_task(completion: str) -> str:
    """Return the task of an answer, or an empty text where it has none."""
    start = completion.rfind(_OPEN)
    if start < 0:
        return ""
    body = completion[start + len(_OPEN) :]
    return body.partition(_CLOSE)[0].strip()


def signature_of(task: str) -> str | None:
    """Return the name of the last function whose first line the task shows."""
    found = re.findall(r"^[ \t>`]*def ([A-Za-z_][A-Za-z0-9_]*)\s*\(", task, re.MULTILINE)
    found = found or re.findall(r"`def ([A-Za-z_][A-Za-z0-9_]*)\s*\(", task)
    return found[-1] if found else None
