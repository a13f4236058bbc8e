"""A scorer to whom no executor answers in time: what a failure of ours looks like from outside."""

from services import reward
from services.adapters import judging
from services.scoring.completions import Scorer


def be_late() -> None:
    """Have every completion of this process come too late from now on."""
    late = Scorer(reward.scorer().client, wait_seconds=1e-6)
    reward.scorer = judging.scorer = lambda: late
