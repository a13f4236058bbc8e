"""From raw completions to programs."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.extraction.program import ExtractionMethod, extract
from services.starter import load

PROMPT = 'from typing import List\n\n\ndef f(x):\n    """Add one."""\n'
BODY = "    return x + 1\n"
WHOLE = "def f(x):\n    return x + 1\n"


def result_of(program):
    namespace = {}
    exec(compile(program, "p", "exec"), namespace)  # noqa: S102 - programs of this file
    return namespace["f"](1)


@pytest.mark.parametrize(
    ("completion", "method"),
    [
        (BODY, ExtractionMethod.CONTINUATION),
        ("return x + 1\n", ExtractionMethod.CONTINUATION),
        (BODY + "\n\nprint(f(3)\n", ExtractionMethod.CONTINUATION),
        (BODY + "\n\n# Test\nassert f(1) ==", ExtractionMethod.CONTINUATION),
        ("y = x\n    return y + 1\n", ExtractionMethod.CONTINUATION),
        (BODY.replace("\n", "\r\n"), ExtractionMethod.CONTINUATION),
        (f"```python\n{WHOLE}```", ExtractionMethod.FENCED),
        (f"Sure!\n\n```\n{WHOLE}```\nIt adds one.", ExtractionMethod.FENCED),
        (f"~~~py\n{WHOLE}~~~", ExtractionMethod.FENCED),
        (f"```python\n{WHOLE}", ExtractionMethod.FENCED),
        (f"```python\nprint('hi')\n```\nthen\n```python\n{WHOLE}```", ExtractionMethod.FENCED),
        (
            "```python\ndef g(x):\n    return x + 1\n```\nand\n"
            "```python\ndef f(x):\n    return g(x)\n```",
            ExtractionMethod.FENCED,
        ),
        (f"```python\ndef f(x):\n    return 0\n```\nbetter:\n```python\n{WHOLE}```", "fenced"),
        (f"   ```python\n   {WHOLE.replace(chr(10), chr(10) + '   ')}\n   ```", "fenced"),
        (f"```\n{BODY}```", ExtractionMethod.FENCED),
        ("```\n>>> def f(x):\n...     return x + 1\n```", ExtractionMethod.FENCED),
        (WHOLE, ExtractionMethod.WHOLE),
        (f"Here is the program:\n\n{WHOLE}\nHope it helps!", ExtractionMethod.CHAT),
        (f"{WHOLE}<|im_end|>", ExtractionMethod.WHOLE),
        (WHOLE + "\nif __name__ == '__main__':\n    print(f(2))\n", ExtractionMethod.WHOLE),
    ],
)
def test_the_program_is_found(completion, method):
    extraction = extract(PROMPT, completion, "f")

    assert extraction.method == method
    if "return g(x)" in completion:
        # The last block alone defines f; its helper is in the block before.
        assert extraction.program.rstrip().endswith("return g(x)")
    else:
        assert result_of(extraction.program) == 2


def test_imports_of_the_prompt_are_kept_when_the_model_repeats_only_the_function():
    completion = "```python\ndef f(x: List) -> int:\n    return x + 1\n```"

    assert result_of(extract(PROMPT, completion, "f").program) == 2


@pytest.mark.parametrize(
    "completion",
    [
        "```python\ndef f(x)\n    return x + 1\n```",
        "def f(x):\n    return (x +",
        "```\ndef f(x):\n",
    ],
)
def test_a_program_that_does_not_compile_is_not_mended(completion):
    with pytest.raises(SyntaxError):
        compile(extract(PROMPT, completion, "f").program, "p", "exec")


def test_starter_programs_come_out_of_chat_as_they_went_in():
    prompts = {problem.slug: problem for problem in load.problems()}
    for candidate in load.candidates():
        problem = prompts[candidate.task_id]
        text = f"Of course.\n\n```python\n{candidate.program}```\n\nThat is all."

        program = extract(problem.prompt, text, problem.entry_point).program

        assert program == candidate.program, candidate.task_id


@given(st.text(st.characters(codec=None), max_size=300), st.sampled_from([None, "f"]))
def test_no_text_makes_it_fail_and_the_answer_is_always_the_same(text, name):
    first = extract(PROMPT, text, name)

    assert first == extract(PROMPT, text, name)
    assert isinstance(first.program, str)


@pytest.mark.parametrize(
    "text", ["`" * 100_000, "```\n" * 30_000, " " * 100_000, "(" * 100_000, "def f(\n" * 20_000]
)
def test_long_nonsense_takes_a_moment_only(text):
    began = time.monotonic()

    assert extract(PROMPT, text, "f").program is not None
    assert time.monotonic() - began < 30
