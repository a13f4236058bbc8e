"""The parameters of a function of the tests, for what calls it in the candidate's process.

A program that curries, or calls a function with as much as it takes, looks at them. A default does
not travel: it may be what a test expects. Only that there is one is told.
"""

import types
from collections.abc import Callable
from typing import Any, Final

Parameters = list[list[Any]]
"""For each what stands before its name, the name, and whether it has a default."""

_VARARGS: Final = 0x04
_VARKEYWORDS: Final = 0x08
_UNSET: Final = object()


def parameters(function: Any) -> Parameters | None:
    """List what a function takes; None if it was not written in Python."""
    is_bound = type(function) is types.MethodType
    plain = function.__func__ if is_bound else function
    if type(plain) is not types.FunctionType:
        return None
    code = plain.__code__
    names, first, last = code.co_varnames, code.co_argcount, code.co_argcount
    last += code.co_kwonlyargcount
    optional = {
        *names[first - len(plain.__defaults__ or ()) : first],
        *(plain.__kwdefaults__ or ()),
    }
    found: Parameters = [["", name, name in optional] for name in names[int(is_bound) : first]]
    only = code.co_posonlyargcount - int(is_bound)
    if only > 0:
        found.insert(only, ["/", "", False])
    rest = list(names[last:])
    if code.co_flags & _VARARGS:
        found.append(["*", rest.pop(0), False])
    elif last > first:
        found.append(["*", "", False])
    found += [["", name, name in optional] for name in names[first:last]]
    if code.co_flags & _VARKEYWORDS:
        found.append(["**", rest.pop(0), False])
    return found


def shaped(call: Callable[..., Any], listed: Parameters) -> Any:
    """Make a function of these parameters that calls another with what it is given."""
    given: dict[str, list[str]] = {"": [], "*": [], "by name": [], "**": []}
    kind = ""
    for mark, name, _ in listed:
        if mark in ("*", "**") and name:
            given[mark].append(name)
        elif name:
            given[kind].append(name)
        kind = "by name" if mark == "*" else kind
    written = ", ".join(
        f"{mark}{name}{'=_rrtf_unset' if optional else ''}" for mark, name, optional in listed
    )
    rest, more = (given[mark][0] if given[mark] else "()" for mark in ("*", "**"))
    named = "".join(f"{name!r}: {name}, " for name in given["by name"])
    body = f"_rrtf_call([{', '.join(given[''])}], {rest}, {{{named}}}, {more})"

    def pass_on(values: list[Any], rest: tuple[Any, ...], named: dict[str, Any], more: Any) -> Any:
        args: list[Any] = []
        kwargs = dict(more)
        for name, value in zip(given[""], values, strict=True):
            if value is _UNSET:
                continue
            if len(args) == given[""].index(name):
                args.append(value)
            else:
                kwargs[name] = value
        kwargs.update({name: value for name, value in named.items() if value is not _UNSET})
        return call(*args, *rest, **kwargs)

    names = {"__name__": "__main__", "_rrtf_call": pass_on, "_rrtf_unset": _UNSET}
    # The names were parsed in test code; nothing of the candidate is in the text.
    return eval(f"lambda {written}: {body}", names)  # noqa: S307 - for a function of this form
