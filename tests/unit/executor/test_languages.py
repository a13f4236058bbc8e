"""What a verdict's version tells of the toolchains."""

import os

import pytest

from executor.languages import fingerprint


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
