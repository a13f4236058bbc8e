"""Requests that may be repeated: the same `Idempotency-Key`, the same effect once."""

import hashlib
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Header
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from infra import errors
from infra.db.tables import IdempotentRequestRow
from infra.db.unit_of_work import Database, Work

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Makes a repeat of this request answer as the first did, for 24 hours.",
    ),
]


def once(
    work: Work, api_key_id: int, key: str | None, request: bytes, make: Callable[[], list[Any]]
) -> list[Any]:
    """Return what `make` made in this transaction, or for the first request with this key.

    Raises:
        errors.IdempotencyMismatch: the key came with another request.
    """
    if key is None:
        return make()
    fingerprint = hashlib.sha256(request).hexdigest()
    row = IdempotentRequestRow
    # A repeat that comes while the first is being served waits here for it. It then locks the row,
    # which could else be forgotten before it is read, and alters nothing.
    found = work.session.execute(
        insert(row)
        .values(api_key_id=api_key_id, key=key, fingerprint=fingerprint)
        .on_conflict_do_update(index_elements=[row.api_key_id, row.key], set_={"key": key})
        .returning(row.fingerprint, row.answer)
    ).one()
    if found.fingerprint != fingerprint:
        raise errors.IdempotencyMismatch
    if found.answer is not None:  # It was committed together with its effect.
        return list(found.answer)
    answer = make()
    this = (row.api_key_id == api_key_id, row.key == key)
    work.session.execute(update(row).where(*this).values(answer=answer))
    return answer


def is_repeat(database: Database, api_key_id: int, key: str) -> bool:
    """Tell whether a request with this key was answered, so that another will store nothing."""
    row = IdempotentRequestRow
    with database.reading() as session:
        answered = select(row.key).where(
            row.api_key_id == api_key_id, row.key == key, row.answer.is_not(None)
        )
        return session.scalar(answered) is not None
