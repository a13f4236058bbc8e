"""The requests of tests that call one function each, which are the same for every candidate."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from infra.contracts.execution import Suite
from infra.contracts.problems import AssertTest, CallTest

Plain = Sequence[Mapping[str, Any]] | None
"""The sites of one assert test as data, or None if its code must run."""


def stretches(suite: Suite, plain: Sequence[Plain]) -> dict[int, list[str]]:
    """Return the requests of such tests that follow one another, by the number of the first test.

    Args:
        suite: Whose tests they are.
        plain: Of each of its assert tests, in order.

    Returns:
        JSON of requests as `executor.guest.calls` takes them, each with its position as its id.

    Raises:
        ValueError: the arguments of one are nested too deeply.
    """
    found: dict[int, list[str]] = {}
    sites = iter(plain)
    present: list[str] | None = None
    for number, test in enumerate(suite.tests):
        calls: list[tuple[str | None, Any]] | None = None
        if isinstance(test, CallTest):
            calls = [(test.function or suite.entry_point, [list(test.args), test.kwargs])]
        elif isinstance(test, AssertTest):
            known = next(sites, None)
            if known is not None:
                calls = [(site["function"], [site["args"], site["kwargs"]]) for site in known]
        if calls is None:
            present = None
            continue
        if present is None:
            present = found[number] = []
        present += [_text(at, *call) for at, call in enumerate(calls, len(present))]
    return found


def _text(number: int, function: str | None, given: Any) -> str:
    request = {"op": "call", "id": number, "function": function, "given": given}
    try:
        return json.dumps(request, separators=(",", ":"), allow_nan=False)
    except RecursionError:
        raise ValueError("the arguments of a test are nested too deeply") from None
