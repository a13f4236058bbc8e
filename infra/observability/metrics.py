"""Prometheus metrics: every name the suite exports, in one place."""

import itertools
from collections.abc import Iterable, Mapping

from prometheus_client import Counter, Gauge, Histogram

from infra import errors
from infra.contracts.base import Author, Label, SkipReason
from infra.contracts.checks import Fault

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_LONG_SECONDS = (0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200, 43200)

CANDIDATES_LABELLED = Counter(
    "rrtf_candidates_labelled_total", "Candidates labelled.", ["label", "author"]
)
CACHE_HITS = Counter(
    "rrtf_cache_hits_total", "Candidates labelled by an execution of the same program elsewhere."
)
PROBLEMS_CHECKED = Counter(
    "rrtf_problems_checked_total", "Problems checked, by what is wrong with them.", ["fault"]
)
GROUPS_RANKED = Counter("rrtf_groups_ranked_total", "Groups ranked.", ["skip_reason"])
GROUPS_LEFT_OUT = Counter(
    "rrtf_groups_left_out_total",
    "Ranked groups left out where training batches are formed, by why.",
    ["skip_reason"],
)
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
CHECKS_IN_STATE = Gauge("rrtf_problem_checks", "Problems by what is known of them.", ["state"])
WAITING_FOR_IMAGE = Gauge(
    "rrtf_waiting_for_image",
    "Open groups and checks of problems whose image of packages no executor at work has.",
    ["image"],
)
SLOTS_AT_WORK = Gauge(
    "rrtf_slots_at_work",
    "Slots of the workers whose heartbeats are heard, as the API knows them.",
    ["room"],
)
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

# Of every worker. What its children count meets in files (`infra.observability.scraping`); a gauge
# of a child that is gone counts no more.
SLOTS = Gauge(
    "rrtf_slots", "Tasks that workers can do at a time.", ["room"], multiprocess_mode="livesum"
)
TASKS_RUNNING = Gauge(
    "rrtf_tasks_running", "Tasks under way.", ["task"], multiprocess_mode="livesum"
)
TASK_SECONDS = Histogram(
    "rrtf_task_seconds", "Time that a task took.", ["task", "state"], buckets=_SECONDS
)
TASK_WAIT_SECONDS = Histogram(
    "rrtf_task_wait_seconds",
    "Time that a message waited in its queue, between two clocks.",
    ["task"],
    buckets=_LONG_SECONDS,
)

# Of the executor.
VERDICT_SECONDS = Histogram(
    "rrtf_verdict_seconds", "Time that a candidate held its slot.", ["label"], buckets=_SECONDS
)
JAIL_SECONDS = Histogram(
    "rrtf_jail_start_seconds", "Time to start a jail in a cell.", buckets=_SECONDS
)
ZYGOTE_BYTES = Gauge(
    "rrtf_zygote_bytes",
    "Resident memory of the warm interpreters of cells, by image, when they were started;"
    " those for other languages are `toolchains`.",
    ["image"],
    multiprocess_mode="livesum",
)
CELLS_BUILT = Counter("rrtf_cells_built_total", "Cells built, by why.", ["reason"])
SLOTS_FAILING = Gauge(
    "rrtf_slots_failing",
    "Slots whose sandbox failed when it was last needed.",
    multiprocess_mode="livesum",
)
SANDBOX_FAILURES = Counter(
    "rrtf_sandbox_failures_total", "Candidates without a verdict by a fault of ours.", ["error"]
)

# Of the ranker.
ATTEMPTS = Histogram(
    "rrtf_attempts", "Attempt that brought a candidate its verdict.", buckets=(1, 2, 3, 5, 10)
)
LABEL_SECONDS = Histogram(
    "rrtf_label_seconds", "From hand-in to label, duplicates included.", buckets=_LONG_SECONDS
)

# Of dispatcher and sweep; the last one of workers too, whose heartbeats are their rounds.
ROUND_SECONDS = Histogram(
    "rrtf_round_seconds", "Time that a round took.", ["service"], buckets=_SECONDS
)
LAST_ROUND = Gauge(
    "rrtf_last_round_timestamp_seconds",
    "When the last round ended well; of a worker, when its last heartbeat was heard.",
    ["service"],
    multiprocess_mode="mostrecent",
)

# Of the trainer.
LEASE_WAIT_SECONDS = Histogram(
    "rrtf_lease_wait_seconds", "Time that a trainer waited for a batch.", buckets=_LONG_SECONDS
)
STEP_SECONDS = Histogram(
    "rrtf_step_seconds", "Time that an optimizer step took.", buckets=_LONG_SECONDS
)
RESPONSE_TOKENS = Counter("rrtf_response_tokens_total", "Tokens of responses trained on.")
STEP = Gauge("rrtf_step", "What the last optimizer step measured.", ["measure"])


def from_the_start(counter: Counter, *values: Iterable[str]) -> None:
    """Show a counter at 0 for all values of its labels.

    Prometheus sees no increase in a series that comes with its first event.
    """
    for labels in itertools.product(*values):
        counter.labels(*labels)


_OF_SWEEP = ("candidates", "sample_request", "checks")
_SET_ASIDE = ("candidate", "sample_request", "check", "training_batch")
_OURS: list[type[errors.SandboxError]] = [
    errors.SandboxError,
    *errors.SandboxError.__subclasses__(),
]
from_the_start(CANDIDATES_LABELLED, Label, Author)
from_the_start(PROBLEMS_CHECKED, ("", *Fault))
from_the_start(GROUPS_RANKED, ("", *SkipReason))
from_the_start(GROUPS_LEFT_OUT, SkipReason)
from_the_start(SWEEP_RESENT, _OF_SWEEP)
from_the_start(SWEEP_QUARANTINED, _SET_ASIDE)
from_the_start(CELLS_BUILT, ("first", "worn", "broken", "cold"))
from_the_start(SANDBOX_FAILURES, [kind.__name__ for kind in _OURS])


def observe_step(measured: Mapping[str, object]) -> None:
    """Count an optimizer step; `measured` is what its checkpoint is recorded with."""
    numbers = {name: float(v) for name, v in measured.items() if isinstance(v, int | float)}
    STEP_SECONDS.observe(numbers["seconds"])
    LEASE_WAIT_SECONDS.observe(numbers["wait_seconds"])
    RESPONSE_TOKENS.inc(numbers["response_tokens"])
    for name, value in numbers.items():
        STEP.labels(name).set(value)
