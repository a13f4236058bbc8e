"""Whatever was asked and written: the ids that were sampled are the ids that are learnt."""

import functools

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from infra.contracts.base import Author
from infra.contracts.prompting import Sampled
from infra.prompting.encoding import continue_ids, prompt_ids, words_of
from tests.tokenizer_kinds import KINDS
from tests.unit.trainer.students import BAD, GOOD, ranked_group
from trainer.batches.responses import ResponseEncoder

_TEXT = st.text(st.sampled_from("ab_(1) \n\"'`<>:=#"), max_size=60)
_NUMBERS = st.lists(st.integers(0, 10**6), min_size=1, max_size=40)
_made = functools.cache(lambda kind: KINDS[kind][0]())


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None)
@given(prompt=_TEXT, answer=_TEXT, numbers=_NUMBERS)
def test_the_ids_that_were_sampled_are_learnt(kind, prompt, answer, numbers):
    tokenizer, form = _made(kind), KINDS[kind][1]
    group = ranked_group(GOOD, BAD).model_copy(update={"prompt": prompt})
    shown = prompt_ids(form, tokenizer, group)
    written = tuple(number % len(tokenizer) for number in numbers)
    assume(shown)  # A plain prompt may be nothing at all, which nobody samples from.
    sampled = Sampled(form=form, prompt_token_ids=shown, token_ids=written)
    student = group.responses[0].model_copy(
        update={"author": Author.STUDENT, "sampled": sampled, "written": answer}
    )
    encoder = ResponseEncoder(group, tokenizer, form, 4096)

    assert encoder.prompt(8192) == shown
    assert encoder.encode(student) == (list(written), True)
    assert words_of(tokenizer, shown, continue_ids(tokenizer, shown, answer)) == answer
