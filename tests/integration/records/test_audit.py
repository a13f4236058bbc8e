"""The auditor finds nothing in a healthy database, and every single thing that is made wrong."""

import json
import re
import uuid
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Integer, select, update
from typer.testing import CliRunner

from infra import errors, intake
from infra.contracts.base import CallState, Label, SampleState
from infra.contracts.candidates import NewGroup
from infra.contracts.execution import ExecutionStarted
from infra.contracts.ranking import (
    CompleteRequest,
    HeartbeatRequest,
    Lease,
    LeaseRequest,
    NewCheckpoint,
)
from infra.db.ledger import CallRow, EndpointAccountRow, KeptCompletionRow
from infra.db.tables import (
    ApiKeyRow,
    CheckpointRow,
    EvaluationRow,
    KeyUsageRow,
    SampleRequestRow,
    Table,
)
from infra.db.unit_of_work import Database
from ranker import records
from ranker.batching import batches
from services.api.idempotency import once
from services.audit import Maxima, audit, inspect
from services.cli.main import app
from services.invariants.every import INVARIANTS
from services.invariants.work import WAITING
from tests.conftest import with_path

MAXIMA = Maxima(max_attempts=3, max_leases=batches.MAX_LEASES)
CODES = {invariant.code for invariant in INVARIANTS}
ORPHANS = sorted(code for code in CODES if code.startswith("orphan_"))


def fill(suite):
    """Bring groups into every state there is."""
    _trained(suite)
    suite.ranked_group(1)
    with suite.work() as work:
        assert batches.form(work, 1) == 1
    with suite.work() as work:
        (held,) = batches.lease(work, LeaseRequest(worker="b")).batches
        batches.heartbeat(work, HeartbeatRequest(leases=(Lease(**_name(held)),)))
    _sampled(suite)
    suite.open(suite.student("alone"))
    suite.record(suite.result(suite.outbox.programs()[-1][0], Label.RUNTIME_ERROR))
    suite.open(suite.teacher("waits"), suite.student("waits"), samples=1)
    suite.start(suite.outbox.programs()[-1][0])
    _shared(suite)


def _name(held):
    return {"batch_id": held.batch_id, "epoch": held.epoch}


def _trained(suite):
    """A group with duplicates and one candidate set aside, ranked, batched and trained."""
    suite.open(
        *(suite.teacher("good"), suite.student("bad"), suite.student("bad")),
        *(suite.student("poison"), suite.student("poison")),
    )
    (good, _), (bad, _), (poison, _) = suite.outbox.programs()
    suite.start(good, bad, poison)
    suite.record(suite.result(good, Label.ALL_PASS), suite.result(bad, Label.PARTIAL_PASS))
    suite.fail(poison, permanent=True)
    with suite.work() as work:
        assert batches.form(work, 1) == 1
    with suite.work() as work:
        (held,) = batches.lease(work, LeaseRequest(worker="a")).batches
        batches.complete(
            work,
            CompleteRequest(
                leases=(Lease(**_name(held)),),
                checkpoint=NewCheckpoint(version=1, path="/checkpoints/1", sha256="0" * 64),
            ),
        )
        checkpoint = work.session.scalars(select(CheckpointRow.id)).one()
        work.session.add(
            EvaluationRow(checkpoint_id=checkpoint, asked_sha256="0" * 64, score=1.0, rates={})
        )


def _sampled(suite):
    group_id = suite.open(samples=1)
    with suite.work() as work:
        request_id = work.session.scalar(
            update(SampleRequestRow)
            .where(SampleRequestRow.group_id == group_id)
            .values(state=SampleState.COMPLETED)
            .returning(SampleRequestRow.id)
        )
        (sampled,) = intake.admit(work, group_id, [suite.student("sampled")], request_id)
    suite.record(suite.result(sampled, Label.COMPILE_ERROR))


def _shared(suite):
    """A caller whose programs were executed for others, or are being."""
    with suite.work() as work:
        sandbox = ExecutionStarted(sandbox="test")
        records.record_started(work, sandbox)
        row = ApiKeyRow(name="bulk", sha256="0" * 64, scopes=["submit"])
        work.session.add(row)
        work.session.flush()
        work.session.add(KeyUsageRow(api_key_id=row.id, day=date(2026, 11, 30), candidates=1))
        work.session.flush()
        key = row.id

    def submit(*programs):
        new = NewGroup(candidates=tuple(map(suite.student, programs)))
        with suite.work() as work:
            (made,) = once(
                work,
                key,
                programs[0],
                b"",
                lambda: [str(intake.open_group(work, suite.problem_id, new, key))],
            )
        suite.dispatch()
        return uuid.UUID(made)

    with suite.work() as work:
        call = CallRow(
            scope=uuid.uuid4(),
            position=0,
            num_samples=1,
            endpoint="teacher",
            model="m",
            state=CallState.COMPLETED,
            reserved=1,
            cost=Decimal("0.25"),
        )
        work.session.add(call)
        work.session.flush()
        kept = KeptCompletionRow(
            scope=call.scope, position=0, call_id=call.id, text="kept", model="m"
        )
        work.session.add(kept)
        # One whose end is not known counts with all that it may have cost.
        lost = {"id": uuid.uuid4(), "position": 1, "state": CallState.LOST, "cost": None}
        same = {"scope": call.scope, "num_samples": 1, "endpoint": "teacher", "model": "m"}
        work.session.add(CallRow(**lost, **same, reserved=Decimal("0.5")))
        work.session.add(EndpointAccountRow(endpoint="teacher", committed=Decimal("0.75")))

    assert suite.rank(submit("good", "good"))
    assert not suite.rank(submit("waits"))


@pytest.fixture(scope="module")
def database(servers, template, suite_on):
    """A healthy database with something in every state; no test leaves a change in it."""
    path = f"audited_{uuid.uuid4().hex}"
    name = sql.Identifier(path)
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        source = sql.Identifier(template)
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, source))
        suite = suite_on(partial(Database, with_path(servers.database_url, f"/{path}")))
        fill(suite)
        with suite.work() as work:
            work.session.connection().exec_driver_sql(VIEWS)
        yield suite.database
        suite.database.close()
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@pytest.fixture
def corrupted(database):
    """Do what no transaction of the suite would, look, and roll it back."""

    def look(*statements, maxima=MAXIMA):
        with database.engine.connect() as connection:
            # No key and no trigger is in the way.
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
            for statement in statements:
                changed = connection.exec_driver_sql(statement).rowcount
                assert changed != 0, f"nothing to corrupt: {statement}"
            return {one.code: one for one in inspect(connection, maxima).findings}

    return look


VIEWS = """
CREATE SCHEMA the;
CREATE VIEW the.good AS SELECT id FROM candidates
  WHERE convert_from(program, 'UTF8') = 'good' AND author = 'teacher';
CREATE VIEW the.bad AS SELECT id FROM candidates
  WHERE convert_from(program, 'UTF8') = 'bad' AND duplicate_of IS NULL;
CREATE VIEW the.copy AS SELECT id FROM candidates
  WHERE duplicate_of IS NOT NULL AND state = 'labelled' AND convert_from(program, 'UTF8') = 'bad';
CREATE VIEW the.poison AS SELECT id FROM candidates
  WHERE duplicate_of IS NULL AND state = 'quarantined';
CREATE VIEW the.trained AS SELECT id FROM training_batches WHERE state = 'completed';
CREATE VIEW the.leased AS SELECT id FROM training_batches WHERE state = 'leased';
CREATE VIEW the.ranking AS SELECT id FROM rankings WHERE training_batch_id = (TABLE the.trained);
CREATE VIEW the.ranked AS SELECT group_id AS id FROM rankings WHERE id = (TABLE the.ranking);
CREATE VIEW the.waiting AS SELECT group_id AS id FROM sample_requests WHERE state = 'submitted';
CREATE VIEW the.served AS SELECT id FROM candidates WHERE cached;
CREATE VIEW the.follower AS SELECT id FROM candidates WHERE follows IS NOT NULL;
CREATE VIEW the.leader AS SELECT follows AS id FROM candidates WHERE follows IS NOT NULL;
"""
"""Names for the rows that are made wrong."""


def read_corruptions():
    """Read (code, statements) from the file beside this one."""
    text = Path(__file__).with_name("corruptions.sql").read_text()
    _, *blocks = re.split(r"^-- ([a-z_]+)$", text, flags=re.MULTILINE)
    return [
        (code, [statement for statement in body.split(";") if statement.strip()])
        for code, body in zip(blocks[::2], blocks[1::2], strict=True)
    ]


CORRUPTIONS = read_corruptions()


def test_a_healthy_database_has_no_findings_and_says_what_waits(database):
    found = audit(database, MAXIMA)

    assert found.findings == ()
    assert found.is_clean
    assert set(found.held) == CODES
    waiting = {finding.code: finding.count for finding in found.waiting}
    assert waiting == {
        "candidate_waiting": 3,
        "sample_waiting": 1,
        "group_waiting": 2,
        "check_waiting": 1,
    }
    assert found.rows["candidates"] == 14
    assert found.rows["checkpoints"] == 1


def test_what_waits_is_a_finding_once_everything_should_be_done(database):
    found = audit(database, MAXIMA, complete=True)

    assert {one.code for one in found.findings} == {invariant.code for invariant in WAITING}
    assert not found.is_clean


def test_every_invariant_can_fail():
    assert {code for code, _ in CORRUPTIONS} | set(ORPHANS) == CODES


@pytest.mark.parametrize(
    ("code", "statements"),
    CORRUPTIONS,
    ids=[f"{code}-{number}" for number, (code, _) in enumerate(CORRUPTIONS)],
)
def test_what_is_made_wrong_is_found(corrupted, code, statements):
    found = corrupted(*statements)

    assert found[code].count == len(found[code].ids) > 0


@pytest.mark.parametrize("code", ORPHANS)
def test_a_reference_to_nothing_is_found(corrupted, code):
    names = sorted(Table.metadata.tables, key=len, reverse=True)
    table = next(name for name in names if code.startswith(f"orphan_{name}_"))
    column = code.removeprefix(f"orphan_{table}_")

    is_number = isinstance(Table.metadata.tables[table].c[column].type, Integer)
    nothing = "-1" if is_number else "gen_random_uuid()"
    found = corrupted(
        f"UPDATE {table} SET {column} = {nothing} WHERE ctid ="  # noqa: S608
        f" (SELECT min(ctid) FROM {table} WHERE {column} IS NOT NULL)"
    )

    assert found[code].count == 1


def test_many_rows_at_fault_are_counted_and_the_first_ten_named(corrupted):
    found = corrupted(
        "INSERT INTO problems SELECT (jsonb_populate_record(p, jsonb_build_object('id',"
        " gen_random_uuid(), 'slug', 'p' || n))).* FROM problems p, generate_series(1, 25) n"
    )

    assert set(found) == {"problem_without_tests"}
    (finding,) = found.values()
    assert (finding.count, len(finding.ids)) == (25, 10)


def test_the_maximum_of_attempts_is_the_callers(corrupted):
    often = "UPDATE candidates SET attempts = 7 WHERE state = 'submitted'"

    assert set(corrupted(often)) == {"attempts_over_maximum"}
    assert corrupted(often, maxima=MAXIMA._replace(max_attempts=7)) == {}


def test_a_schema_that_is_not_ours_is_refused(corrupted):
    with pytest.raises(errors.ConfigurationError, match="schema is at 0000"):
        corrupted("UPDATE alembic_version SET version_num = '0000'")


def test_a_database_that_is_away_is_no_clean_one():
    with pytest.raises(errors.Unavailable):
        audit(Database("postgresql://rrtf@127.0.0.1:9/rrtf"), MAXIMA)


def run(database, monkeypatch, *words):
    url = database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    monkeypatch.setenv("DATABASE_URL", url)
    return CliRunner().invoke(app, ["audit", *words])


def test_the_command_ends_with_zero_where_nothing_is_wrong(database, monkeypatch):
    result = run(database, monkeypatch)

    assert result.exit_code == 0
    assert f"{len(CODES)} invariants hold, 0 do not: clean" in result.stdout
    assert "candidate_waiting" in result.stdout


def test_the_command_ends_with_one_and_names_code_count_and_ids(database, monkeypatch):
    result = run(database, monkeypatch, "--complete", "--json")

    assert result.exit_code == 1
    found = {entry["code"]: entry for entry in json.loads(result.stdout)["findings"]}
    assert found["candidate_waiting"]["count"] == 3
    assert all(uuid.UUID(one) for one in found["candidate_waiting"]["ids"])
    assert "NOT clean" in run(database, monkeypatch, "--complete").stdout


def test_the_command_finds_the_database_of_the_suite_that_runs_here(servers, monkeypatch):
    monkeypatch.delenv("DATABASE_URL", raising=False)

    result = CliRunner().invoke(app, ["audit", "--home", str(servers.home)])

    # The servers of these tests keep their databases elsewhere; this one was never migrated.
    assert result.exit_code == 1
    assert "the schema is at None" in result.output


def test_the_command_says_where_it_looked_in_vain(tmp_path, monkeypatch):
    monkeypatch.delenv("DATABASE_URL", raising=False)

    result = CliRunner().invoke(app, ["audit", "--home", str(tmp_path)])

    assert result.exit_code == 1
    assert f"no PostgreSQL of ours runs in {tmp_path}" in result.output
