"""Which suite a client finds, and which key it is told."""

import pytest

from services.client.rrtf import connecting


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, tmp_path):
    monkeypatch.setenv("RRTF_HOME", str(tmp_path))
    monkeypatch.setenv("RRTF_CLIENT_URL", "http://known:1")
    monkeypatch.setenv("RRTF_CLIENT_KEY", "secret")


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ((None, None), ("http://known:1", "secret")),
        (("http://known:1", None), ("http://known:1", "secret")),
        (("http://known:1", "other"), ("http://known:1", "other")),
        (("http://elsewhere:1", None), ("http://elsewhere:1", None)),
        (("http://elsewhere:1", "own"), ("http://elsewhere:1", "own")),
    ],
)
def test_a_key_of_the_environment_goes_to_its_own_address_alone(monkeypatch, given, found):
    opened = []
    monkeypatch.setattr(connecting, "Client", lambda *words: opened.append(words))

    connecting.connect(*given)

    assert opened == [found]
