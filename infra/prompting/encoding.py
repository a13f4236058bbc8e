"""From a problem to the token ids that a model goes on from, and back from ids to its words.

Whoever samples, learns, evaluates or converts asks here, so that what is learnt stands behind the
ids that were sampled from.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from infra import errors
from infra.contracts.prompting import PromptForm
from infra.prompting.wording import THOUGHT_MARKS, Described, Shown, plain_text, turns_of

_TAIL = 16
"""Last tokens of a text that decide how the next ones are read."""


class Encoder(Protocol):
    """What is asked of a tokenizer, in the words of transformers."""

    def encode(self, text: str, *, add_special_tokens: bool) -> Sequence[int]:
        """Return token ids."""


class Tokenizer(Encoder, Protocol):
    """A tokenizer that reads as well as writes."""

    @property
    def eos_token_id(self) -> int | None:
        """What ends a text."""

    @property
    def all_special_ids(self) -> Sequence[int]:
        """Tokens that are no words."""

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text."""


def prompt_text(form: PromptForm, tokenizer: Encoder, problem: Shown) -> str:
    """Return the text of a prompt, with the marks of the tokenizer's chat template in a chat.

    Raises:
        errors.ConfigurationError: the tokenizer has no chat template, or that takes no such chat.
    """
    if not form.is_chat:
        return plain_text(form, problem.prompt)
    turns = [turn.model_dump() for turn in turns_of(form, problem)]
    return _rendered(form, tokenizer, turns, goes_on=True)


def _rendered(
    form: PromptForm, tokenizer: Encoder, turns: list[dict[str, Any]], *, goes_on: bool
) -> str:
    render: Callable[..., str] | None = getattr(tokenizer, "apply_chat_template", None)
    if render is None or getattr(tokenizer, "chat_template", None) is None:
        raise errors.ConfigurationError(
            f"prompts of the form {form} need a chat template, and the tokenizer has none"
        )
    begun = goes_on and turns[-1]["role"] == "assistant"
    try:
        return render(
            turns,
            tokenize=False,
            add_generation_prompt=goes_on and not begun,
            continue_final_message=begun,
            **form.template,
        )
    # A template is a program of the model's author, and raises what it likes.
    except Exception as error:
        raise errors.ConfigurationError(
            f"the chat template takes no prompt of the form {form}: {error}"
        ) from error


def prompt_ids(
    form: PromptForm, tokenizer: Encoder, problem: Shown, most: int | None = None
) -> list[int]:
    """Return the token ids that a model goes on from, at most `most`.

    Of a problem's text that is too long the beginning goes, and what stands before the text stays.

    Raises:
        errors.ConfigurationError: the tokenizer changes the text itself where it marks its bounds,
            has no chat template, or what stands around the text alone is too long.
    """
    if not form.is_chat:
        return encode_prompt(tokenizer, plain_text(form, problem.prompt), most)

    def encoded(kept: int) -> list[int]:
        end = problem.prompt[len(problem.prompt) - kept :]
        shown = Described(end, problem.language, problem.entry_point, problem.image)
        # The template has written the tokenizer's marks already.
        text = prompt_text(form, tokenizer, shown)
        return list(tokenizer.encode(text, add_special_tokens=False))

    whole = encoded(len(problem.prompt))
    if most is None or len(whole) <= most:
        return whole
    fits, too_many = encoded(0), len(problem.prompt)
    if len(fits) > most:
        raise errors.ConfigurationError(
            f"the form {form.style.value!r} takes {len(fits)} tokens of a prompt without the"
            f" problem, and {most} are allowed"
        )
    kept = 0
    while too_many - kept > 1:
        middle = (kept + too_many) // 2
        found = encoded(middle)
        if len(found) <= most:
            fits, kept = found, middle
        else:
            too_many = middle
    return fits


def encode_prompt(tokenizer: Encoder, text: str, most: int | None = None) -> list[int]:
    """Return the token ids of a plain text that a model goes on with, at most `most`.

    They begin as the tokenizer begins a raw text, with a BOS if it does so, and have no end. Of a
    text that is too long the beginning goes, and what stands before the text stays.

    Raises:
        errors.ConfigurationError: the tokenizer changes the text itself where it marks its bounds.
    """
    ids = list(tokenizer.encode(text, add_special_tokens=False))
    prefix = _prefix(list(tokenizer.encode(text, add_special_tokens=True)), ids)
    if most is None or len(prefix) + len(ids) <= most:
        return prefix + ids
    return prefix[:most] + ids[len(prefix) + len(ids) - most :]


def _prefix(marked: list[int], ids: list[int]) -> list[int]:
    """Return what a tokenizer puts before a text; it may put an end behind it too."""
    for start in range(len(marked) - len(ids) + 1):
        if marked[start : start + len(ids)] == ids:
            return marked[:start]
    raise errors.ConfigurationError(
        "the tokenizer encodes a text differently when it adds special tokens; it cannot be used"
    )


def words_of(tokenizer: Tokenizer, before: Sequence[int], ids: Sequence[int]) -> str:
    """Return what token ids say behind others, special tokens left out.

    Read alone, some tokenizers would swallow the blank that their text begins with.
    """
    unsaid = _unsaid(tokenizer)
    said = [token for token in ids if token not in unsaid]
    tail = [token for token in before if token not in unsaid][-_TAIL:]
    known, whole = tokenizer.decode(tail), tokenizer.decode([*tail, *said])
    return whole.removeprefix(known) if whole.startswith(known) else tokenizer.decode(said)


def _unsaid(tokenizer: Tokenizer) -> set[int]:
    """Return the special tokens, but for those between which a model reasons."""
    marks = (tokenizer.encode(mark, add_special_tokens=False) for mark in THOUGHT_MARKS)
    return set(tokenizer.all_special_ids).difference(*(ids for ids in marks if len(ids) == 1))


def continue_ids(tokenizer: Tokenizer, before: Sequence[int], text: str) -> list[int]:
    """Return the ids of a text that goes on from others, which say no more than the text.

    Some tokenizers begin every text with a blank; behind another text there is none to be.
    """
    ids = list(tokenizer.encode(text, add_special_tokens=False))
    if words_of(tokenizer, before, ids) == text:
        return ids
    line = list(tokenizer.encode("\n", add_special_tokens=False))
    after_line = list(tokenizer.encode(f"\n{text}", add_special_tokens=False))
    rest = after_line[len(line) :]
    fits = after_line[: len(line)] == line and words_of(tokenizer, before, rest) == text
    return rest if fits else ids


def end_id(form: PromptForm, tokenizer: Tokenizer) -> int | None:
    """Return the token that ends an answer: that of the chat template's turn, or of a text."""
    if form.is_chat:
        turns = [{"role": "user", "content": "x"}, {"role": "assistant", "content": "said"}]
        text = _rendered(form, tokenizer, turns, goes_on=False)
        behind = tokenizer.encode(text.rpartition("said")[2].lstrip(), add_special_tokens=False)
        if behind and behind[0] in set(tokenizer.all_special_ids):
            return behind[0]
    return tokenizer.eos_token_id
