"""Keeps what could not be executed out of what verl learns.

    reward.reward_manager.source=importlib
    reward.reward_manager.module.path=.../services/adapters/for_verl.py
    reward.reward_manager.name=LabelledRewardManager
    algorithm.adv_estimator=labelled_grpo    # or labelled_ before another estimator's name

A completion without a label has the score NaN. The estimators here compute the advantages of the
others as if it had not been sampled; its own are 0, its tokens are masked, its rewards 0.
"""

import functools
import inspect
from collections.abc import Callable
from typing import Any

from verl.experimental.reward_loop.reward_manager.naive import NaiveRewardManager
from verl.trainer.ppo import core_algos


class LabelledRewardManager(NaiveRewardManager):
    """verl's own; that its configuration names one from here has verl's trainer read this file."""


def labelled(estimate: Callable[..., Any]) -> Callable[..., Any]:
    """Return an advantage estimator that leaves out samples whose reward is NaN."""
    takes_norm = "norm_adv_by_std_in_grpo" in inspect.signature(estimate).parameters

    @functools.wraps(estimate)
    def estimate_labelled(
        token_level_rewards: Any,
        response_mask: Any,
        index: Any = None,
        config: Any = None,
        **more: Any,
    ) -> tuple[Any, Any]:
        unknown = token_level_rewards.isnan().any(dim=-1)
        known = ~unknown
        rows = known.cpu().numpy()
        if index is not None:
            more["index"] = index[rows]
        if takes_norm and config is not None:
            more["norm_adv_by_std_in_grpo"] = config.get("norm_adv_by_std_in_grpo", True)
        found = estimate(
            token_level_rewards=token_level_rewards[known],
            response_mask=response_mask[known],
            config=config,
            **more,
        )
        # In place: these are the batch's own, which the losses and metrics read.
        token_level_rewards[unknown] = 0
        response_mask[unknown] = 0
        advantages, returns = (token_level_rewards.new_zeros(response_mask.shape) for _ in found)
        advantages[known], returns[known] = found
        return advantages, returns

    return estimate_labelled


for _name, _estimate in list(core_algos.ADV_ESTIMATOR_REGISTRY.items()):
    if not _name.startswith("labelled_"):
        core_algos.register_adv_est(f"labelled_{_name}")(labelled(_estimate))
