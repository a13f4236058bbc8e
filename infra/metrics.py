"""Prometheus metrics: every name the suite exports, in one place."""

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

CANDIDATES_LABELLED = Counter(
    "rrtf_candidates_labelled_total", "Candidates labelled.", ["label", "author"]
)
CACHE_HITS = Counter(
    "rrtf_cache_hits_total", "Candidates labelled by an execution of the same program elsewhere."
)
GROUPS_RANKED = Counter("rrtf_groups_ranked_total", "Groups ranked.", ["skip_reason"])
BATCHES_COMPLETED = Counter("rrtf_training_batches_completed_total", "Training batches completed.")
SWEEP_RESENT = Counter("rrtf_sweep_resent_total", "Messages sent again by the sweep.", ["what"])
SWEEP_QUARANTINED = Counter("rrtf_quarantined_total", "Work set aside as poison.", ["what"])
SEND_FAILURES = Counter(
    "rrtf_send_failures_total", "Messages left for the sweep to send.", ["task"]
)
REQUEST_SECONDS = Histogram(
    "rrtf_api_request_seconds", "Time to answer a request.", ["route", "method"], buckets=_SECONDS
)
CANDIDATES_IN_STATE = Gauge("rrtf_candidates", "Candidates in each state.", ["state"])
GROUPS_IN_STATE = Gauge("rrtf_groups", "Groups in each state.", ["state"])
BATCHES_IN_STATE = Gauge("rrtf_training_batches", "Training batches in each state.", ["state"])
QUEUE_DEPTH = Gauge("rrtf_queue_depth", "Messages waiting in a queue.", ["queue"])
OLDEST_SECONDS = Gauge(
    "rrtf_oldest_seconds", "Age of what has waited longest at each step.", ["step"]
)
SAMPLING_CALLS = Gauge(
    "rrtf_sampling_calls", "Requests to a model server in each state.", ["endpoint", "state"]
)
SAMPLING_TOKENS = Gauge(
    "rrtf_sampling_tokens", "Tokens a model server counted.", ["endpoint", "kind"]
)
SAMPLING_COST = Gauge(
    "rrtf_sampling_cost",
    "What a model server has cost, in the currency of its prices.",
    ["endpoint"],
)
SAMPLING_BUDGET = Gauge("rrtf_sampling_budget", "Most that a model server may cost.", ["endpoint"])
TEACHER_GROUPS = Gauge(
    "rrtf_teacher_groups",
    "Groups in which a teacher's best program wins, ties or loses against the students' best.",
    ["model", "result"],
)
