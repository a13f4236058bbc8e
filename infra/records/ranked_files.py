"""Reads ranked groups from files: exports, pages of the API, and lines of groups alone.

There is one form, `infra.contracts.ranking.RankedGroup`; what the API lists and `rrtf export
--shape ranked` writes says more of it (`infra.contracts.views.api.RankedGroupView`).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from infra import errors, strict_json
from infra.contracts.ranking import RankedGroup, Response
from infra.contracts.views.api import RankedGroupView, RankedResponse
from infra.records.record_files import BadLine, read_rows

_OF_VIEWS = RankedGroupView.model_fields.keys() - RankedGroup.model_fields.keys()
_OF_RESPONSES = RankedResponse.model_fields.keys() - Response.model_fields.keys()


def read(path: Path) -> Iterator[RankedGroup | BadLine]:
    """Read ranked groups from JSON lines, JSON or Parquet, plain or gzipped, or a folder of export.

    Raises:
        errors.InvalidInput: the file cannot be read.
    """
    for number, row in read_rows(exported(path) or path):
        if isinstance(row, BadLine):
            yield row
            continue
        try:
            yield from groups_of(row)
        except errors.InvalidInput as error:
            yield BadLine(number, error.detail)


def exported(path: Path) -> Path | None:
    """Return the data file of a folder that `rrtf export` has written, or None of another path."""
    return next(path.glob("data/train.*"), None) if path.is_dir() else None


def is_ranked(row: Any) -> bool:
    """Tell whether a row is a ranked group, or a page of them."""
    if not isinstance(row, dict):
        return False
    if isinstance(row.get("items"), list):
        return all(map(is_ranked, row["items"]))
    return {"responses", "pairs", "best"} <= row.keys()


def groups_of(row: Any) -> Iterator[RankedGroup]:
    """Yield the ranked groups of a row.

    Raises:
        errors.InvalidInput: it is none.
    """
    if not is_ranked(row):
        raise errors.InvalidInput("not a ranked group: it needs responses, pairs and best")
    for one in row.get("items", [row]):
        try:
            if one.keys() & _OF_VIEWS:
                yield RankedGroupView.model_validate(_whole(one))
            else:
                yield RankedGroup.model_validate(one)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise errors.InvalidInput(f"not a ranked group: {where}: {first['msg']}") from None


def _whole(view: dict[str, Any]) -> dict[str, Any]:
    """Return a view with the fields that are null, which Parquet leaves out."""
    responses = view["responses"]
    if isinstance(responses, list):
        nulls = dict.fromkeys(_OF_RESPONSES)
        responses = [
            nulls | one | _sampled(one) if isinstance(one, dict) else one for one in responses
        ]
    return dict.fromkeys(_OF_VIEWS) | view | {"responses": responses}


def _sampled(response: dict[str, Any]) -> dict[str, Any]:
    """Return what a response was sampled from; objects of any keys are text in data sets."""
    sampled = response.get("sampled")
    if not isinstance(sampled, dict) or not isinstance(sampled.get("form"), dict):
        return {}
    form = sampled["form"] | _object(sampled["form"], "template")
    return {"sampled": sampled | _object(sampled, "answer") | {"form": form}}


def _object(holder: dict[str, Any], name: str) -> dict[str, Any]:
    text = holder.get(name)
    try:
        return {name: strict_json.loads(text)} if isinstance(text, str) else {}
    except ValueError as error:
        raise errors.InvalidInput(f"not a ranked group: {name}: not JSON: {error}") from None


def candidates_of(row: Any) -> Iterator[dict[str, Any]]:
    """Yield the responses of the ranked groups of a row as records of candidates.

    Of which version of a policy they are is left out, for they may be submitted to another.

    Raises:
        errors.InvalidInput: it is none.
    """
    for group in groups_of(row):
        for response in group.responses:
            yield {
                "task_id": group.problem_slug,
                "author": response.author,
                "model": response.model if isinstance(response, RankedResponse) else "",
                "program": response.program,
                "finish_reason": None if response.finished else "length",
            }
