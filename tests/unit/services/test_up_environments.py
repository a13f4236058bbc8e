"""What `rrtf up` tells each of its processes."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from infra import errors
from infra.local.home import API_KEY, secret_file
from services.cli.suite import running
from services.cli.suite.environments import PASSED_ON, served_policy

SUITE = SimpleNamespace(
    home=Path("/h"), redis_url="redis://r", executor_redis_url="redis://executor@r",
    database_url="postgresql://d", api_url="u", api_key="k",
)  # fmt: skip


@pytest.fixture(autouse=True)
def servers(tmp_path, monkeypatch):
    path = tmp_path / "servers.toml"
    path.write_text('[large]\nurl = "http://h"\nmodel = "m"\nkey = "LARGE_KEY"\n')
    monkeypatch.setenv("RRTF_SAMPLER_ENDPOINTS", str(path))
    return path


def test_the_key_of_a_teacher_reaches_the_sampler_and_nobody_else(monkeypatch):
    monkeypatch.setenv("LARGE_KEY", "sk-1")

    environments = running._environments(SUITE, 1, None)

    assert [name for name, given in environments.items() if "LARGE_KEY" in given] == ["sampler"]
    assert environments["sampler"]["LARGE_KEY"] == "sk-1"


def test_a_key_that_is_not_there_is_named_before_anything_starts(monkeypatch):
    monkeypatch.delenv("LARGE_KEY", raising=False)

    with pytest.raises(errors.ConfigurationError, match="LARGE_KEY"):
        running._environments(SUITE, 1, None)


OF_DEVICES = ["CUDA_VISIBLE_DEVICES", "NCCL_SOCKET_IFNAME", "LD_LIBRARY_PATH", "TORCH_HOME"]
OF_DEVICES += ["PYTORCH_CUDA_ALLOC_CONF", "TRITON_CACHE_DIR", "OMP_NUM_THREADS", "XDG_CACHE_HOME"]
OF_HUBS = ["HF_HOME", "HF_TOKEN", "HF_HUB_OFFLINE", "HUGGING_FACE_HUB_TOKEN"]
OF_NETWORKS = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE"]
OF_NETWORKS += ["REQUESTS_CA_BUNDLE", "http_proxy", "https_proxy", "all_proxy", "no_proxy"]


@pytest.mark.parametrize("name", [*OF_DEVICES, *OF_HUBS, *OF_NETWORKS])
def test_what_a_model_needs_reaches_the_rooms_with_a_model_alone(monkeypatch, name):
    monkeypatch.setenv("LARGE_KEY", "sk-1")
    monkeypatch.setenv(name, "given")

    environments = running._environments(SUITE, 1, None)

    assert {room for room, given in environments.items() if given.get(name) == "given"} == {
        "sampler",
        "trainer",
    }


@pytest.mark.parametrize("name", ["AWS_SECRET_ACCESS_KEY", "OPENAI_API_KEY", "RRTF_CLIENT_KEY"])
def test_what_no_row_names_reaches_nobody(monkeypatch, name):
    monkeypatch.setenv("LARGE_KEY", "sk-1")
    monkeypatch.setenv(name, "secret")

    environments = running._environments(SUITE, 1, None)

    assert not [room for room, given in environments.items() if given.get(name) == "secret"]


def test_an_executor_gets_what_its_row_names_and_that_is_no_secret():
    assert set(PASSED_ON["executor"]) == {
        *("PATH", "HOME", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "VIRTUAL_ENV", "RRTF_DATA"),
        *("RRTF_LOG_*", "RRTF_TRACES_*", "RRTF_EXECUTOR_*", "RRTF_QUEUE_*"),
    }


@pytest.mark.parametrize(
    ("setting", "kept", "expected"),
    [("mine", "old", "mine"), ("", "old\n", "old"), (None, "old", "old"), ("mine", None, "mine")],
)
def test_the_key_of_the_settings_wins_over_that_of_the_last_start(
    monkeypatch, tmp_path, setting, kept, expected
):
    monkeypatch.delenv("RRTF_API_KEY", raising=False)
    if setting is not None:
        monkeypatch.setenv("RRTF_API_KEY", setting)
    if kept is not None:
        secret_file(tmp_path / API_KEY, kept)

    assert running._api_key(tmp_path) == expected


SERVED = """
[mine]
url = "http://h"
model = "m"
policy = "my-policy"
weights = { by = "sglang_disk" }
"""


def test_the_trainer_trains_the_policy_that_is_served(monkeypatch, servers):
    servers.write_text(SERVED)

    assert served_policy("mine") == {"trainer": {"RRTF_TRAINER_POLICY": "my-policy"}}
    with pytest.raises(errors.ConfigurationError, match="'other'"):
        served_policy("other")
    monkeypatch.setenv("RRTF_TRAINER_POLICY", "another")
    with pytest.raises(errors.ConfigurationError, match="'another'"):
        served_policy("mine")


def test_a_first_start_makes_a_key_of_its_own(monkeypatch, tmp_path):
    monkeypatch.delenv("RRTF_API_KEY", raising=False)

    first, second = running._api_key(tmp_path), running._api_key(tmp_path)

    assert len(first) >= 32
    assert first != second
