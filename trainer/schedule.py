"""The learning rate: a function of the step and of nothing else, so that a resumed run agrees."""

import math


def learning_rate(
    step: int, peak: float, warmup_steps: int, decay_steps: int, final_share: float
) -> float:
    """Return the learning rate of a step, counted from 1.

    It rises linearly to `peak` over the warm-up, stays there if `decay_steps` is 0, and otherwise
    falls along half a cosine to `final_share` of the peak at step `decay_steps`.
    """
    if step <= warmup_steps:
        return peak * step / warmup_steps
    if not decay_steps:
        return peak
    way = min(1.0, (step - warmup_steps) / max(1, decay_steps - warmup_steps))
    return peak * (final_share + (1 - final_share) * 0.5 * (1 + math.cos(math.pi * way)))
