"""What the cells of a notebook have shown, as the process beside its kernel tells it.

A candidate may have written that message: it is bounded here, and nothing of it is believed but
what its own cells show.
"""

from typing import Any, Final

from executor.guest.programs.notebook import MOST_BYTES
from executor.sandbox.ended import Budget, Ended
from executor.sandbox.jail import Jail
from infra import errors
from infra.contracts.base import JsonValue, Outcome
from infra.contracts.inline import CellResult, Running

PROCESSES: Final = 24
"""What a kernel and the process beside it have of them, threads included, before any cell runs."""
MOST_PARTS: Final = 500_000
"""Texts, numbers, lists and objects of one message."""
MOST_DEPTH: Final = 64
_LIMITS: Final = {
    "late": Outcome.TIME_LIMIT_EXCEEDED,
    "too_much": Outcome.OUTPUT_LIMIT_EXCEEDED,
}
_FIELDS: Final = ("stdout", "stderr", "display", "error")


def start_of(running: Running) -> dict[str, Any]:
    """Return what a process begins with that runs the cells of a notebook."""
    return {
        "role": "notebook",
        "cells": list(running.cells or ()),
        "cell_seconds": running.cell_seconds,
    }


def told(jail: Jail, budget: Budget) -> dict[str, Any]:
    """Return the message about the cells, empty if there is none.

    Raises:
        Ended: a limit ended the notebook, or the message is too large.
        errors.SandboxError: the kernel did not come up.
    """
    try:
        message: dict[str, Any] = jail.receive(budget)
    except Ended as ended:
        if ended.outcome is Outcome.RUNTIME_ERROR:
            return {}  # Whoever was to send it has ended, or it is none.
        raise
    if "not_started" in message:
        raise errors.SandboxError(f"no kernel: {str(message['not_started'])[:500]}")
    stopped = message.get("stopped")
    if isinstance(stopped, str) and stopped in _LIMITS:
        raise Ended(_LIMITS[stopped], str(message.get("detail"))[:500])
    return message


def cells_of(message: dict[str, Any], count: int) -> tuple[CellResult, ...] | None:
    """Return what so many cells have shown; None if a message does not say so.

    Raises:
        Ended: it says more than is taken.
    """
    cells = message.get("cells")
    if not isinstance(cells, list) or len(cells) != count:
        return None
    cleaned = _Cleaning().value(cells, 0)
    shown = [_cell(one) for one in cleaned] if isinstance(cleaned, list) else []
    return None if None in shown else tuple(one for one in shown if one is not None)


def _cell(value: JsonValue) -> CellResult | None:
    if not isinstance(value, dict) or sorted(value) != sorted(_FIELDS):
        return None
    stdout, stderr, display, error = (value[name] for name in _FIELDS)
    if not isinstance(stdout, str) or not isinstance(stderr, str):
        return None
    bundles, raised = _objects(display), _objects(error)
    if bundles is None or raised is None:
        return None
    return CellResult(stdout=stdout, stderr=stderr, display=bundles, error=raised)


def _objects(value: JsonValue) -> tuple[dict[str, JsonValue], ...] | None:
    if not isinstance(value, list):
        return None
    found = tuple(one for one in value if isinstance(one, dict))
    return found if len(found) == len(value) else None


class _Cleaning:
    """Makes a copy of data within bounds, in which every text can be encoded."""

    def __init__(self) -> None:
        self._parts = 0
        self._characters = 0

    def value(self, value: Any, depth: int) -> JsonValue:
        """Return the copy.

        Raises:
            Ended: it is too large, or nested too deeply.
        """
        self._parts += 1
        if self._parts > MOST_PARTS or depth > MOST_DEPTH:
            raise _too_much(f"over {MOST_PARTS} parts, or {MOST_DEPTH} of them in one another")
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, list):
            return [self.value(one, depth + 1) for one in value]
        if isinstance(value, dict):
            return {self._text(key): self.value(one, depth + 1) for key, one in value.items()}
        if value is None or isinstance(value, bool | int | float):
            return value
        raise AssertionError("JSON has nothing else")

    def _text(self, text: str) -> str:
        self._characters += len(text)
        if self._characters > MOST_BYTES:
            raise _too_much(f"over {MOST_BYTES} characters")
        return text.encode("utf-8", "replace").decode()


def _too_much(what: str) -> Ended:
    return Ended(Outcome.OUTPUT_LIMIT_EXCEEDED, f"the cells show {what}")
