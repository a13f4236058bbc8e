"""A database that is written into a file, and one that is made of that again."""

import shutil

import psycopg
import pytest
from psycopg import sql
from typer.testing import CliRunner

from infra.local.home import Identity
from infra.local.postgres import Postgres
from services.cli.main import app


@pytest.fixture
def home(open_directory):
    folder = open_directory / "restored"
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


ALL_OF = sql.SQL("SELECT * FROM {} ORDER BY 1")


def contents(url):
    tables = ("problems", "groups", "candidates", "alembic_version")
    with psycopg.connect(url) as connection:
        return {
            table: connection.execute(ALL_OF.format(sql.Identifier(table))).fetchall()
            for table in tables
        }


def test_what_was_saved_is_there_again_in_a_new_data_directory(
    database_url, make_group, home, tmp_path, monkeypatch
):
    make_group(("teacher", "good"), ("student", "bad"))
    monkeypatch.setenv("DATABASE_URL", database_url)
    file = tmp_path / "suite.backup"

    saved = CliRunner().invoke(app, ["backup", str(file)])
    restored = CliRunner().invoke(app, ["restore", str(file), str(home)])
    again = CliRunner().invoke(app, ["restore", str(file), str(home)])

    assert (saved.exit_code, restored.exit_code, again.exit_code) == (0, 0, 1), saved.output
    assert file.stat().st_mode & 0o777 == 0o600
    assert "has a database already" in again.stderr
    server = Postgres(home, Identity())
    server.start()
    try:
        found = contents(server.url)
    finally:
        server.stop()
    assert found == contents(database_url)
    assert len(found["candidates"]) == 2


def test_a_file_that_is_no_backup_is_refused_in_one_line(home, tmp_path):
    (tmp_path / "file").write_text("none")

    ended = CliRunner().invoke(app, ["restore", str(tmp_path / "file"), str(home)])

    assert ended.exit_code == 1
    assert "pg_restore" in ended.stderr
    assert "Traceback" not in ended.output
    assert not (home / "postgres").exists()
