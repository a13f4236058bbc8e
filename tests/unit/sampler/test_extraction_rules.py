"""One test for every rule of extraction beyond the plain forms."""

import pytest

from sampler.extraction.program import ExtractionMethod, extract

PROMPT = 'from typing import List\n\n\ndef f(x):\n    """Add one."""\n'
BODY = "    return x + 1\n"
WHOLE = "def f(x):\n    return x + 1\n"


def program_of(completion, prompt=PROMPT, name="f"):
    return extract(prompt, completion, name).program


def value_of(program, call="f(1)"):
    namespace = {"__name__": "candidate"}
    exec(compile(program, "p", "exec"), namespace)  # noqa: S102 - programs of this file
    return eval(call, namespace)  # noqa: S307 - the same


@pytest.mark.parametrize(
    "completion",
    [
        pytest.param(f"<think>\n```\ndef f(x): return 0\n```\n</think>\n{WHOLE}", id="thought"),
        pytest.param(f"def f(x): return 0\n</think>\n\n```\n{WHOLE}```", id="thought, no start"),
        pytest.param(f"{BODY}<|endoftext|>def f(x):\n    return 0\n", id="another text"),
        pytest.param(f"<|im_start|>\n{WHOLE}<|im_end|>\n<|im_start|>user\n", id="another turn"),
        pytest.param(f"{WHOLE}</s>", id="end token"),
        pytest.param(f"{BODY}```\nThis adds one.\n", id="body closed by a fence"),
        pytest.param(f"{BODY}\ndef f(x):\n    return 0\n", id="begun over again"),
        pytest.param(f"```python\n{WHOLE}```python\nprint(f(1))\n```", id="fence left open"),
        pytest.param(f"```python\n{WHOLE.rstrip()}```", id="fence glued to the code"),
        pytest.param(f"```bash\npip install x\n```\n```python\n{WHOLE}```", id="shell command"),
        pytest.param(f"```\n{WHOLE}```\nOutput:\n```\n2\n```", id="output"),
        pytest.param(f"1. Do it:\n   ```python\n   {WHOLE}   ```", id="fence in a list"),
        pytest.param(f"Some prose.\n{WHOLE}More prose\nof two lines.", id="prose around"),
        pytest.param(f"Prose.\n{WHOLE}\nprint(f(1))\nThis prints 2.", id="usage and prose"),
        pytest.param("Of course:\n\n" + BODY, id="chat and then the body"),
        pytest.param(WHOLE + "print(f(None))\n", id="usage that fails"),
        pytest.param(WHOLE + "assert f(1) == 3\n", id="assert that fails"),
        pytest.param(WHOLE + "for i in range(3):\n    print(f(i), g(i))\n", id="loop of usage"),
        pytest.param(WHOLE + "if __name__ == '__main__':\n    print(f(None))\n", id="main"),
        pytest.param(WHOLE + "if __name__ == '__main__':\n    print(f(", id="main cut off"),
        pytest.param(f"```python\n{WHOLE}\nprint(f(", id="usage cut off"),
        pytest.param(BODY + "\nclass Other:\n    def g(self", id="cut off after the body"),
        pytest.param("    y = x + 1\n\n\n    return y\n# done\nx = (\n", id="cut off later"),
        pytest.param("try:\n    import no_such_module\nexcept ImportError:\n    def f(x):\n"
                     "        return x + 1\n", id="defined in a branch"),
        pytest.param("f = lambda x: x + 1\n", id="assigned"),
        pytest.param("import functools\n\n@functools.cache\ndef f(x):\n    return x + 1\n",
                     id="decorated"),
    ],
)  # fmt: skip
def test_the_right_program_is_chosen(completion):
    assert value_of(program_of(completion)) == 2


def test_a_token_of_some_chat_format_inside_a_string_stays():
    program = 'def f(x):\n    return "<|endoftext|>"\n'

    assert program_of(program) == program
    assert value_of(program_of(f"```python\n{program}```")) == "<|endoftext|>"


def test_a_body_indented_by_tabs_or_two_blanks_is_read_as_it_is():
    for margin in ("\t", "  "):
        prompt = f'def f(x):\n{margin}"""Add one."""\n'

        assert value_of(program_of(f"{margin}return x + 1\n", prompt)) == 2
        assert value_of(program_of("return x + 1\n", prompt)) == 2


def test_the_method_of_a_class_is_continued_at_its_own_depth():
    prompt = "class Adder:\n    def add(self, x):\n"

    for body in ("        return x + 1\n", "return x + 1\n"):
        program = program_of(body, prompt, "Adder.add")
        assert value_of(program, "Adder().add(1)") == 2


def test_what_the_prompt_defines_is_given_to_a_program_that_repeats_only_its_function():
    prompt = "import math\nLIMIT = 3\n\ndef helper(x):\n    return math.floor(x)\n\n" + PROMPT
    program = program_of("```python\ndef f(x):\n    return helper(x) + LIMIT\n```", prompt)

    assert value_of(program, "f(1.5)") == 4


def test_what_stands_in_a_block_of_code_in_the_prompt_is_given_too():
    head = "Sum the list.\n```\nx = [1, 2]\n```\nBegin with this:\n\n"
    code = "from typing import List\n\nclass Adder:\n    def add(self, x: List[int]) -> int:\n"
    answer = "class Adder:\n    def add(self, x: List[int]) -> int:\n        return sum(x)"
    program = program_of(
        f"So:\n```python\n{answer}\n```", f"{head}```python\n{code}```\n", "Adder.add"
    )

    assert value_of(program, "Adder().add([1, 2])") == 3


def test_a_function_of_its_own_is_not_replaced_by_the_one_of_the_prompt():
    prompt = "def helper(x):\n    return 0\n\n" + PROMPT
    program = program_of(
        "```python\ndef helper(x):\n    return x + 1\n\ndef f(x):\n    return helper(x)\n```",
        prompt,
    )

    assert value_of(program) == 2


def test_imports_of_the_future_stay_first():
    program = program_of("from __future__ import annotations\ndef f(x: List): return x + 1\n")

    assert program.startswith("from __future__")
    assert value_of(program) == 2


def test_helpers_are_taken_from_blocks_before_and_after_but_no_other_version_of_them():
    completion = (
        "```python\ndef g(x):\n    return 0\n```\nFirst I was wrong.\n"
        "```python\ndef g(x):\n    return h(x)\n```\n"
        "```python\ndef f(x):\n    return g(x)\n```\nwith\n"
        "```python\ndef h(x):\n    return x + 1\n```\n"
    )

    program = program_of(completion)

    assert value_of(program) == 2
    assert program.count("def g") == 1


def test_a_transcript_of_the_interpreter_is_taken_without_marks_and_output():
    completion = ">>> def f(x):\n...     return x + 1\n...\n>>> f(1)\n2\n"

    assert value_of(program_of(completion)) == 2


@pytest.mark.parametrize(
    "completion",
    [
        "```python\ndef f(x):\n    y = x +\n    return y\n```",
        "def f(x):\n    return undefined(\n",
        "    return x +\n",
        "    if x\n        return 1\n",
    ],
)
def test_a_fault_inside_the_function_is_never_mended(completion):
    with pytest.raises(SyntaxError):
        compile(program_of(completion), "p", "exec")


def test_a_refusal_has_no_program_that_defines_the_function():
    for text in ("I cannot help with that.", "", "   \n", "```\n```"):
        program = program_of(text)
        try:
            compile(program, "p", "exec")
        except SyntaxError:
            continue
        assert value_of(program) is None


def test_a_program_that_reads_input_keeps_every_line():
    program = "import sys\nn = int(sys.stdin.readline())\nprint(n + 1)\n"

    for text in (program, f"```python\n{program}```", f"Here:\n```\n{program}```\nDone."):
        assert extract("Add one.", text, None).program.strip() == program.strip()


def test_of_two_versions_that_read_input_the_last_is_taken():
    texts = ["print(int(input()) + 2)\n", "print(int(input()) + 1)\n"]
    answer = "".join(f"Try:\n```python\n{text}```\n" for text in texts)

    assert extract("Add one.", answer, None).program.strip() == texts[1].strip()


def test_the_method_says_where_the_program_was_found():
    assert extract(PROMPT, BODY, "f").method is ExtractionMethod.CONTINUATION
    assert extract(PROMPT, WHOLE, "f").method is ExtractionMethod.WHOLE
