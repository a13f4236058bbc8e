"""Values as every language has them: null, truth, numbers, texts, lists, mappings and sets.

In JSON a mapping is `{"$dict": [[key, value], ...]}`, a set `{"$set": [...]}`, and a number that
JSON has not `{"$float": "nan"}`. In Python tuples are lists, but for those that are keys.
"""

import math
from typing import Any, Final

from infra.contracts.base import Language
from infra.contracts.values.composites import NotPlain

LANGUAGES: Final = frozenset(
    {
        Language.CPP,
        Language.GO,
        Language.JAVA,
        Language.JAVASCRIPT,
        Language.RUST,
        Language.TYPESCRIPT,
    }
)
"""Those beside Python whose functions can be called with values."""
_ALIKE = frozenset({bool, int, str, type(None)})


def written(value: Any) -> Any:
    """Return a value as JSON.

    Raises:
        NotPlain: not every language has such a value.
    """
    if type(value) in _ALIKE:
        return value
    match value:
        case float():
            return value if math.isfinite(value) else {"$float": repr(value)}
        case list() | tuple():
            return [written(item) for item in value]
        case dict():
            return {"$dict": [[written(key), written(item)] for key, item in value.items()]}
        case set() | frozenset():
            return {"$set": [written(item) for item in value]}
    raise NotPlain(f"only Python has a {type(value).__name__}")


def read(data: Any) -> Any:
    """Return the value that JSON stands for.

    Raises:
        NotPlain: it stands for none.
    """
    if isinstance(data, list):
        return [read(item) for item in data]
    if not isinstance(data, dict):
        return data
    try:
        match data:
            case {"$float": str(text), **rest} if not rest:
                return float(text)
            case {"$dict": list(pairs), **rest} if not rest:
                return {_fixed(read(key)): read(item) for key, item in pairs}
            case {"$set": list(items), **rest} if not rest:
                return {_fixed(read(item)) for item in items}
    except (TypeError, ValueError) as error:
        raise NotPlain(f"malformed value: {error}") from None
    raise NotPlain("malformed value")


def _fixed(value: Any) -> Any:
    return tuple(map(_fixed, value)) if isinstance(value, list) else value


def whole(value: Any) -> Any:
    """Return a value with every number that has no fraction as an integer.

    Languages without types write 1 for 1.0, others 1.0 for what a test calls 1.
    """
    match value:
        case float() if value.is_integer():
            return int(value)
        case list():
            return [whole(item) for item in value]
        case tuple():
            return tuple(map(whole, value))
        case dict():
            return {whole(key): whole(item) for key, item in value.items()}
        case set():
            return {whole(item) for item in value}
    return value
