"""While a new version is rolled out, workers of the version before it use the new schema.

What they do to the database is insert rows of the columns they know, with or without those that
have a default, and read the same columns; here by the newest migration and the one before it.
"""

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from sqlalchemy.pool import NullPool

from infra.contracts.base import Author, GroupState, Outcome
from infra.contracts.candidates import SamplePlan
from infra.db import migrate
from infra.db.tables import GroupRow
from infra.db.unit_of_work import with_driver
from infra.queues.messaging import Task
from infra.settings import SweepSettings
from ranker import records
from ranker.batching import batches
from ranker.ranking import Rules
from services.api.routers.monitoring.stats import read_stats
from services.delivery.sweep import Sweep

KEPT = {"api_keys", "projects"}
"""Tables with rows that the migrations themselves put there, to which all others refer."""


@pytest.fixture
def engine(database_url):
    made = sa.create_engine(with_driver(database_url), poolclass=NullPool)
    yield made
    made.dispose()


@pytest.fixture
def old(database_url, engine):
    """The tables as the version before knows them; the database itself is at the newest."""
    scripts = ScriptDirectory.from_config(migrate.config())
    before = scripts.get_revision(migrate.head_revision()).down_revision
    assert isinstance(before, str)
    migrate.downgrade(database_url, before)
    known = sa.MetaData()
    known.reflect(engine)
    known.remove(known.tables["alembic_version"])
    migrate.upgrade(database_url)
    return known


@pytest.fixture
def walked(make_group, client, dispatch, sent, database, results_for):
    """A group that was ranked and batched, one that waits, one that asks for samples."""
    ranked = make_group(("teacher", "good"), ("student", "bad"), ("student", "bad"))
    dispatch()
    ids = [one.candidate_id for m in sent.of(Task.EXECUTE_BATCH) for one in m.programs]
    outcomes = [Outcome.PASSED, Outcome.WRONG_ANSWER]
    results = results_for({one: [outcome] * 2 for one, outcome in zip(ids, outcomes, strict=True)})
    with database.unit_of_work() as work:
        assert records.record_results(work, results, Rules()) == [ranked]
        batches.form(work, 1)
    make_group(("student", "waits"))
    make_group(samples=(SamplePlan(author=Author.STUDENT, backend="replay", num_samples=2),))
    client.get_group(ranked)


def filled(table):
    """Whether the database fills a column in by itself."""
    return {column.name for column in table.columns if column.server_default or column.identity}


def ordered(rows):
    """Rows that refer to others of their table, after those."""
    return sorted(rows, key=lambda row: row.get("duplicate_of") is not None)


@pytest.mark.parametrize("leaves_out", ["nothing", "what has a default"])
def test_rows_of_the_version_before_fit_and_what_is_new_reads_them(
    leaves_out, walked, old, engine, database, redis_url
):
    tables = [table for table in old.sorted_tables if table.name not in KEPT]
    with engine.begin() as connection:
        rows = {table: connection.execute(table.select()).mappings().all() for table in tables}
        names = ", ".join(table.name for table in tables)
        connection.execute(sa.text(f"TRUNCATE {names} CASCADE"))
        for table in tables:
            left_out = filled(table) if leaves_out != "nothing" else set()
            kept = [
                {name: value for name, value in row.items() if name not in left_out}
                for row in rows[table]
            ]
            for row in ordered(kept):
                connection.execute(table.insert().values(row))

    written = {table.name for table in tables if rows[table]}
    assert {"problems", "groups", "candidates", "executions", "rankings"} <= written
    assert {"sample_requests", "training_batches"} <= written
    Sweep(database, redis_url, SweepSettings(), 8).round()
    with database.reading() as session:
        stats = read_stats(session)
        states = session.scalars(sa.select(GroupRow.state)).all()
    assert sum(stats.candidates.values()) == 4
    assert len(states) == 3
    if leaves_out == "nothing":
        assert states.count(GroupState.RANKED) == 1
        assert stats.pairs == 1


def test_nothing_that_the_version_before_knows_is_gone_or_narrower(old, engine):
    new = sa.MetaData()
    new.reflect(engine)

    for table in old.tables.values():
        assert table.name in new.tables
        for column in table.columns:
            now = new.tables[table.name].columns[column.name]
            assert str(now.type) == str(column.type), f"{table.name}.{column.name}"
            assert now.nullable or not column.nullable, f"{table.name}.{column.name}"
        for name in set(new.tables[table.name].columns.keys()) - set(table.columns.keys()):
            added = new.tables[table.name].columns[name]
            assert added.nullable or added.server_default or added.identity, f"{table}.{name}"
