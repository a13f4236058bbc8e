"""Objects that stand in test code for what stays with the candidate: nothing can be told by them.

Every operator, conversion and comparison of one fails the test, whatever catches the exception:
only the candidate's own object could tell, and a candidate is asked nothing twice.
"""

import sys
from collections.abc import Callable
from typing import Any, Final

_FRAMEWORKS: Final = ("/_pytest/", "/pluggy/", "/inspect.py", "/typing.py", "/unittest/")
"""In the files of those who look at whatever is there, and decide nothing by it."""
_OPERATORS: Final = (
    "add", "sub", "mul", "truediv", "floordiv", "mod", "divmod", "matmul", "pow", "and", "or",
    "xor", "lshift", "rshift",
)  # fmt: skip
_OTHERS: Final = (
    "eq", "ne", "lt", "le", "gt", "ge", "hash", "bool", "len", "length_hint", "iter", "next",
    "reversed", "contains", "getitem", "setitem", "delitem", "str", "repr", "format", "bytes",
    "int", "float", "complex", "index", "round", "trunc", "floor", "ceil", "abs", "neg", "pos",
    "invert", "enter", "exit", "aenter", "aexit", "await", "aiter", "anext", "dir", "fspath",
    "reduce_ex", "copy", "deepcopy", "setattr", "delattr",
)  # fmt: skip
_REFUSED: Final = (
    *(f"__{mark}{name}__" for name in _OPERATORS for mark in ("", "r", "i")),
    *(f"__{name}__" for name in _OTHERS),
)


def refusing(refuse: Callable[[Any], BaseException], can_be_called: bool) -> dict[str, Any]:
    """Return what a class contains whose objects refuse everything.

    `refuse` makes the exception for an object.
    """

    def refused(self: Any, *_: Any, **__: Any) -> Any:
        raise refuse(self)

    def attribute(self: Any, name: str) -> Any:
        # Also what `isinstance` asks for where the class of the object itself does not decide.
        if name.startswith("__") and not is_framework():
            raise refuse(self)
        return object.__getattribute__(self, name)

    content: dict[str, Any] = dict.fromkeys(_REFUSED, refused)
    if can_be_called:
        content["__call__"] = refused
    return content | {"__slots__": (), "__getattribute__": attribute, "__getattr__": refused}


def is_framework() -> bool:
    """Tell whether a test framework, not test code, looks at an object."""
    file = sys._getframe(2).f_code.co_filename
    return any(part in file for part in _FRAMEWORKS)
