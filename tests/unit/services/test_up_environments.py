"""What `rrtf up` tells each of its processes."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from infra import errors
from services.cli import up

SUITE = SimpleNamespace(
    home=Path("/h"), redis_url="redis://r", executor_redis_url="redis://executor@r",
    database_url="postgresql://d", api_url="u", api_key="k",
)  # fmt: skip


@pytest.fixture(autouse=True)
def servers(tmp_path, monkeypatch):
    path = tmp_path / "servers.toml"
    path.write_text('[large]\nurl = "http://h"\nmodel = "m"\nkey = "LARGE_KEY"\n')
    monkeypatch.setenv("RRTF_SAMPLER_ENDPOINTS", str(path))


def test_the_key_of_a_teacher_reaches_the_sampler_and_nobody_else(monkeypatch):
    monkeypatch.setenv("LARGE_KEY", "sk-1")

    environments = up._environments(SUITE, 1, None)

    assert [name for name, given in environments.items() if "LARGE_KEY" in given] == ["sampler"]
    assert environments["sampler"]["LARGE_KEY"] == "sk-1"


def test_a_key_that_is_not_there_is_named_before_anything_starts(monkeypatch):
    monkeypatch.delenv("LARGE_KEY", raising=False)

    with pytest.raises(errors.ConfigurationError, match="LARGE_KEY"):
        up._environments(SUITE, 1, None)
