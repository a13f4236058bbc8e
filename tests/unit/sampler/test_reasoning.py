"""The program is the last complete one of what answers, behind whatever reasoning."""

import pytest

from infra.contracts.base import Language
from infra.contracts.prompting import PromptForm
from sampler.extraction.program import extract

PROMPT = 'def f(x):\n    """Add one."""\n'
DRAFT = "def f(x):\n    return x + 7\n"
FINAL = "def f(x):\n    return x + 1\n"
THINKING = PromptForm(style="thinking")
READS = "n = int(input())\nprint(n + 1)\n"


def fenced(program, language="python"):
    return f"```{language}\n{program}```\n"


def program_of(text, name="f", language=Language.PYTHON, **said):
    return extract(PROMPT, text, name, language, **said).program.strip()


@pytest.mark.parametrize(
    "text",
    [
        f"<think>\nPerhaps:\n{fenced(DRAFT)}</think>{FINAL}",
        f"<think>So {DRAFT}</think>{fenced(FINAL)}",
        f"<think>So</think> {fenced(FINAL)}",
        f"So\n{fenced(DRAFT)}</think>{FINAL}",
        f"So\n{fenced(DRAFT)}That is wrong. </think>{FINAL}",
        f"So\n{fenced(DRAFT)}That is wrong. </think>{fenced(FINAL)}",
        f"<thinking>\n{DRAFT}\n</thinking>\n{FINAL}",
        f"[THINK]{DRAFT}[/THINK]{fenced(FINAL)}",
        f"<think>\nI close it by `</think>`, then\n{DRAFT}</think>\n{FINAL}",
        f"<think>\n```python\n{DRAFT}\n</think>\nNow:\n{fenced(FINAL)}",
        f"<think>a</think>\n{fenced(DRAFT)}\n<think>\nNo, wrong.\n</think>\n{fenced(FINAL)}",
        f"<think>a</think>{fenced(DRAFT)}That was a draft.\n{fenced(FINAL)}",
        f"<think>a</think>{fenced(FINAL)}Try it:\n{fenced('print(f(1))')}",
        f"<|channel|>analysis<|message|>{DRAFT}<|end|><|channel|>final<|message|>{fenced(FINAL)}",
    ],
)
@pytest.mark.parametrize("form", [None, THINKING])
def test_drafts_of_the_reasoning_and_before_the_last_are_not_the_program(text, form):
    assert program_of(text, form=form) == FINAL.strip()


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (f"<think>\nPerhaps:\n{fenced(DRAFT)}Or", None),
        (f"<think>\n{fenced(DRAFT)}</think>", None),
        (f"<think>\n{fenced(DRAFT)}</think>\n<think>\n{fenced(DRAFT)}", None),
        (f"Perhaps:\n{fenced(DRAFT)}Or", THINKING),
        (f"<|channel|>analysis<|message|>{fenced(DRAFT)}", None),
    ],
)
def test_reasoning_that_does_not_end_has_no_program(text, form):
    assert program_of(text, form=form, cut_off=True) == ""


def test_a_thinking_model_may_answer_at_once():
    assert program_of(fenced(FINAL), form=THINKING) == FINAL.strip()


@pytest.mark.parametrize(
    "program",
    ['def f(x):\n    return x.split("</think>")', "def f(x):\n    return '<think>' in x",
     'def f(x):\n    return re.sub(r"<think>.*</think>", "", x)',
     'def f(x):\n    """Remove <think> and </think>."""\n    return x',],
)  # fmt: skip
@pytest.mark.parametrize("form", [None, THINKING])
def test_a_program_that_knows_the_marks_stays_whole(program, form):
    assert program_of(program, form=form) == program
    assert program_of(fenced(f"{program}\n"), form=form) == program
    assert program_of(f"<think>a</think>{fenced(f'{program}{chr(10)}')}", form=form) == program


def test_a_block_that_a_limit_cut_gives_way_to_a_complete_one():
    cut = f"{fenced(FINAL)}Shorter:\n```python\ndef f(x):\n    y = x"

    assert program_of(cut, cut_off=True) == FINAL.strip()
    assert program_of(f"{fenced(DRAFT)}Better:\n```python\n{FINAL}") == FINAL.strip()


def test_of_programs_that_stand_alone_the_last_is_taken_with_what_it_needs():
    texts = (fenced("print(7)\n"), fenced("def twice(n):\n    return 2 * n\n"))
    answer = f"{''.join(texts)}\n{fenced('print(twice(4))')}\n"

    assert program_of(answer, None) == "def twice(n):\n    return 2 * n\n\nprint(twice(4))"
    assert program_of(f"{fenced(READS.replace('1', '2'))}{fenced(READS)}", None) == READS.strip()
    assert program_of(f"{fenced(READS)}So:\n{fenced('print(3)')}", None) == READS.strip()


def test_the_prefill_of_the_form_is_part_of_the_answer():
    form = PromptForm(style="instruct", prefill="```python\n")

    assert program_of(f"{FINAL}```\nIt adds one.", form=form) == FINAL.strip()


@pytest.mark.parametrize(
    ("language", "draft", "final"),
    [
        (Language.PHP, "<?php echo fgets(STDIN) + 2;", "<?php echo fgets(STDIN) + 1;"),
        (Language.RUBY, "puts gets.to_i + 2", "puts gets.to_i + 1"),
        (Language.LUA, "print(io.read('n') + 2)", "print(io.read('n') + 1)"),
        (Language.PERL, "print <STDIN> + 2;", "print <STDIN> + 1;"),
        (Language.C, "int main(void) { return 2; }", "int main(void) { return 1; }"),
    ],
)
def test_the_last_program_of_other_languages_is_taken(language, draft, final):
    tag = language.value
    answer = f"<think>Hm</think>{fenced(draft, tag)}Better:\n{fenced(final, tag)}"

    assert program_of(f"{fenced(draft, tag)}{answer}", None, language) == final
    cut = f"{fenced(final, tag)}Or:\n```{tag}\n{draft[:-3]}"
    assert program_of(cut, None, language, cut_off=True) == final
