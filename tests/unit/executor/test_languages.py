"""What a verdict's version tells of the toolchains."""

import os

import pytest

from executor.installed import fingerprint, look_up
from executor.toolchains import named
from infra import errors
from infra.contracts.base import Language


@pytest.fixture
def compiler(tmp_path, monkeypatch):
    program = tmp_path / "gcc"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    os.utime(program, (1, 1))
    monkeypatch.setenv("PATH", str(tmp_path))
    return program


def test_an_upgraded_compiler_is_another_version(compiler):
    before = fingerprint()

    compiler.write_text("#!/bin/sh\n")
    os.utime(compiler, (1, 1))
    assert fingerprint() == before

    os.utime(compiler, (2, 2))
    assert fingerprint() != before


def test_a_missing_compiler_is_another_version(compiler):
    before = fingerprint()

    compiler.unlink()

    assert fingerprint() != before


def test_a_toolchain_that_jails_are_shown_comes_before_any_other(compiler, monkeypatch):
    alone = look_up(Language.C)
    monkeypatch.setenv("PATH", f"{compiler.parent}:/usr/bin")

    found = look_up(Language.C)

    assert alone.path is None
    assert "in none of the folders" in alone.told
    assert found.path.is_relative_to("/usr")


def test_only_languages_with_a_toolchain_are_installed():
    assert named(["cpp", "go"]) == [Language.CPP, Language.GO]
    with pytest.raises(errors.InvalidInput, match="no toolchain for 'cobol': there are c, cpp"):
        named(["cobol"])
