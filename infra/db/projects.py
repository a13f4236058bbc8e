"""What a project sees: views of the tables under their own names, in a schema of its own.

A transaction of a project looks there first, so that no query, whoever writes it, meets a row of
another project. What is in no project (keys, the ledger of model servers) is in no view.
"""

from typing import Final

from sqlalchemy import Connection, text

SCHEMA: Final = "in_project"
"""Where the views are."""
BASE: Final = "public"
"""Where the tables are."""
DEFAULT: Final = 0
"""The project of what was there before there were any, and of the key of the environment."""
_CURRENT = "current_setting('rrtf.project')::int"
_OWN = f"project_id = {_CURRENT}"


def _among(column: str, table: str, condition: str) -> str:
    # Constants of ours.
    return f"{column} IN (SELECT id FROM {BASE}.{table} WHERE {condition})"  # noqa: S608


def _of_few(column: str, table: str) -> str:
    # Read once, before all else: joined with, it would lead away from the order of an index.
    own = f"SELECT id FROM {BASE}.{table} WHERE {_OWN}"  # noqa: S608 - constants of ours
    return f"{column} = ANY (ARRAY({own}))"


_OF_KEYS = _of_few("api_key_id", "api_keys")
_OF_POLICIES = _of_few("policy_id", "policies")
_JOINED_WITH_KEYS = _among("api_key_id", "api_keys", _OWN)

CONDITIONS: Final = {
    "problems": _OWN,
    "test_cases": _among("problem_id", "problems", _OWN),
    "policies": _OWN,
    "checkpoints": _OF_POLICIES,
    "evaluations": _among("checkpoint_id", "checkpoints", _OF_POLICIES),
    "groups": _OF_KEYS,
    "sample_requests": _OF_KEYS,
    "candidates": _OF_KEYS,
    "executions": _among("candidate_id", "candidates", _JOINED_WITH_KEYS),
    "training_batches": _OF_POLICIES,
    "rankings": _among("group_id", "groups", _JOINED_WITH_KEYS),
}
"""Which rows of each table are the current project's. A candidate, a request for samples and a
group say whose key brought them, and a key is of one project for ever."""


def make_views(connection: Connection) -> None:
    """Make the views, of all columns that the tables have by now.

    A migration that alters one of these tables drops them first and makes them again afterwards.
    """
    connection.execute(text(f"CREATE SCHEMA {SCHEMA}"))
    for table, condition in CONDITIONS.items():
        connection.execute(
            text(
                f"CREATE VIEW {SCHEMA}.{table} AS SELECT * FROM {BASE}.{table}"  # noqa: S608
                f" WHERE {condition} WITH CASCADED CHECK OPTION"
            )
        )
        if condition == _OWN:
            default = f"ALTER COLUMN project_id SET DEFAULT {_CURRENT}"
            connection.execute(text(f"ALTER VIEW {SCHEMA}.{table} {default}"))


def drop_views(connection: Connection) -> None:
    """Remove the views."""
    connection.execute(text(f"DROP SCHEMA {SCHEMA} CASCADE"))


def enter(connection: Connection, project_id: int) -> None:
    """Have the rest of a transaction see one project's rows only.

    Settings and no query: whoever wants another isolation level may still say so.
    """
    connection.exec_driver_sql(
        f"SET LOCAL search_path = {SCHEMA}, {BASE}; SET LOCAL rrtf.project = {project_id:d}"
    )
