"""The versions of a policy: asked of Postgres each time, for a trainer writes new ones."""

import re
from pathlib import PurePosixPath
from secrets import token_hex
from typing import NamedTuple

from sqlalchemy import select

from infra.contracts.candidates import SamplePlan
from infra.db import projects
from infra.db.tables import CheckpointRow, PolicyRow
from infra.db.unit_of_work import Database
from sampler.backends import SamplesExhausted

_NAMED = re.compile(r"(.+)/([0-9]{1,9})")


class Version(NamedTuple):
    """One version of a policy; number 0 is what it was before its first checkpoint."""

    policy: str
    number: int
    path: str = ""
    """Folder of the checkpoint, as whoever wrote it sees it."""
    sha256: str = ""

    @property
    def label(self) -> str:
        """Name that no other weights have, not even those of this number from another database."""
        return f"{self._beginning}@{self.number}"

    def fresh_label(self) -> str:
        """Return a label of the same weights that was never given before.

        Weights that were lost and brought again are told by it from weights that stayed.
        """
        return f"{self._beginning}.{token_hex(6)}@{self.number}"

    def is_label(self, text: str) -> bool:
        """Tell whether a server that gives this label has the version."""
        beginning, _, number = text.rpartition("@")
        same = beginning == self._beginning or beginning.startswith(f"{self._beginning}.")
        return same and number == str(self.number)

    @property
    def _beginning(self) -> str:
        return f"{prefix_of(self.policy)}{self.sha256[:12]}"


def prefix_of(policy: str) -> str:
    """Return what the labels of a policy begin with, and no label of another."""
    return f"rrtf/{policy}/"


def named_by(plan: SamplePlan, policy: str, model: str) -> int | None:
    """Return the version that a plan names, or None for the newest.

    Raises:
        SamplesExhausted: it names something else.
    """
    if plan.model in ("", model):
        return None
    found = _NAMED.fullmatch(plan.model)
    if found is None or found[1] != policy:
        raise SamplesExhausted(f"this server has versions of {policy!r}, not {plan.model!r}")
    return int(found[2])


def find_version(database: Database, policy: str, named: int | None) -> Version:
    """Read the newest version, or the one of a number.

    Raises:
        SamplesExhausted: there is none of that number.
    """
    if named == 0:
        return Version(policy, 0)
    query = (
        select(CheckpointRow.version, CheckpointRow.path, CheckpointRow.sha256)
        .join(PolicyRow, PolicyRow.id == CheckpointRow.policy_id)
        # Model servers are the operator's, and so are the policies that they serve.
        .where(PolicyRow.name == policy, PolicyRow.project_id == projects.DEFAULT)
        .order_by(CheckpointRow.version.desc())
        .limit(1)
    )
    if named is not None:
        query = query.where(CheckpointRow.version == named)
    with database.reading() as session:
        found = session.execute(query).one_or_none()
    if found is not None:
        return Version(policy, *found)
    if named is None:
        return Version(policy, 0)
    raise SamplesExhausted(f"{policy!r} has no checkpoint of version {named}")


def seen_from_server(version: Version, folder: str | None) -> str:
    """Return the path of a checkpoint on the server's machine."""
    if folder is None:
        return version.path
    return str(PurePosixPath(folder, *PurePosixPath(version.path).parts[-2:]))
