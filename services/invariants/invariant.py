"""What an invariant is."""

from typing import NamedTuple

from sqlalchemy import Select


class Invariant(NamedTuple):
    """One thing that must hold."""

    code: str
    says: str
    """What is wrong with the rows that are found."""
    query: str | Select[str]
