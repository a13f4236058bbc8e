"""Names of the candidate that stand for what the standard library defines.

The candidate's side says what a name stands for there; the tests' side takes its own. All that a
false claim can bring about is another public object of these modules: none of them steers a test
run or equals what it should not.
"""

import importlib
import sys
import types
from typing import Any, Final

_CLAIMED: Final = frozenset(
    {
        "abc", "array", "base64", "binascii", "bisect", "calendar", "cmath", "collections",
        "collections.abc", "colorsys", "copy", "dataclasses", "datetime", "decimal",
        "difflib", "enum", "fractions", "functools", "hashlib", "heapq", "html", "io", "ipaddress",
        "itertools", "json", "keyword", "math", "numbers", "operator", "pprint", "queue", "re",
        "statistics", "string", "struct", "textwrap", "time", "typing", "unicodedata", "uuid",
        "zoneinfo", "numpy",
    }
)  # fmt: skip
"""Modules whose objects compute, and neither change nor show anything of the process they are in.

`random` is not among them: to seed it is to seed the candidate's.
"""


def claim(name: str, value: Any) -> str | None:
    """Say as what of which module the candidate has a name, as `module:name` or `module:`."""
    if type(value) is types.ModuleType:
        return f"{value.__name__}:"
    names = (name, value.__name__) if issubclass(type(value), type) else (name,)
    for module in sorted(_CLAIMED & sys.modules.keys()):
        content = vars(sys.modules[module])
        for known in names:
            if content.get(known) is value:
                return f"{module}:{known}"
    return None


def own(name: str, claimed: object) -> Any:
    """Return our own of what the candidate says that a name stands for; None if it is no such.

    Under another name only modules and classes are found.
    """
    if type(claimed) is not str:
        return None
    module, _, known = claimed.partition(":")
    # A module of the name itself is what test code means by it.
    allowed = module in _CLAIMED or (module == name and name in sys.stdlib_module_names)
    if not allowed:
        return None
    try:
        content = importlib.import_module(module)
    except ImportError:
        return None  # A language without it.
    if not known:
        return content
    found = None if known.startswith("_") else vars(content).get(known)
    return found if known == name or isinstance(found, type) else None
