"""What a completion adds to its prompt."""

from typing import Any, NamedTuple

import pytest

from infra.composing import Frame, composed, continuation

PROMPT = '\n\ndef f(x):\n    """Return x."""\n'
BODY = "    return x\n"


class Asked(NamedTuple):
    prompt: str = PROMPT
    metadata: dict[str, Any] = {}  # noqa: RUF012 - nobody changes it


BETWEEN = Asked(metadata=Frame(before=PROMPT, after="\nprint(f(1))\n").metadata())


@pytest.mark.parametrize(
    ("asked", "program", "completion", "text"),
    [
        (Asked(), PROMPT + BODY, None, BODY),
        (Asked(), PROMPT.lstrip() + BODY, None, BODY),
        (Asked(), PROMPT + BODY, BODY, BODY),
        (BETWEEN, PROMPT + BODY + "\nprint(f(1))\n", BODY, BODY),
        # Taken out of an answer that says more, or that says the prompt again.
        (Asked(), PROMPT + BODY, f"So:\n```python\n{PROMPT}{BODY}```", BODY),
        (Asked(), PROMPT * 2 + BODY, PROMPT + BODY, BODY),
        # What does not go on from the prompt is a program of its own.
        (Asked(), "def f(x): return x\n", None, "def f(x): return x\n"),
        (Asked("Write f.\n"), f"# Write f. Now\n{BODY}", None, f"# Write f. Now\n{BODY}"),
        (Asked("f = "), "f =\\\n 1", None, "f =\\\n 1"),
        (Asked(""), " x", None, " x"),
        (Asked(), PROMPT, None, ""),
    ],
)
def test_a_text_goes_on_from_the_prompt_and_does_not_say_it_again(asked, program, completion, text):
    assert continuation(asked, program, completion) == text


def test_what_goes_on_from_a_prompt_makes_the_program_again():
    text = continuation(BETWEEN, composed(BETWEEN, BODY), BODY)

    assert composed(BETWEEN, text) == composed(BETWEEN, BODY)
