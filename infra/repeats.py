"""Groups that are to be there once, however often the same is asked for."""

import hashlib
import json
from collections.abc import Collection
from uuid import UUID

from sqlalchemy import func, select

from infra.contracts.candidates import NewGroup
from infra.db.tables import GroupRow
from infra.db.unit_of_work import Work


def key_of(problem_id: UUID, new: NewGroup) -> str | None:
    """Name what is asked for, if it is to be there once; how soon it is executed is no part."""
    if not new.once:
        return None
    # Through JSON text with escapes, because a program may hold what UTF-8 cannot.
    asked = new.model_dump(mode="json", exclude={"once", "priority", "cache", "problem"})
    text = json.dumps([str(problem_id), asked], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def known_groups(work: Work, keys: Collection[str]) -> dict[str | None, UUID]:
    """Find the groups of keys; nobody else makes one of these until this transaction ends."""
    for key in sorted(keys):
        lock = int.from_bytes(bytes.fromhex(key)[:8], signed=True)
        work.session.execute(select(func.pg_advisory_xact_lock(lock)))
    rows = work.session.execute(
        select(GroupRow.once_sha256, GroupRow.id).where(GroupRow.once_sha256.in_(keys))
    )
    return {row.once_sha256: row.id for row in rows}
