import contextlib
import json
import re
import threading

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import IntegrityError

import infra.db.ledger  # noqa: F401 - its tables are part of the metadata
from infra import errors, stored_problems
from infra.contracts.base import CheckState
from infra.contracts.problems import Problem, StdioTest
from infra.db import migrate
from infra.db.tables import ProblemRow, Table
from infra.db.unit_of_work import Database, with_driver
from tests.samples import first


@pytest.fixture
def engine(database_url):
    made = sa.create_engine(with_driver(database_url))
    yield made
    made.dispose()


def test_the_migrations_make_exactly_the_tables_of_the_code(engine):
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})

        assert compare_metadata(context, Table.metadata) == []


def test_the_database_knows_every_member_of_every_closed_set(engine):
    wanted = {
        str(constraint.name): set(constraint.sqltext.right.value)
        for table in Table.metadata.tables.values()
        for constraint in table.constraints
        if isinstance(constraint, sa.CheckConstraint)
    }

    query = (
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype = 'c' AND conrelid <> 0"  # Not those of domains.
    )
    with engine.connect() as connection:
        found = {name: text for name, text in connection.execute(sa.text(query))}

    assert {name: set(re.findall(r"'(\w+)'::", text)) for name, text in found.items()} == wanted


def test_the_schema_goes_down_to_nothing_and_up_again(database_url, engine):
    assert migrate.is_current(database_url)

    migrate.downgrade(database_url, "base")

    assert not migrate.is_current(database_url)
    assert set(sa.inspect(engine).get_table_names()) == {"alembic_version"}
    migrate.upgrade(database_url)
    assert migrate.is_current(database_url)


def test_space_of_candidates_is_found_again_before_a_fifth_of_them_is_dead(engine):
    query = "SELECT reloptions FROM pg_class WHERE oid = 'candidates'::regclass"
    with engine.connect() as connection:
        options = connection.scalar(sa.text(query))

    assert "autovacuum_vacuum_scale_factor=0.02" in options


@pytest.mark.parametrize(
    ("language", "image"), [("python", "std"), ("python_numpy", "numpy"), ("rust", "std")]
)
def test_packages_move_from_the_language_of_a_problem_to_its_image_and_back(
    database_url, engine, language, image
):
    def stored():
        with engine.connect() as connection:
            return connection.execute(sa.text("SELECT * FROM problems")).mappings().one()

    tests = (StdioTest(expected_stdout="1"),)
    with contextlib.closing(Database(database_url)) as opened, opened.unit_of_work() as work:
        stored_problems.add_problem(work, Problem(slug="p", prompt="p", tests=tests))
    migrate.downgrade(database_url, before("0011"))
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE problems SET language = :to"), {"to": language})

    migrate.upgrade(database_url)

    row = stored()
    again = Problem(slug="p", prompt="p", tests=tests, language=row["language"], image=image)
    with contextlib.closing(Database(database_url)) as opened, opened.unit_of_work() as work:
        assert stored_problems.add_problem(work, again) == (row["id"], False)
    assert (row["language"], row["image"]) == (language.removesuffix("_numpy"), image)
    assert row["suite_sha256"] is None
    migrate.downgrade(database_url, before("0011"))
    assert stored()["language"] == language


@pytest.mark.parametrize(
    ("cpu", "wall_factor", "idle_factor"), [(50, 3.0, 2.0), (70, 2.0, 1.14), (150, 1.0, 1.0)]
)
def test_a_problem_with_much_time_can_still_be_read(
    database_url, engine, cpu, wall_factor, idle_factor
):
    problem = Problem(slug="p", prompt="p", tests=(StdioTest(expected_stdout="1"),))
    with contextlib.closing(Database(database_url)) as opened, opened.unit_of_work() as work:
        added, _ = stored_problems.add_problem(work, problem)
    migrate.downgrade(database_url, before("0013"))
    of_before = {"wall_factor": wall_factor, "total_cpu_seconds": cpu, "cpu_seconds": 10}
    with engine.begin() as connection:
        connection.execute(
            sa.text("UPDATE problems SET limits = limits || cast(:limits AS jsonb)"),
            {"limits": json.dumps(of_before)},
        )

    migrate.upgrade(database_url)

    with contextlib.closing(Database(database_url)) as opened, opened.unit_of_work() as work:
        limits = stored_problems.load_suite(work.session, added).limits
    assert (limits.total_cpu_seconds, limits.idle_factor) == (min(cpu, 75), idle_factor)
    migrate.downgrade(database_url, before("0013"))
    with engine.begin() as connection:
        limits = connection.execute(sa.text("SELECT limits FROM problems")).scalar_one()
    assert limits["total_cpu_seconds"] * limits.get("wall_factor", 3.0) <= 150


def test_limits_of_wall_time_become_limits_of_idle_time(database_url, engine):
    problem = Problem(slug="p", prompt="p", tests=(StdioTest(expected_stdout="1"),))
    with contextlib.closing(Database(database_url)) as opened, opened.unit_of_work() as work:
        added, _ = stored_problems.add_problem(work, problem)
    migrate.downgrade(database_url, before("0013"))
    with engine.begin() as connection:
        of_before = """{"wall_factor": 3.0, "reference_factor": null}"""
        connection.execute(
            sa.text(
                "UPDATE problems SET limits = limits || cast(:limits AS jsonb),"
                " check_state = 'sound', check_attempts = 1, decided = 'isolated'"
            ),
            {"limits": of_before},
        )

    migrate.upgrade(database_url)

    with contextlib.closing(Database(database_url)) as opened, opened.unit_of_work() as work:
        assert stored_problems.add_problem(work, problem) == (added, False)
        assert stored_problems.load_suite(work.session, added).limits == problem.limits
        row = work.session.get_one(ProblemRow, added)
        # What was decided is of other limits, and so is decided again.
        assert (row.check_state, row.check_attempts) == (CheckState.PENDING, 0)


@pytest.mark.parametrize("cpu", first(1, [75, 20, 50, 150]))
def test_what_an_older_version_stores_after_the_migration_is_read_as_if_before(
    database_url, engine, cpu
):
    problem = Problem(slug="p", prompt="p", tests=(StdioTest(expected_stdout="1"),))
    old = {"wall_factor": 1.0, "reference_factor": None, "total_cpu_seconds": cpu}
    with contextlib.closing(Database(database_url)) as opened:
        with opened.unit_of_work() as work:
            added, _ = stored_problems.add_problem(work, problem)
            row = work.session.get_one(ProblemRow, added)
            row.limits = {k: v for k, v in row.limits.items() if k != "idle_factor"} | old
        with opened.unit_of_work() as work:
            beside = stored_problems.load_suite(work.session, added).limits
        migrate.downgrade(database_url, before("0013"))
        with engine.begin() as connection:
            connection.execute(
                sa.text("UPDATE problems SET limits = limits || cast(:limits AS jsonb)"),
                {"limits": json.dumps(old)},
            )
        migrate.upgrade(database_url)
        with opened.unit_of_work() as work:
            assert stored_problems.load_suite(work.session, added).limits == beside


def before(revision):
    """The revision that one is applied to."""
    return ScriptDirectory.from_config(migrate.config()).get_revision(revision).down_revision


def test_two_starters_migrate_one_database_without_a_collision(database_url):
    migrate.downgrade(database_url, "base")
    failures = []

    def start():
        try:
            migrate.upgrade(database_url)
        except sa.exc.SQLAlchemyError as error:
            failures.append(error)

    starters = [threading.Thread(target=start) for _ in range(3)]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join()

    assert failures == []
    assert migrate.is_current(database_url)


def test_a_state_outside_the_closed_set_is_refused_by_the_database(suite):
    group_id = suite.open(suite.student("x"))

    with pytest.raises(IntegrityError, match="ck_groups_groupstate"), suite.work() as work:
        work.session.execute(
            sa.text("UPDATE groups SET state = 'lost' WHERE id = :id"), {"id": group_id}
        )


def test_deleting_a_group_takes_its_candidates_executions_and_ranking_along(suite):
    group_id = suite.ranked_group()

    with suite.work() as work:
        work.session.execute(sa.text("DELETE FROM groups WHERE id = :id"), {"id": group_id})

    with suite.database.reading() as session:
        for table in ("candidates", "executions", "rankings"):
            assert session.scalar(sa.text(f"SELECT count(*) FROM {table}")) == 0  # noqa: S608


def test_a_database_that_a_newer_version_has_used_is_refused_by_its_revision(database_url, engine):
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(errors.ConfigurationError, match="at revision 9999, which this version"):
        migrate.upgrade(database_url)
