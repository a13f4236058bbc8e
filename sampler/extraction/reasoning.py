"""Tells a model's answer from the reasoning before it: pure, and linear in the text's length."""

import re

from sampler.extraction.blocks import looks_like_code

_MARK = re.compile(r"</?(?:seed:)?think(?:ing)?>|\[/?THINK\]|◁/?think▷")
"""Between two of these a model reasons."""
_NEAR = 200
"""Characters on either side of a mark that decide what it is, for lines may be endless."""
_FINAL = "<|channel|>final<|message|>"
"""What follows the last one is the answer, with models that write in channels."""
_CHANNEL = "<|channel|>"


def answer_of(text: str, *, begun: bool, cut_off: bool) -> str | None:
    """Return the part of a completion that answers, or None where it ends while it reasons.

    Args:
        text: What a model wrote.
        begun: Whether its prompt may have begun the reasoning, so that no mark does.
        cut_off: Whether it was ended by a limit.
    """
    if _CHANNEL in text:
        _, found, answer = text.rpartition(_FINAL)
        return answer if found else None
    start, opened_at = 0, None
    in_fence, looked_at = False, 0
    ended = False
    for mark in _MARK.finditer(text):
        if _is_quoted(text, mark):
            continue  # Code, or a word about it.
        if "/" not in mark.group():
            in_fence ^= text.count("\n```", looked_at, mark.start()) % 2 == 1
            looked_at = mark.start()
            if opened_at is None and not in_fence and _begins_line(text, mark):
                opened_at = mark.start()
        elif opened_at is not None or (begun and not ended) or _bounds_answer(text, mark):
            start, opened_at, ended = mark.end(), None, True
            in_fence, looked_at = text.startswith("```", start), start
    if opened_at is not None:
        return text[start:opened_at] if text[start:opened_at].strip() else None
    if begun and cut_off and not ended:
        return None
    answer = text[start:]
    return answer if answer.strip() or not ended else None


def _is_quoted(text: str, mark: re.Match[str]) -> bool:
    before, after = _before(text, mark).replace("```", ""), _after(text, mark).replace("```", "")
    if before.endswith("'") and "'" in after:
        return True
    return any(before.count(quote) % 2 == 1 and quote in after for quote in '"`')


def _begins_line(text: str, mark: re.Match[str]) -> bool:
    return not _before(text, mark).strip()


def _bounds_answer(text: str, mark: re.Match[str]) -> bool:
    """Tell whether a mark stands at either end of its line, or before code."""
    rest = _after(text, mark).lstrip()
    before_code = rest.startswith(("```", "~~~")) or looks_like_code(rest)
    return not rest or before_code or _begins_line(text, mark)


def _before(text: str, mark: re.Match[str]) -> str:
    """Return what stands before a mark in its line, near it."""
    return text[max(0, mark.start() - _NEAR) : mark.start()].rpartition("\n")[2]


def _after(text: str, mark: re.Match[str]) -> str:
    return text[mark.end() : mark.end() + _NEAR].partition("\n")[0]
