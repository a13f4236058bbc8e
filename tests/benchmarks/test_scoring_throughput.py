"""Response tokens a second through scoring and loss, beside a bare forward and backward pass."""

import time

import torch

from trainer.loss import LossConfig, denominators, group_terms, total
from trainer.model import small_student
from trainer.scoring import response_logps


def rate(step, tokens, repeats=5):
    step()
    began = time.perf_counter()
    for _ in range(repeats):
        step()
    return tokens * repeats / (time.perf_counter() - began)


def test_scored_tokens_against_the_bare_model(capsys):
    torch.manual_seed(0)
    model = small_student(257, seed=0)
    prompt = torch.randint(1, 257, (128,)).tolist()
    responses = [torch.randint(1, 257, (256,)).tolist() for _ in range(8)]
    pairs = [(0, worse, 0.5) for worse in range(1, 8)]
    config = LossConfig()
    counts = denominators([256] * 8, pairs, 0, config)
    ids = torch.tensor([prompt + response for response in responses])

    def bare():
        model(input_ids=ids, use_cache=False).logits.float().logsumexp(-1).sum().backward()

    def scored():
        logps = response_logps(model, prompt, responses)
        total(group_terms(logps, pairs, 0, config), counts, config).backward()

    floor, ours = rate(bare, 8 * 256), rate(scored, 8 * 256)
    with capsys.disabled():
        print()
        print(f"bare forward and backward         {floor:>9.0f} response tokens/s")
        print(f"scored with the RRTF loss         {ours:>9.0f} response tokens/s")
        print(f"ratio                             {ours / floor:>9.2f}")
    assert ours > 0
