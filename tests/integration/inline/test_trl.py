"""TRL's own GRPOTrainer, unmodified, takes a step with our reward function."""

import pytest

from infra.contracts.problems import CallTest, Problem
from services import reward as rewards
from services.reward import reward
from tests.integration.inline.conftest import KEY


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # TRL's own, and those of what it imports.
def test_a_grpo_step_of_the_small_student_is_rewarded(
    suite_client, inline_url, monkeypatch, tmp_path
):
    from datasets import Dataset
    from trl import GRPOConfig, GRPOTrainer

    from trainer.models.model import small_student
    from trainer.models.tokenizer import byte_tokenizer

    monkeypatch.setenv("RRTF_CLIENT_URL", inline_url)
    monkeypatch.setenv("RRTF_CLIENT_KEY", KEY)
    rewards._scorer_of.cache_clear()
    test = CallTest(args=(1, 2), expected=3)
    suite_client.add_problem(
        Problem(slug="trl/add", prompt="add", entry_point="add", tests=(test,))
    )
    tokenizer = byte_tokenizer()
    trainer = GRPOTrainer(
        model=small_student(len(tokenizer), seed=0),
        processing_class=tokenizer,
        reward_funcs=reward,
        train_dataset=Dataset.from_dict({"prompt": ["add"] * 2, "problem": ["trl/add"] * 2}),
        args=GRPOConfig(
            output_dir=str(tmp_path),
            per_device_train_batch_size=4,
            num_generations=4,
            max_completion_length=12,
            max_steps=1,
            use_cpu=True,
            bf16=False,
            logging_steps=1,
            report_to="none",
            save_strategy="no",
        ),
    )

    trainer.train()

    (logged,) = [entry for entry in trainer.state.log_history if "rewards/reward/mean" in entry]
    # Random bytes that do not compile, or that define nothing: the two lowest labels.
    assert 0 <= logged["rewards/reward/mean"] <= 0.05
    rewards.scorer().client.close()
