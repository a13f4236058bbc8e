"""What `rrtf up` gives to the services it starts."""

import pytest

from services.cli.suite import running


def test_each_service_shows_its_metrics_at_a_port_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("RRTF_METRICS_PORT", "9100")

    ports = [running._metrics(number)["RRTF_METRICS_PORT"] for number in range(3)]

    assert ports == ["9100", "9101", "9102"]


def test_without_a_port_no_metrics_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RRTF_METRICS_PORT", raising=False)

    assert running._metrics(1) == {}
