"""What the size of a model decides, and that settings come first."""

import pytest

from trainer.choices import choose
from trainer.settings import Optimizer, TrainerSettings

MILLION, BILLION = 10**6, 10**9


@pytest.mark.parametrize(
    ("parameters", "on_gpu", "rate", "bf16", "checkpointing", "tokens", "optimizer"),
    [
        (MILLION, True, 1e-3, False, False, 4096, Optimizer.ADAMW),
        (MILLION, False, 1e-3, False, False, 4096, Optimizer.ADAMW),
        (125 * MILLION, True, 1e-4, True, False, 8192, Optimizer.ADAMW),
        (1.5 * BILLION, True, 2e-5, True, True, 8192, Optimizer.ADAMW),
        (1.5 * BILLION, False, 2e-5, False, True, 8192, Optimizer.ADAMW),
        (15 * BILLION, True, 2e-5, True, True, 8192, Optimizer.ADAMW),
        (34 * BILLION, True, 1e-5, True, True, 8192, Optimizer.ADAMW_8BIT),
    ],
)
def test_the_size_of_a_model_decides(
    parameters, on_gpu, rate, bf16, checkpointing, tokens, optimizer
):
    found = choose(TrainerSettings(), int(parameters), on_gpu)

    assert found.learning_rate == rate
    assert (found.bf16, found.gradient_checkpointing) == (bf16, checkpointing)
    assert (found.max_row_tokens, found.optimizer) == (tokens, optimizer)
    assert all("by size" in why for why in found.reasons.values())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("learning_rate", 3e-6),
        ("bf16", False),
        ("gradient_checkpointing", False),
        ("max_row_tokens", 1000),
        ("optimizer", Optimizer.ADAMW_8BIT),
    ],
)
def test_a_setting_comes_before_the_size_and_is_named(name, value):
    found = choose(TrainerSettings(**{name: value}), 7 * BILLION, on_gpu=True)

    assert getattr(found, name) == value
    assert found.reasons[name] == f"set by RRTF_TRAINER_{name.upper()}"
    assert sum("set by" in why for why in found.reasons.values()) == 1


def test_adapters_of_a_large_model_learn_ten_times_faster_than_its_weights():
    settings = TrainerSettings(lora_rank=8)

    assert choose(settings, 7 * BILLION, on_gpu=True).learning_rate == pytest.approx(2e-4)
    assert choose(settings, MILLION, on_gpu=True).learning_rate == 1e-3
