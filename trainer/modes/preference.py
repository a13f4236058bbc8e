"""Preference losses that compare the policy with a frozen reference, in fp32.

With h_i = log P(y_i | x) - log P_ref(y_i | x), sums over tokens:

* DPO (arXiv 2305.18290, equation 7): a pair costs -log sigma(beta * (h_better - h_worse)).
* KTO (arXiv 2402.01306, equation 8): a good response costs 1 - sigma(beta * (h - z)), any other
  1 - sigma(beta * (z - h)). z stands for the divergence from the reference: the mean h of responses
  to other prompts, at least 0, and without a gradient.

Shape suffixes: N responses of one prompt, P pairs.
"""

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional


def dpo_costs(lead_P: Tensor, beta: float) -> Tensor:
    """Return the cost (P,) of each pair, from the lead of its better response in h."""
    return -functional.logsigmoid(beta * lead_P)


def kto_costs(h_N: Tensor, is_good: Sequence[bool], divergence: float, beta: float) -> Tensor:
    """Return the cost (N,) of each response; `divergence` is z."""
    sign_N = h_N.new_tensor([1.0 if good else -1.0 for good in is_good])
    return 1 - (beta * sign_N * (h_N - divergence)).sigmoid()
