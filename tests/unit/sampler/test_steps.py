"""Which programs say their steps in comments."""

import pytest

from infra.prompting.wording import Message
from sampler.evolution.steps import ask_for_steps, says_steps

TOLD = """\
def f(values):
    \"\"\"Add up.\"\"\"
    # Begin with nothing.
    total = 0
    # Add each of them.
    for value in values:
        total += value
    return total
"""


@pytest.mark.parametrize(
    ("program", "says"),
    [
        (TOLD, True),
        (TOLD.replace("    # Begin with nothing.\n", ""), False),  # One of three statements.
        (TOLD.replace("# Add each of them.", "# ---"), False),
        (
            TOLD.replace("    # Begin with nothing.\n    total = 0", "    total = 0  # Begin."),
            False,
        ),
        (TOLD.replace("def f", "async def f"), True),
        (TOLD.replace("def f", "def other"), False),
        (TOLD.replace("for", "fro"), False),
        ("def f(x):\n    # It is x itself.\n    return x\n", True),
        ("def f(x):\n    return '# no comment'\n", False),
        ("# Above the function.\ndef f(x):\n    return x\n", False),
        ("class f:\n    def g(self):\n        # Say so.\n        return 1\n", True),
        ("f = 1  # nothing\n", False),
        ("", False),
    ],
)
def test_half_the_statements_of_the_function_have_a_comment_above(program, says):
    assert says_steps(program, "f") is says


def test_steps_are_asked_for_behind_what_was_asked():
    asked = (Message(role="system", content="s"), Message(role="user", content="Write `f`."))

    system, user = ask_for_steps(asked)

    assert system == asked[0]
    assert user.content.startswith("Write `f`.\n\n")
    assert "comment" in user.content
