"""However a text is made, extraction does a bounded amount of work on it."""

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.contracts.base import Language
from sampler.extraction.program import extract

PROMPT = 'from typing import List\n\n\ndef f(x):\n    """Add one."""\n'


class _Meter:
    """Counts what is compiled, while it is switched on; audit hooks cannot be taken out."""

    on = False
    characters = 0


def _count(event, arguments):
    if _Meter.on and event == "compile" and arguments[0] is not None:
        _Meter.characters += len(arguments[0])


sys.addaudithook(_count)


def characters_parsed(prompt, text, name):
    _Meter.on, _Meter.characters = True, 0
    try:
        extract(prompt, text, name)
    finally:
        _Meter.on = False
    return _Meter.characters


N = 60_000
HOSTILE = {
    "backticks": "`" * N,
    "tildes": "~" * N + "`",
    "fence and blanks": "``` " + " " * N + "`",
    "fences": "```\n" * (N // 4),
    "python fences": "```python\nx=1\n```\n" * (N // 18),
    "open python fences": "```python\ndef f(x): return g(x)\n" * (N // 40),
    "definitions": "def f(x):\n    return 1\n" * 1_333,
    "broken definitions": "def f(\n" * (N // 7),
    "chained helpers": "".join(
        f"Prose.\ndef g{n}(x):\n    return g{n + 1}(x)\n" for n in range(666)
    )
    + "Prose.\ndef f(x):\n    return g0(x)\n",
    "parentheses": "(" * 33_000,
    "minus signs": "-" * 33_000 + "1",
    "sums": "a+" * 16_333 + "a",
    "attributes": "a" + ".b" * 16_333,
    "calls": "f" + "(x)" * 10_000,
    "branches": "if x:\n    pass\n" + "elif x:\n    pass\n" * 1_666,
    "tokens": "<|a|>" * (N // 5),
    "token and blanks": "<|a|>" + " " * N + "x",
    "end tokens": "<|endoftext|>" * (N // 13),
    "thoughts": "</think>\n" * (N // 9),
    "begun thoughts": "```\n<think>\n" * (N // 12),
    "marks": "<think>```\n</think>\n" * (N // 20),
    "lists of names": "a" + " , a" * (N // 4),
    "subscripts": "a[" * (N // 2),
    "annotations": "a: b[" + "] " * (N // 2),
    "lines": "\n" * N,
    "blanks": " " * N,
    "transcript": ">>> x\n" * (N // 6),
    "bad tail": "    return 1\n" + "x = (\n" * 5_333,
    "bad tails": "    return 1\n" + "x = 1\ny = )\n" * 2_666,
    "digits": "9" * 30_000,
    "lambdas": "lambda:" * 3_333 + "1",
    "deep indentation": "".join(" " * i + "if x:\n" for i in range(300)),
    "nested f-strings": 'f"{' * 500,
    "semicolons": "x;" * (N // 2),
    "NUL": "\x00" * N,
    "half pairs": "\ud800" * N,
}


@pytest.mark.parametrize("name", ["f", None])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_parsed_a_bounded_number_of_times(text, name):
    assert characters_parsed(PROMPT, text, name) <= 40 * max(len(text), 1_000)


@pytest.mark.slow
@pytest.mark.parametrize("language", [Language.PYTHON, Language.C, Language.BASH], ids=str)
def test_the_longest_text_that_is_accepted_goes_through(language):
    for text in (
        "x" * 1_000_000,
        "main (" * 160_000,
        "; " * 500_000,
        "```c\n" * 200_000,
        "<think>" * 140_000,
        "a </think>" * 100_000,
        "<think></think>" * 66_000,
    ):
        assert extract(PROMPT, text, "f", language).program is not None


_LINES = st.sampled_from(
    ["Prose.", "```", "```python", "   ", "~~~", "def f(x):", "def g(x):", "    return g(x)", "",
     "    return 1", "x = (", ")", "class f:", "import os", ">>> f(1)", "... y", "<|im_end|>",
     "print(f(1))", "\t", "if __name__ == '__main__':", "@f", "'''", "\ud800", "\x00",
     "from __future__ import x"]
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(_LINES, max_size=60), st.sampled_from(["f", "f.g", "h", None]))
def test_any_mixture_of_lines_is_parsed_a_bounded_number_of_times(lines, name):
    text = "\n".join(lines)

    assert characters_parsed(PROMPT, text, name) <= 70 * (len(text) + len(PROMPT) + 100)
