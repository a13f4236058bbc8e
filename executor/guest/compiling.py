"""The compile step, inside the jail because a parser can be attacked too."""

import traceback
import types
import warnings

from executor.guest.channel import Channel


def compile_candidate(
    channel: Channel, source: str, name: str = "<candidate>"
) -> types.CodeType | None:
    """Compile the candidate and report; None when it does not compile."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # A warning about the source is no compile error.
            code = compile(source.encode(), name, "exec", dont_inherit=True)
    except (SyntaxError, ValueError, OverflowError, MemoryError, RecursionError) as error:
        shown = "".join(traceback.format_exception_only(error))
        refused = f"{type(error).__name__}: {error}"
        channel.send({"compile_error": refused[:2000], "shown": shown[:2000]})
        return None
    channel.send({"compiled": True})
    return code


def describe(error: BaseException) -> str:
    """Name an exception for a reader; never fails, whatever its `__str__` does."""
    try:
        text = str(error)
    except BaseException:
        text = "<no message>"
    return f"{type(error).__name__}: {text}"[:1000]
