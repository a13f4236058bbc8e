"""What is known of the data that a model was trained on: when they end, what was met in them."""

from datetime import date
from pathlib import Path
from typing import Any, Final, NamedTuple

from infra import errors
from services.evaluation.folder import read_json, rows_of


class Trained(NamedTuple):
    """What is known of a model's training data."""

    cutoff: date | None = None
    """When they end."""
    met: frozenset[str] | None = None
    """Problems that are in them; None where nobody has looked."""

    @staticmethod
    def read(path: Path) -> "Trained":
        """Read what was written of a model.

        Raises:
            errors.InvalidInput: the file cannot be read.
        """
        said = read_json(path) if path.exists() else {}
        cutoff, met = said.get("cutoff"), said.get("met")
        return Trained(
            date.fromisoformat(cutoff) if cutoff else None,
            None if met is None else frozenset(met),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "cutoff": self.cutoff.isoformat() if self.cutoff else None,
            "met": None if self.met is None else sorted(self.met),
        }


NOTHING_KNOWN: Final = Trained()


def problems_met(report: Path) -> frozenset[str]:
    """Return the problems that a report of `rrtf decontaminate` names.

    Raises:
        errors.InvalidInput: it cannot be read, or is no such report.
    """
    try:
        return frozenset(hit["problem"] for row in rows_of(report) for hit in row["hits"])
    except (KeyError, TypeError) as error:
        raise errors.InvalidInput(
            f"{report} is no report of `rrtf decontaminate` ({error!r}); write one with --report"
        ) from None
