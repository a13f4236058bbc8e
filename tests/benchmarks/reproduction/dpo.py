"""The baseline DPO, as TRL has it: run with TRL's own environment, on the same pairs."""

import json
import sys
from pathlib import Path

import torch
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import DPOConfig, DPOTrainer


def main(model: str, pairs: str, out: str, epochs: str, rate: str, seed: str) -> None:
    """Train on `{"prompt", "chosen", "rejected"}` lines and save what `transformers` loads."""
    torch.set_num_threads(1)
    records = [json.loads(line) for line in Path(pairs).read_text().splitlines()]
    config = DPOConfig(
        output_dir=out,
        num_train_epochs=float(epochs),
        per_device_train_batch_size=64,
        learning_rate=float(rate),
        lr_scheduler_type="constant_with_warmup",
        warmup_steps=5,
        beta=0.1,
        max_length=256,
        seed=int(seed),
        bf16=False,
        gradient_checkpointing=False,
        precompute_ref_log_probs=True,
        use_cpu=True,
        report_to=[],
        save_strategy="no",
        logging_steps=20,
        disable_tqdm=True,
    )
    policy = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(model)
    trainer = DPOTrainer(
        policy, args=config, train_dataset=Dataset.from_list(records), processing_class=tokenizer
    )
    trainer.train()
    policy.save_pretrained(out)
    tokenizer.save_pretrained(out)


if __name__ == "__main__":
    main(*sys.argv[1:])
