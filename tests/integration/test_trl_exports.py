"""TRL's own trainers, unmodified, take a step on what `rrtf export` writes."""

import math

import pytest

from services.exports.shapes import Shape
from services.exports.wanted import Wanted
from services.exports.writing import Format, export
from tests.ranked_groups import PROMPT, STUDENT, TEACHER, candidate, view
from trainer.models.tokenizer import byte_tokenizer

TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)
GROUPS = [
    view(
        candidate(10 * number + 1, TEACHER, 4),
        candidate(10 * number + 2, STUDENT, 2),
        candidate(10 * number + 3, STUDENT, 1),
        number=number,
        problem_slug=f"p/{number}",
    )
    for number in range(1, 3)
]
TRAINERS = {
    "SFT": Shape.COMPLETION,
    "DPO": Shape.PREFERENCE,
    "Reward": Shape.PREFERENCE,
    "KTO": Shape.UNPAIRED,
    "GRPO": Shape.PROMPT,
}
CONFIG = {
    "max_steps": 1,
    "per_device_train_batch_size": 2,
    "use_cpu": True,
    "bf16": False,
    "gradient_checkpointing": False,
    "report_to": [],
    "save_strategy": "no",
    "logging_steps": 1,
    "disable_tqdm": True,
}


def named(completions, problem, **_):
    """Reward as `services.reward.reward` does, which finds the tests by the column `problem`."""
    assert set(problem) <= {"p/1", "p/2"}
    return [float(number) for number, _ in enumerate(completions)]


@pytest.fixture
def small(tmp_path):
    """A model of a few thousand weights, also on disk: DPO and KTO compare with what is there."""
    from transformers import LlamaConfig, LlamaForCausalLM, LlamaForSequenceClassification

    def make(kind, vocabulary):
        classes = {"causal": LlamaForCausalLM, "reward": LlamaForSequenceClassification}
        sizes = {"hidden_size": 32, "intermediate_size": 32, "num_attention_heads": 2}
        end = {"eos_token_id": 0, "pad_token_id": 0, "num_labels": 1}
        config = LlamaConfig(vocab_size=vocabulary, num_hidden_layers=1, **sizes, **end)
        made = classes[kind](config)
        made.save_pretrained(tmp_path / "model")
        made.config._name_or_path = str(tmp_path / "model")
        return made

    return make


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # TRL's own, and those of what it imports.
@pytest.mark.parametrize("conversational", [False, pytest.param(True, marks=pytest.mark.thorough)])
@pytest.mark.parametrize("name", TRAINERS)
def test_a_trainer_takes_a_step(name, conversational, small, tmp_path):
    import trl
    from datasets import load_dataset

    done = export(GROUPS, tmp_path / "out", TRAINERS[name], Format.JSONL, Wanted(), conversational)
    rows = load_dataset(str(tmp_path / "out"), split="train", cache_dir=str(tmp_path / "cache"))
    assert len(rows) == done.rows
    tokenizer = byte_tokenizer()
    tokenizer.chat_template = TEMPLATE
    more, limits = {}, {}
    if name == "GRPO":
        more = {"reward_funcs": named}
        limits = {"num_generations": 2, "max_completion_length": 4}
    trainer = getattr(trl, f"{name}Trainer")(
        model=small("reward" if name == "Reward" else "causal", len(tokenizer)),
        args=getattr(trl, f"{name}Config")(output_dir=str(tmp_path / "run"), **CONFIG, **limits),
        train_dataset=rows,
        processing_class=tokenizer,
        **more,
    )

    loss = trainer.train().training_loss

    assert math.isfinite(loss)
    assert trainer.state.global_step == 1
    logged = trainer.state.log_history[0]
    assert logged["grad_norm"] > 0
    if name == "DPO" and not conversational:
        first = trainer.train_dataset[0]
        text = tokenizer.decode(first["prompt_ids"] + first["chosen_ids"])
        assert text.startswith(PROMPT + GROUPS[0].responses[0].completion)
