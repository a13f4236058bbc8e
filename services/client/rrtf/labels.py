"""What became of labelled programs, one by one and as a table."""

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from infra import errors
from infra.contracts.base import Label

if TYPE_CHECKING:
    from pandas import DataFrame


class Labelled(NamedTuple):
    """One program and its label."""

    task_id: str
    """The problem's name."""
    model: str
    """Which model wrote it; empty where the file does not say."""
    program: str
    label: Label | None
    """None where it was not executed in time, or the executor failed: `reason` says which."""
    pass_fraction: float | None
    """Passed tests over all tests."""
    reason: str = ""


class Labels(list[Labelled]):
    """Labelled programs in the order of their file."""

    def __init__(self, rows: Iterable[Labelled] = (), bad: Iterable[str] = ()) -> None:
        """Take the rows, and what was wrong with lines that could not be used."""
        super().__init__(rows)
        self.bad = tuple(bad)

    def counts(self) -> dict[str, int]:
        """Count the programs by label; those that have none are `unlabelled`."""
        return dict(Counter(one.label.value if one.label else "unlabelled" for one in self))

    def to_pandas(self) -> "DataFrame":
        """Return a table with a row for each program and the columns of `Labelled`.

        Raises:
            errors.ConfigurationError: pandas is not installed.
        """
        try:
            import pandas
        except ImportError:
            raise errors.ConfigurationError(
                "pandas is not installed: pip install 'rrtf-client[pandas]'"
            ) from None
        return pandas.DataFrame(
            [one._replace(label=one.label.value if one.label else None) for one in self],  # type: ignore[arg-type] # A table holds text.
            columns=list(Labelled._fields),
        )

    def write(self, path: str | Path) -> None:
        """Write one JSON line for each program; the file appears when it is whole."""
        partial = Path(f"{path}.partial")
        with partial.open("w") as file:
            for one in self:
                row = one._asdict() | {"label": one.label.value if one.label else None}
                file.write(json.dumps(row) + "\n")
        partial.replace(path)
