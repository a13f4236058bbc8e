"""Examples in a docstring that a test runs, with other output expected of one of them."""

import doctest

from executor.guest.guards.text.values import Draws, another


def other_output(text: str, draws: Draws) -> str | None:
    """Return the text with other output expected of one example; None where there is none.

    Of an exception it is the last line, which says what is raised.
    """
    try:
        examples = doctest.DocTestParser().get_examples(text)
    except ValueError:
        return None
    lines = text.split("\n")
    ends = [
        one.lineno + one.source.count("\n") + one.want.count("\n") - 1
        for one in examples
        # What is left out of an output may stand for the other, too.
        if one.want and "..." not in (one.exc_msg or one.want)
    ]
    if not ends:
        return None
    end = draws.pick(ends)
    shown = lines[end].strip()
    other = another(shown, draws)
    if not isinstance(other, str) or not shown or shown == "<BLANKLINE>":
        return None
    lines[end] = lines[end].replace(shown, other)
    return "\n".join(lines)
