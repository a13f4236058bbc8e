"""What may be written for the message of a notebook, and what is taken of it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.judging.notebooks import MOST_DEPTH, MOST_PARTS, cells_of
from executor.sandbox.ended import Ended
from infra.contracts.base import Outcome
from infra.contracts.inline import CellResult, Ending, RunResult

TEXT = st.text(st.sampled_from("a\ud800\udc00\u20ac"), max_size=3)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(0.5) | st.just(10**400) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
OBJECTS = st.lists(st.dictionaries(TEXT, JSON, max_size=2), max_size=2) | JSON
CELL = st.fixed_dictionaries(
    {"stdout": TEXT | JSON, "stderr": TEXT | JSON, "display": OBJECTS, "error": OBJECTS}
)
CELLS = st.lists(CELL | JSON, max_size=3) | JSON


def cell(**fields):
    return {"stdout": "", "stderr": "", "display": [], "error": [], **fields}


@given(cells=CELLS)
def test_whatever_is_written_can_be_handed_on(cells):
    count = len(cells) if isinstance(cells, list) else 1

    shown = cells_of({"cells": cells}, count)

    if shown is not None:
        assert len(shown) == count
        result = RunResult(ending=Ending.EXITED, cells=shown, sandbox="")
        assert RunResult.model_validate_json(result.model_dump_json()) == result


def test_what_cells_show_is_taken_as_it_is():
    display = [{"text/plain": "1", "application/json": {"a": [1, None, True, 0.5]}}]
    error = [{"ename": "E", "evalue": "", "traceback": ["a", "b"]}]

    shown = cells_of({"cells": [cell(stdout="x", stderr="y", display=display, error=error)]}, 1)

    assert shown == (
        CellResult(stdout="x", stderr="y", display=tuple(display), error=tuple(error)),
    )


def test_half_of_a_pair_is_replaced():
    (shown,) = cells_of({"cells": [cell(stdout="\ud800", display=[{"\udc00": "\ud800"}])]}, 1)

    assert (shown.stdout, shown.display) == ("?", ({"?": "?"},))


@pytest.mark.parametrize(
    "cells",
    [
        None, {}, [], [cell(), cell()], [None], [{}], [cell(more=1)], [cell(stdout=None)],
        [cell(stderr=["x"])], [cell(display={})], [cell(display=[1])], [cell(error=[[]])],
    ],
)  # fmt: skip
def test_what_are_no_cells_are_none(cells):
    assert cells_of({"cells": cells}, 1) is None


DEEP = json.loads("[" * (MOST_DEPTH + 1) + "]" * (MOST_DEPTH + 1))


@pytest.mark.parametrize(
    "data", [[0] * MOST_PARTS, DEEP, ["x" * 2**20] * 20, {"x" * 2**25: 1}], ids=range(4)
)
def test_what_is_too_much_is_the_notebooks_fault(data):
    with pytest.raises(Ended) as caught:
        cells_of({"cells": [cell(display=[{"x": data}])]}, 1)

    assert caught.value.outcome is Outcome.OUTPUT_LIMIT_EXCEEDED
