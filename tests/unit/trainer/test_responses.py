"""What is learnt of a response in each prompt form: sampled ids, or a program as an answer."""

import pytest

from infra import errors
from infra.contracts.base import Author, Language
from infra.contracts.prompting import PromptForm, Sampled
from infra.prompting.encoding import end_id, prompt_ids
from tests.tokenizer_kinds import KINDS
from tests.unit.trainer.students import BAD, GOOD, ranked_group
from trainer.batches.responses import ResponseEncoder

ANSWER = f"```python\n{GOOD}```"
CUT = PromptForm(style="thinking", reasoning="cut")
KEPT = PromptForm(style="thinking")


def learnt(form, kind, *, written=None, most=4096, finished=True, token_ids=(), language="python"):
    """What is learnt of a response, as text: a teacher's program, or what a student wrote."""
    tokenizer = KINDS[kind][0]()
    group = ranked_group(GOOD, BAD).model_copy(update={"language": Language(language)})
    response = group.responses[0].model_copy(update={"finished": finished})
    if written is not None:
        ids = (
            tuple(tokenizer.encode(written, add_special_tokens=False)) if token_ids is None else ()
        )
        end = (tokenizer.eos_token_id,) if finished and ids else ()
        shown = prompt_ids(form, tokenizer, group)
        sampled = Sampled(form=form, prompt_token_ids=tuple(shown), token_ids=ids + end)
        said = {"author": Author.STUDENT, "written": written, "sampled": sampled}
        response = response.model_copy(update=said)
    encoder = ResponseEncoder(group, tokenizer, form, most)
    ids, whole = encoder.encode(response)
    return tokenizer.decode(encoder.prompt(4096)), tokenizer.decode(ids), whole


@pytest.mark.parametrize(
    ("kind", "form", "begins", "answer"),
    [
        ("byte-level", PromptForm(style="raw"), "def f(x):\n", "    return x + 1\n"),
        ("byte-level", PromptForm(), '"""\n', GOOD),
        ("chat", PromptForm(style="instruct"), "<s><|im_start|>system", ANSWER),
        ("chat", PromptForm(style="instruct", prefill="```python\n"), "<s>", f"{GOOD}```"),
        ("chat", PromptForm(style="instruct", prefill="Here:\n"), "<s>", ANSWER),
        ("thinks", KEPT, "<s>", f"<think>\n\n</think>\n\n{ANSWER}"),
        ("thinks at once", KEPT, "<s>", f"\n</think>\n\n{ANSWER}"),
        ("thinks", CUT, "<s>", f"\n\n{ANSWER}"),
    ],
)
def test_a_program_is_learnt_as_an_answer_of_the_form(kind, form, begins, answer):
    prompt, text, whole = learnt(form, kind)
    end = KINDS[kind][0]()

    assert prompt.startswith(begins)
    assert text == answer + end.decode([end_id(form, end)])
    assert whole


def test_a_block_names_the_language_of_the_program():
    _, text, _ = learnt(PromptForm(style="instruct"), "chat", language="rust")

    assert text.startswith("```rust\n")


@pytest.mark.parametrize("token_ids", [(), None], ids=["as text", "by its ids"])
@pytest.mark.parametrize(
    ("form", "kind", "prompt_ends"),
    [
        (CUT, "thinks", "assistant\n<think>\n\n</think>"),
        (CUT, "thinks at once", "assistant\n<think>\n\n</think>"),
        (CUT, "byte-level marks", "assistant\n<think>\n\n</think>"),
        (KEPT, "thinks", "assistant\n"),
        (KEPT, "thinks at once", "<think>\n"),
    ],
)
def test_reasoning_is_learnt_as_it_was_sampled_or_cut(form, kind, prompt_ends, token_ids):
    begun = "" if kind == "thinks at once" else "<think>\n"
    written = f"{begun}Perhaps.\n</think>\n\n{ANSWER}"

    prompt, text, whole = learnt(form, kind, written=written, token_ids=token_ids)

    expected = f"\n\n{ANSWER}" if form is CUT else written
    assert prompt.endswith(prompt_ends)
    assert text == f"{expected}<|im_end|>"
    assert whole


@pytest.mark.parametrize("token_ids", [(), None], ids=["as text", "by its ids"])
def test_of_reasoning_that_does_not_end_nothing_is_imitated(token_ids):
    _, text, whole = learnt(
        CUT, "thinks", written="<think>\nPerhaps", finished=False, token_ids=token_ids
    )

    assert (text, whole) == ("<|im_end|>", False)


def test_sampled_ids_that_do_not_fit_are_cut_and_not_imitated():
    form = PromptForm(style="instruct")

    _, text, whole = learnt(form, "chat", written=ANSWER, token_ids=None, most=5)

    assert (text, whole) == (ANSWER[:5], False)


def test_the_end_of_an_answer_is_that_of_the_templates_turn():
    tokenizer = KINDS["chat"][0]()
    tokenizer.eos_token = "<|endoftext|>"
    turn = tokenizer.convert_tokens_to_ids("<|im_end|>")

    assert end_id(PromptForm(style="instruct"), tokenizer) == turn
    assert end_id(PromptForm(style="raw"), tokenizer) == tokenizer.eos_token_id != turn


def test_a_chat_that_is_too_long_loses_the_beginning_of_the_problem_alone():
    tokenizer, form = KINDS["chat"][0](), PromptForm(style="instruct")
    group = ranked_group(GOOD, BAD).model_copy(update={"prompt": "x" * 200 + "the end"})
    whole = prompt_ids(form, tokenizer, group)

    cut = prompt_ids(form, tokenizer, group, len(whole) - 50)

    assert len(cut) == len(whole) - 50
    assert tokenizer.decode(cut) == tokenizer.decode(whole).replace("x" * 50, "", 1)
    with pytest.raises(errors.ConfigurationError, match="without the problem"):
        prompt_ids(form, tokenizer, group, 10)


@pytest.mark.parametrize("template", [None, "{{ raise_exception('no system role') }}"])
def test_a_tokenizer_without_a_fitting_template_is_refused(template):
    tokenizer = KINDS["chat"][0]()
    tokenizer.chat_template = template

    with pytest.raises(errors.ConfigurationError, match="instruct"):
        prompt_ids(PromptForm(style="instruct"), tokenizer, ranked_group(GOOD, BAD))
