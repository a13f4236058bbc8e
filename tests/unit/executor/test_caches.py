"""What a toolchain compiles once is kept, and made anew when the toolchain is another."""

import os
from pathlib import Path

import pytest

from executor.images.caches import filled
from executor.toolchain_spec import Cache
from infra import errors

COUNTS = ("{program}", "-c", 'cp main "$FILLED" && echo run >> runs && cp runs {folder}/')
CACHE = Cache("word", frozenset(), None, "FILLED", {"main": "text"}, (COUNTS, COUNTS))


@pytest.fixture
def program(tmp_path):
    link = tmp_path / "sh"
    link.write_bytes(Path("/bin/sh").read_bytes())
    link.chmod(0o755)
    return link


def test_it_is_filled_once_for_one_toolchain(program, tmp_path):
    first = filled(tmp_path, program, {}, CACHE)
    (first / "kept").touch()

    again = filled(tmp_path, program, {}, CACHE)
    os.utime(program, (1, 1))
    upgraded = filled(tmp_path, program, {}, CACHE)

    assert (first / "main").read_text() == "text"
    assert (first / "runs").read_text() == "run\nrun\n"
    assert again == first
    assert (again / "kept").exists()
    assert upgraded != first


def test_a_toolchain_that_fails_leaves_nothing_that_is_used(program, tmp_path):
    failing = CACHE._replace(commands=(COUNTS, ("{program}", "-c", "exit 3")))

    for _ in range(2):
        with pytest.raises(errors.SandboxError, match="exit status 3"):
            filled(tmp_path, program, {}, failing)


def test_the_user_of_a_jail_reads_it_whoever_filled_it(program, tmp_path):
    deep = ("{program}", "-c", "mkdir {folder}/deep && cp main {folder}/deep/main")
    before = os.umask(0o077)
    try:
        made = filled(tmp_path, program, {}, CACHE._replace(commands=(deep,)))
    finally:
        os.umask(before)

    modes = [path.stat().st_mode & 0o777 for path in (made, made / "deep", made / "deep" / "main")]
    assert modes == [0o755, 0o755, 0o644]
