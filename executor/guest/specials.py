"""Special methods of the candidate's objects: which are carried out for tests, and how.

What compares is never carried out. What is, and how far its result is trusted, is in `proxies`.
"""

import math
import operator
import sys
import types
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

_BOTH: Final = (
    "add", "sub", "mul", "truediv", "floordiv", "mod", "matmul", "pow", "and", "or", "xor",
    "lshift", "rshift",
)  # fmt: skip
OPERATORS: Final = (
    *(f"__{mark}{name}__" for name in _BOTH for mark in ("", "i", "r")),
    "__divmod__", "__rdivmod__", "__neg__", "__pos__", "__invert__",
)  # fmt: skip
"""Operators of which at least one side is an object of the candidate."""
CONVERSIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "__bool__": bool, "__abs__": abs, "__round__": round, "__int__": int, "__float__": float,
    "__complex__": complex, "__index__": operator.index, "__trunc__": math.trunc,
    "__floor__": math.floor, "__ceil__": math.ceil, "__bytes__": bytes, "__format__": format,
    "__reversed__": reversed,
}  # fmt: skip
"""What gives another form of one object."""
ORDER: Final = ("__lt__", "__le__", "__gt__", "__ge__")
EQUALITY: Final = ("__eq__", "__ne__")


def _reflected(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda right, left: function(left, right)


_BY_FUNCTION: Final[Mapping[str, Callable[..., Any]]] = {
    **{name: getattr(operator, name) for name in OPERATORS if hasattr(operator, name)},
    **{f"__r{name}__": _reflected(getattr(operator, f"__{name}__")) for name in _BOTH},
    **CONVERSIONS,
    "__divmod__": divmod,
    "__rdivmod__": _reflected(divmod),
    "__getitem__": operator.getitem,
    "__iter__": iter,
}
"""As the interpreter carries them out, with all it falls back on."""
_ON_THE_TYPE: Final = frozenset(
    {"__len__", "__next__", "__setitem__", "__delitem__", "__call__", "__str__", "__repr__",
     "__enter__", "__exit__", "__hash__", "__aenter__", "__aexit__", "__aiter__", "__anext__"}
)  # fmt: skip


def bound(target: Any, name: str) -> Callable[..., Any]:
    """Return what carries out a special method of this object.

    Raises:
        AttributeError: tests may not have it.
        TypeError: the object's class has none.
    """
    function: Any = _BY_FUNCTION.get(name)
    if function is None and name not in _ON_THE_TYPE:
        raise AttributeError(f"{name} is not available to tests")
    # Look special methods up as the interpreter does: on the type.
    function = function or getattr(type(target), name, None)
    if function is None:
        raise TypeError(f"{type(target).__name__!r} has no {name}")
    return lambda *args, **kwargs: function(target, *args, **kwargs)


def own(value: Any, names: Iterable[str], is_content: bool) -> list[str]:
    """Name those of these special methods that may say otherwise than the tests' process does.

    That goes by identity, by equal data of equal classes, and by the elements that an object gives;
    of containers of the candidate by their content (`is_content`).
    """
    return [name for name in names if _is_own(value, name, is_content)]


def _is_own(value: Any, name: str, is_content: bool) -> bool:
    kind: Any = type(value)
    base = next((base for base in kind.__mro__ if name in vars(base)), object)
    if base is object or vars(base)[name] is None or kind in _METHODS:
        return False
    if issubclass(kind, type):
        return base.__module__ not in ("builtins", "abc", "enum")
    is_built_in = base.__module__ in ("builtins", "collections")
    if name == "__contains__" or (is_content and name in EQUALITY):
        return not is_built_in
    return not (name == "__eq__" and _is_of_all_fields(value, vars(base)[name]))


_METHODS: Final = (types.MethodType, types.BuiltinMethodType, types.MethodWrapperType)


def _is_of_all_fields(value: Any, method: Any) -> bool:
    """Tell whether this is the equality of a dataclass, of all that the object holds."""
    dataclasses = sys.modules.get("dataclasses")
    code = getattr(method, "__code__", None)
    if dataclasses is None or code is None or code.co_filename != "<string>":
        return False
    fields = dataclasses.fields(value) if dataclasses.is_dataclass(value) else ()
    held = vars(value) if hasattr(value, "__dict__") else fields
    return all(field.compare for field in fields) and len(held) == len(fields)
