"""verl's loader, reward managers and advantages with our reward function."""

import asyncio
import math
from importlib.util import find_spec

import numpy as np
import torch
from answers import GOOD, TRUTH
from late import be_late
from omegaconf import OmegaConf
from verl import DataProto
from verl.trainer.ppo import core_algos
from verl.trainer.ppo.reward import load_reward_manager
from verl.workers.reward_manager import get_reward_manager_cls

from services.reward import compute_scores

BAD = "def add(a, b):\n    return a / 0\n"


class Characters:
    """A tokenizer whose tokens are characters."""

    def decode(self, ids, **_):
        return "".join(map(chr, ids))


def batch(*texts):
    width = max(map(len, texts))
    responses = torch.tensor([[*map(ord, text), *[0] * (width - len(text))] for text in texts])
    prompts = torch.ones((len(texts), 1), dtype=torch.long)
    mask = torch.cat([prompts, (responses > 0).long()], dim=1)
    count = len(texts)
    truths = [{"style": "rule", "ground_truth": TRUTH} for _ in texts]
    return DataProto.from_dict(
        tensors={"prompts": prompts, "responses": responses, "attention_mask": mask},
        non_tensors={
            "data_source": np.array(["code"] * count, object),
            "reward_model": np.array(truths, object),
            "extra_info": np.array([{} for _ in texts], object),
        },
    )


def manager(scale):
    path = find_spec("services.reward").origin
    masking = find_spec("services.adapters.for_verl").origin
    config = OmegaConf.create(
        {
            "reward": {
                "custom_reward_function": {
                    "path": path, "name": "compute_score", "reward_kwargs": {"scale": scale},
                },
                "reward_manager": {
                    "source": "importlib", "name": "LabelledRewardManager",
                    "module": {"path": masking},
                },
            }
        }
    )  # fmt: skip
    return load_reward_manager(config, Characters())


def by_loop(loaded, data):
    async def every():
        return [await loaded.run_single(data[n : n + 1]) for n in range(len(data))]

    return loaded.loop.run_until_complete(every())


asyncio.set_event_loop(asyncio.new_event_loop())
loaded = manager("graded")
found = by_loop(loaded, batch(GOOD, BAD, " "))
assert [one["reward_score"] for one in found] == [1.0, 0.05, 0.0], found
assert found[0]["reward_extra_info"]["acc"] == 1.0
many = get_reward_manager_cls("batch")(Characters(), 0, compute_scores)
rewards = many(batch(GOOD, BAD), return_dict=True)["reward_tensor"].sum(dim=-1).tolist()
assert rewards == [1.0, float(torch.tensor(0.05))], rewards

# Of four samples of a prompt one is late: the others are as if it had not been drawn.
estimate = core_algos.get_adv_estimator_fn("labelled_grpo")
scores = torch.tensor([1.0, 0.05, math.nan, 0.0])
rewards, mask = torch.zeros(4, 3), torch.ones(4, 3)
rewards[:, -1] = scores
advantages, _ = estimate(
    token_level_rewards=rewards, response_mask=mask, index=np.array(["a"] * 4), config=None
)
kept = [0, 1, 3]
alone, _ = core_algos.compute_grpo_outcome_advantage(
    rewards[kept], torch.ones(3, 3), np.array(["a"] * 3)
)
assert torch.equal(advantages[kept], alone)
assert not advantages[2].any()
assert mask.sum(dim=-1).tolist() == [3, 3, 0, 3]
assert not rewards.isnan().any()
be_late()
(late,) = compute_scores(["code"], [GOOD], [TRUTH])
assert math.isnan(late["score"])
print("loader, reward loop and batch managers, GRPO; late answers masked")
