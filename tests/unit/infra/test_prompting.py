"""One way from a prompt to token ids, whatever a tokenizer puts around a text."""

import pytest

from infra import errors
from infra.prompting.encoding import encode_prompt
from infra.prompting.wording import quoted
from tests.marked_tokenizers import TEMPLATES, marked_tokenizer
from trainer.models.tokenizer import byte_tokenizer

PLAIN = byte_tokenizer()
TEXT = quoted("Say <s> and </s>.")


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_prompt_begins_as_its_tokenizer_begins_a_text_and_has_no_end(template):
    tokenizer = marked_tokenizer(template)
    prefix = [tokenizer.convert_tokens_to_ids(word) for word in template.split("$A")[0].split()]

    ids = encode_prompt(tokenizer, "Add.")

    assert ids == prefix + PLAIN.encode("Add.", add_special_tokens=False)
    assert encode_prompt(tokenizer, TEXT)[: len(prefix) + 1] == [*prefix, *PLAIN.encode('"')]
    assert encode_prompt(tokenizer, TEXT)[-1:] == PLAIN.encode("\n")


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("most", range(1, 12))
def test_a_prompt_that_is_too_long_keeps_what_stands_before_it_and_its_end(template, most):
    tokenizer = marked_tokenizer(template)
    whole = encode_prompt(tokenizer, "A bad day.")
    prefix = whole[: len(whole) - len("A bad day.")]

    ids = encode_prompt(tokenizer, "A bad day.", most)

    assert len(ids) == min(most, len(whole))
    kept = min(len(prefix), most)
    assert ids[:kept] == prefix[:kept]
    assert ids[kept:] == whole[len(whole) - len(ids) + kept :]


class ChangesTheText:
    def encode(self, text, *, add_special_tokens):
        return [1, 2, 3] if add_special_tokens else [4, 5]


def test_a_tokenizer_that_changes_the_text_is_refused():
    with pytest.raises(errors.ConfigurationError, match="differently"):
        encode_prompt(ChangesTheText(), "x")
