"""What a process's metrics say about its health, and what a step of the trainer adds to them."""

import pytest
from prometheus_client import REGISTRY

from infra import metrics
from infra.health import trouble
from trainer.metrics import Tally
from trainer.modes.config import LossConfig
from trainer.modes.terms import Denominators

ROUND = 'rrtf_last_round_timestamp_seconds{service="sweep"} 1000.0\n'


@pytest.mark.parametrize(
    ("text", "max_age", "now", "found"),
    [
        (ROUND, 60.0, 1050.0, ""),
        (ROUND, 60.0, 1100.0, "the last round ended 100 s ago"),
        ("", 60.0, 1100.0, "no round has ended yet"),
        ("", None, 1100.0, ""),
        ("rrtf_slots_failing 0.0\n", None, 1100.0, ""),
        (
            "rrtf_slots_failing 2.0\n",
            None,
            1100.0,
            "the sandbox of 2 slots fails; `rrtf doctor` says what is missing",
        ),
    ],
)
def test_a_process_is_well_whose_last_round_is_young(
    text: str, max_age: float | None, now: float, found: str
) -> None:
    assert trouble(text, max_age, now) == found


def test_what_a_step_measures_is_exported() -> None:
    measured = Tally(tokens=7, groups=1).metrics(Denominators(pairs=1, ce=1), LossConfig())
    before = REGISTRY.get_sample_value("rrtf_response_tokens_total") or 0.0

    metrics.observe_step(measured | {"seconds": 0.5, "wait_seconds": 2.0})

    assert REGISTRY.get_sample_value("rrtf_response_tokens_total") == before + 7
    assert REGISTRY.get_sample_value("rrtf_step", {"measure": "pair_accuracy"}) == 0.0
    assert REGISTRY.get_sample_value("rrtf_lease_wait_seconds_sum") >= 2.0
