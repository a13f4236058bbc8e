"""Memory that is told before anything is loaded."""

import json

import pytest
from structlog.testing import capture_logs
from typer.testing import CliRunner

from services.cli.main import app
from tests.benchmarks.trainer.memory import CASES, measured, predicted, write_model
from trainer import __main__ as trainer
from trainer.planning.announcement import announce, explain
from trainer.planning.cards import Cards
from trainer.planning.plan import make_plan
from trainer.settings import TrainerSettings

CODER_1_5B = {
    "model_type": "qwen2",
    "hidden_size": 1536,
    "intermediate_size": 8960,
    "num_hidden_layers": 28,
    "num_attention_heads": 12,
    "num_key_value_heads": 2,
    "max_position_embeddings": 32768,
    "vocab_size": 151936,
    "tie_word_embeddings": True,
}
SHALLOW = CODER_1_5B | {"num_hidden_layers": 2}
STARCODER2_15B = {
    "model_type": "starcoder2",
    "hidden_size": 6144,
    "intermediate_size": 24576,
    "num_hidden_layers": 40,
    "num_attention_heads": 48,
    "num_key_value_heads": 4,
    "max_position_embeddings": 16384,
    "sliding_window": 4096,
    "vocab_size": 49152,
    "tie_word_embeddings": False,
    "bos_token_id": 0,
    "eos_token_id": 0,
}
MIXTURE = {
    "model_type": "mixtral",
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "num_local_experts": 4,
    "max_position_embeddings": 256,
    "experts_implementation": "eager",
}
GIB = 2**30


@pytest.fixture
def named(tmp_path):
    """Write a model's configuration, and nothing else."""

    def write(config):
        (tmp_path / "config.json").write_text(json.dumps(config))
        return str(tmp_path)

    return write


@pytest.mark.slow
@pytest.mark.parametrize(
    ("config", "cards", "published"),
    [(CODER_1_5B, "1x80", 1.54e9), (STARCODER2_15B, "8x80", 15.96e9)],
)
def test_models_of_1_5_and_15_billion_fit_with_no_setting(named, config, cards, published):
    model = named(config)

    plan = make_plan(TrainerSettings(), model, Cards.parse(cards))

    assert plan.parameters == plan.trained == pytest.approx(published, rel=0.01)
    assert plan.fits
    # Weights, gradients and two means in fp32, divided over the cards.
    assert plan.weights == plan.gradients == 4 * plan.parameters // plan.cards.count
    assert plan.optimizer == 8 * plan.parameters // plan.cards.count
    assert plan.checkpoint == 12 * plan.parameters
    assert 1 * GIB < plan.activations < 20 * GIB
    assert (plan.gathered > 0) == (plan.cards.count > 1)


@pytest.mark.slow
def test_what_does_not_fit_is_told_with_settings_and_cards_that_do(named):
    settings = TrainerSettings(model=named(SHALLOW))
    small = Cards(count=1, memory=6 * GIB, on_gpu=True)

    told = explain(settings, small)

    assert "does not fit" in told
    _, _, advice = told.partition("to make it fit: ")
    changed = dict(pair.split("=") for pair in advice.split() if pair.startswith("RRTF_TRAINER_"))
    fields = {
        name.removeprefix("RRTF_TRAINER_").lower(): v.strip(";") for name, v in changed.items()
    }
    assert fields
    assert make_plan(TrainerSettings(**fields), settings.model, small).fits
    more = Cards(count=2, memory=small.memory, on_gpu=True)
    assert ("train on 2 such cards" in advice) == make_plan(settings, settings.model, more).fits


@pytest.mark.slow
def test_each_choice_takes_less_of_what_it_is_for(named):
    model, card = named(SHALLOW), Cards.parse("1x80")
    plain = make_plan(TrainerSettings(), model, card)

    def plan(**fields):
        return make_plan(TrainerSettings(**fields), model, card)

    assert plan(gradient_checkpointing=True).activations < 0.9 * plain.activations
    assert plan(offload_activations=True).activations < 0.9 * plain.activations
    assert plan(max_row_tokens=4096).activations < 0.8 * plain.activations
    assert plan(optimizer="adamw_8bit").optimizer < 0.26 * plain.optimizer
    half = plan(weights="bf16")
    assert (half.weights, half.gradients) == (plain.weights // 2, plain.gradients // 2)
    adapters = plan(lora_rank=16)
    assert adapters.gradients + adapters.optimizer < 0.05 * plain.gradients
    assert plan(lora_rank=16, lora_4bit=True).weights < adapters.weights
    assert plan(mode="dpo").reference == plain.weights


@pytest.mark.slow
@pytest.mark.parametrize(
    "case", ["adapters", pytest.param("60,000 tokens, tied", marks=pytest.mark.thorough)]
)
def test_a_plan_is_within_15_percent_of_the_measured_peak(tmp_path, case):
    assert case in CASES
    model = write_model(tmp_path, case)

    assert predicted(case, model) == pytest.approx(measured(case, model), rel=0.15)


@pytest.mark.slow
def test_the_trainer_tells_its_plan_and_starts_nothing(named, capsys, monkeypatch):
    monkeypatch.setenv("RRTF_TRAINER_MODEL", named(SHALLOW))
    monkeypatch.setattr(trainer.logs, "configure", lambda *_: None)

    assert trainer.main(["--plan", "2x24"]) == 0
    assert "on 2 GPUs of 24 GiB" in capsys.readouterr().out
    assert trainer.main(["--plan", "many"]) == 1


@pytest.mark.slow
def test_the_command_line_asks_the_trainer_and_wants_nothing_else(capfd):
    done = CliRunner().invoke(app, ["train", "--plan", "1x8"])

    assert done.exit_code == 0
    assert "a small model: 0.6 million parameters" in capfd.readouterr().out


def test_a_run_tells_what_was_chosen_also_where_its_memory_cannot_be_told(named):
    """Which tokens an expert of this model gets depends on what they are."""
    settings = TrainerSettings(model=named(MIXTURE))

    with capture_logs() as logs:
        announce(settings, None, 1)

    assert [entry["event"] for entry in logs if entry["event"].startswith("trainer.")] == [
        "trainer.chosen",
        "trainer.memory_unknown",
    ]
