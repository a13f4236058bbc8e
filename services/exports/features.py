"""The types of a contract's fields, as readers of data sets are told them: pure.

A reader that guesses takes a field that is null in its first rows for one that always is.
"""

import json
import types
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Union, get_args, get_origin
from uuid import UUID

from infra.contracts.base import Contract

Kind = str | list["Kind"] | dict[str, "Kind"]
"""A plain type, a list of one kind, or fields."""
_PLAIN = {bool: "bool", int: "int64", float: "float64"}
_TEXTS = (str, UUID, datetime, StrEnum)


def kinds_of(contract: type[Contract]) -> dict[str, Kind]:
    """Return the kinds of a contract's fields."""
    return {name: _kind(field.annotation) for name, field in contract.model_fields.items()}


def _kind(annotation: Any) -> Kind:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _kind(inner[0])
    if origin in (Union, types.UnionType):
        (given,) = (one for one in inner if one is not type(None))
        return _kind(given)
    if origin is dict:
        return "string"  # Of any keys: as JSON.
    if origin is tuple:
        kinds = [_kind(one) for one in inner if one is not Ellipsis]
        # A list has one kind: numbers of both are told as those with fractions.
        return [kinds[0] if all(kind == kinds[0] for kind in kinds) else "float64"]
    if issubclass(annotation, Contract):
        return kinds_of(annotation)
    if issubclass(annotation, _TEXTS):
        return "string"
    return _PLAIN[annotation]


def as_told(value: Any, kind: Kind) -> Any:
    """Return plain data as these kinds have it: an object of any keys is text in JSON."""
    if isinstance(value, dict):
        if isinstance(kind, dict):
            return {name: as_told(one, kind[name]) for name, one in value.items()}
        return json.dumps(value)
    if isinstance(value, list) and isinstance(kind, list):
        return [as_told(one, kind[0]) for one in value]
    return value


def as_yaml(kinds: dict[str, Kind], indent: str = "") -> Iterator[str]:
    """Yield the lines that a data set's card says its features in."""
    for name, kind in kinds.items():
        yield f"{indent}- name: {name}"
        yield from _yaml(kind, indent + "  ")


def _yaml(kind: Kind, indent: str) -> Iterator[str]:
    if isinstance(kind, str):
        yield f"{indent}dtype: {kind}"
    elif isinstance(kind, dict):
        yield f"{indent}struct:"
        yield from as_yaml(kind, indent)
    elif isinstance(kind[0], str):
        yield f"{indent}list: {kind[0]}"
    else:
        yield f"{indent}list:"
        yield from (
            as_yaml(kind[0], indent) if isinstance(kind[0], dict) else _yaml(kind[0], indent + "  ")
        )
