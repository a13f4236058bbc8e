"""From the text a model wrote to the program in it: pure, and linear in the length of the text.

Models continue the prompt, answer in fenced blocks, chat around the code, repeat the prompt's
function, or stop in the middle. Every rule here tries programs in a fixed order and takes the
first that compiles and defines what was asked for; when none does, the likeliest is returned as it
is, so that it is labelled rather than lost. A fault inside the program is never mended.
"""

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import islice
from typing import NamedTuple

from infra.contracts.base import Language
from infra.contracts.prompting import PromptForm, PromptStyle
from sampler.extraction import other_languages, syntax
from sampler.extraction.blocks import (
    Answer,
    Block,
    first_line,
    likely_programs,
    runs_of_code,
    span_of_code,
    take_apart,
    tries_to_define,
    without_cut_block,
    without_prompt_marks,
)
from sampler.extraction.continuation import begins_with_body, continuations, cut_back
from sampler.extraction.reasoning import answer_of


class ExtractionMethod(StrEnum):
    """Where the program was found."""

    FENCED = "fenced"
    CONTINUATION = "continuation"
    WHOLE = "whole"
    CHAT = "chat"


class Extraction(NamedTuple):
    """A program and where it was found."""

    program: str
    method: ExtractionMethod


_MAX_ATTEMPTS = 64
"""Most programs tried for one completion."""
_MAX_JOINED = 16
"""Most blocks looked through for the helpers of a function."""
_MAX_SHORTENED = 4
"""Most programs whose broken tail is cut off."""
_READS = re.compile(r"\binput\(|\bstdin\b|\bopen\(0")
"""What reads standard input."""
_CONTROL_TOKEN = re.compile(
    r"^(?:<\|[A-Za-z0-9_]{1,30}\|>|</?s>)|(?:<\|[A-Za-z0-9_]{1,30}\|>|</s>|\[/INST\])[ \t]*$",
    re.MULTILINE,
)
"""What some chat formats leave at the margins of a text."""
_END_OF_TEXT = re.compile(r"(?<![\"'])<\|(?:endoftext|im_end|eot_id)\|>(?![\"'])")
"""Tokens after which a model without a stop goes on with another text; in quotes they are code."""


def extract(
    prompt: str,
    completion: str,
    entry_point: str | None,
    language: Language = Language.PYTHON,
    form: PromptForm | None = None,
    *,
    cut_off: bool = False,
) -> Extraction:
    """Find the program in a completion of a prompt; the same input gives the same program.

    It is the last complete program of what answers, behind any reasoning. Without an `entry_point`
    it is one that reads standard input, and keeps every line.

    Args:
        prompt: The problem's, which a completion may go on from.
        completion: What a model wrote.
        entry_point: Function or class that is asked for.
        language: What the program is written in.
        form: Of the prompt that the model was shown; None where it is not known.
        cut_off: Whether the completion was ended by a limit.
    """
    text = completion.replace("\r\n", "\n")
    answer = answer_of(
        text, begun=form is not None and form.style is PromptStyle.THINKING, cut_off=cut_off
    )
    if answer is None:
        return Extraction("", ExtractionMethod.WHOLE)
    text = _without_marks(answer if form is None else form.prefill + answer)
    answered = take_apart(text)
    if cut_off:
        answered = without_cut_block(answered, entry_point)
    if language is not Language.PYTHON:
        program, fenced = other_languages.find(language, prompt, answered)
        return Extraction(program, ExtractionMethod.FENCED if fenced else ExtractionMethod.WHOLE)
    return _python(prompt, text, answered, entry_point)


def _without_marks(text: str) -> str:
    """Drop what surrounds an answer: control tokens, and the next text."""
    end = _END_OF_TEXT.search(text, len(text) - len(text.lstrip()))
    if end is not None and text[: end.start()].strip():
        text = text[: end.start()]
    return _CONTROL_TOKEN.sub("", text)


def _python(prompt: str, text: str, answer: Answer, entry_point: str | None) -> Extraction:
    name = entry_point.partition(".")[0] if entry_point else None
    first: Extraction | None = None
    compiling: Extraction | None = None
    hollow: Extraction | None = None
    broken: list[Extraction] = []
    for attempt in islice(_attempts(prompt, answer, name), _MAX_ATTEMPTS):
        first = first or attempt
        tree = syntax.tree_of(attempt.program)
        if tree is None and attempt.method is not ExtractionMethod.CONTINUATION:
            broken.append(attempt)
        if tree is None or not tree.body:
            continue
        if name is None:
            return attempt
        if syntax.defines(tree, name):
            return _finished(prompt, attempt, name)
        if not syntax.defines_hollow(tree, name):
            compiling = compiling or attempt
        elif attempt.method in (ExtractionMethod.FENCED, ExtractionMethod.WHOLE):
            hollow = hollow or attempt
    if compiling is not None and not tries_to_define(text, name):
        return compiling
    if (shortened := _without_broken_tail(prompt, broken[:_MAX_SHORTENED], name)) is not None:
        return shortened
    # Cut off, or simply wrong: what the model tried to write is labelled as it is.
    return hollow or first or Extraction(text, ExtractionMethod.WHOLE)


def _without_broken_tail(
    prompt: str, attempts: Sequence[Extraction], name: str | None
) -> Extraction | None:
    """Take the first that defines the function once what was cut off behind it is gone."""
    for attempt in attempts:
        program = cut_back("", attempt.program)
        tail = attempt.program[len(program) :]
        tree = None if name is None else syntax.tree_of(program)
        if name and tree and syntax.defines(tree, name) and not tries_to_define(tail, name):
            return _finished(prompt, Extraction(program, attempt.method), name)
    return None


def _finished(prompt: str, attempt: Extraction, name: str) -> Extraction:
    """Add what the program needs of the prompt, and take the examples of its use away."""
    program = attempt.program
    tree = syntax.tree_of(program)
    if tree is not None:
        program = syntax.without_usage(program, tree, name)
        if attempt.method is not ExtractionMethod.CONTINUATION:
            program = syntax.completed(_prelude(prompt, name), program, tree)
    return Extraction(program, attempt.method)


def _prelude(prompt: str, name: str) -> str:
    """Return what stands in the prompt, or in its block of code, before what is asked for."""
    lines = prompt.split("\n")
    for number, line in enumerate(lines):
        if tries_to_define(line, name):
            fences = [n for n in range(number) if lines[n].startswith("```")]
            lines = lines[fences[-1] + 1 if len(fences) % 2 else 0 : number]
            break
    while lines and lines[-1].startswith("@"):
        lines.pop()
    return "\n".join(lines)


def _attempts(prompt: str, answer: Answer, name: str | None) -> Iterator[Extraction]:
    if answer.blocks:
        if first_line(answer.head).startswith((" ", "\t")):
            # The body first, and then a fence that closes what the prompt's reader had opened.
            yield from _continued(prompt, answer.head, name)
        yield from _from_fences(prompt, answer.blocks, name)
        if name is None or any(tries_to_define(block.text, name) for block in answer.blocks):
            return
    bare = answer.bare
    # The function again: reading it as the rest of the prompt would only hide its faults.
    if not tries_to_define(bare, name) or begins_with_body(bare):
        yield from _continued(prompt, bare, name)
    yield Extraction(bare, ExtractionMethod.WHOLE)
    parts = runs_of_code(bare) if name else [span_of_code(bare)]
    for program in _assembled(parts, name):
        yield Extraction(program, ExtractionMethod.CHAT)
    typed = without_prompt_marks(bare)
    if typed is not None:
        yield Extraction(typed, ExtractionMethod.CHAT)


def _continued(prompt: str, text: str, name: str | None) -> Iterator[Extraction]:
    for program in continuations(prompt, text, name):
        yield Extraction(program, ExtractionMethod.CONTINUATION)


def _from_fences(prompt: str, blocks: list[Block], name: str | None) -> Iterator[Extraction]:
    likely = [_as_typed(block.text) for block in likely_programs(blocks)]
    every = [_as_typed(block.text) for block in blocks]
    defining = any(tries_to_define(text, name) for text in likely)
    texts = likely if defining or name is None else every
    for program in _assembled(texts, name):
        yield Extraction(program, ExtractionMethod.FENCED)
    if name is not None and not any(tries_to_define(text, name) for text in texts):
        for text in likely[:_MAX_JOINED]:
            for program in continuations(prompt, text, name):
                yield Extraction(program, ExtractionMethod.FENCED)
    yield Extraction("\n".join(likely), ExtractionMethod.FENCED)
    yield Extraction(max(likely, key=len), ExtractionMethod.FENCED)


def _as_typed(text: str) -> str:
    if syntax.tree_of(text) is not None:
        return text
    return without_prompt_marks(text) or text


def _assembled(texts: Sequence[str], name: str | None) -> Iterator[str]:
    """Make programs of the parts of an answer, the likeliest first."""
    if name is None:
        yield from _whole_programs(texts)
        return
    defining = [number for number, text in enumerate(texts) if tries_to_define(text, name)]
    # The last one is the model's final word.
    for number in reversed(defining[-_MAX_JOINED:]):
        yield _with_helpers(texts, number)


def _whole_programs(texts: Sequence[str]) -> Iterator[str]:
    first = max(0, len(texts) - _MAX_JOINED)
    acting = [number for number in range(first, len(texts)) if syntax.acts(texts[number])]
    reading = [number for number in acting if _READS.search(texts[number])]
    # Two that read the input, or else two that act at all, are two versions of one program.
    for number in reversed(reading or acting):
        yield _with_helpers(texts, number)
    if texts:
        yield "\n".join(texts)
        yield max(texts, key=len)


def _with_helpers(texts: Sequence[str], number: int) -> str:
    """Join a part with those other parts that define what it uses, in the order of the answer."""
    tree = syntax.tree_of(texts[number])
    if tree is None:
        return texts[number]
    chosen = {number}
    missing = syntax.names_missing(tree)
    before = range(number - 1, max(-1, number - 1 - _MAX_JOINED), -1)
    after = range(number + 1, min(len(texts), number + 1 + _MAX_JOINED))
    for other in (*before, *after):
        found = syntax.tree_of(texts[other]) if missing else None
        if found is not None and syntax.names_bound(found) & missing:
            chosen.add(other)
            missing = (missing | syntax.names_missing(found)) - syntax.names_bound(found)
    return "\n".join(texts[part] for part in sorted(chosen))
