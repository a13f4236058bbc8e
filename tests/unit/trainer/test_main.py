"""How a trainer ends: whether another start may help."""

import os

import pytest

from infra import errors
from trainer import __main__ as trainer


@pytest.mark.parametrize(
    ("raised", "status"),
    [(errors.ConfigurationError("no such preset"), 1), (OSError("disk full"), os.EX_SOFTWARE)],
)
def test_a_crash_is_no_refusal(monkeypatch, raised, status):
    def run(*_):
        raise raised

    monkeypatch.setattr(trainer, "run", run)
    monkeypatch.setattr(trainer.signal, "signal", lambda *_: None)
    monkeypatch.setattr(trainer.logs, "configure", lambda *_: None)

    assert trainer.main() == status
