"""How many candidates a key may bring in a day: counted in the transaction that stores them."""

from datetime import UTC, datetime, time, timedelta

from fastapi import Depends
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from infra import errors
from infra.db.tables import KeyUsageRow
from infra.db.unit_of_work import Database
from services.api.dependencies import Db
from services.api.keys import CalledBy, Caller


def spend(session: Session, caller: Caller, candidates: int) -> None:
    """Count candidates of a key that has a quota; those of others are not counted.

    Two requests of one key wait here for each other, until the first has been committed.

    Args:
        session: of the transaction that stores them, or of one for this alone.
        caller: whose they are.
        candidates: how many are handed in, asked for or executed.

    Raises:
        errors.QuotaExceeded: they are more than the key may bring today.
    """
    most = caller.candidates_per_day
    if most is None or not candidates:
        return
    now = datetime.now(UTC)
    counted = None
    if candidates <= most:
        row = KeyUsageRow
        counted = session.scalar(
            insert(row)
            .values(api_key_id=caller.api_key_id, day=now.date(), candidates=candidates)
            .on_conflict_do_update(
                index_elements=[row.api_key_id, row.day],
                set_={"candidates": row.candidates + candidates},
                where=row.candidates + candidates <= most,
            )
            .returning(row.candidates)
        )
    if counted is None:
        midnight = datetime.combine(now.date() + timedelta(days=1), time(), UTC)
        raise errors.QuotaExceeded(
            f"this API key may bring {most} candidates a day, and these {candidates} would be more;"
            " go on after midnight (UTC), or ask the operator for a key with a larger quota",
            retry_after=int((midnight - now).total_seconds()) + 1,
        )


def spend_now(database: Database, caller: Caller, candidates: int) -> None:
    """Count candidates that are executed and not stored, before they are.

    Raises:
        errors.QuotaExceeded: they are more than the key may bring today.
    """
    if caller.candidates_per_day is not None:
        with database.unit_of_work() as work:
            spend(work.session, caller, candidates)


def _spend_one(db: Db, caller: CalledBy) -> None:
    spend_now(db, caller, 1)


SPENDS_ONE = Depends(_spend_one)
"""Of an endpoint that executes one program."""
