"""What still waits, how often it was begun, and whose it is."""

from services.invariants.invariant import Invariant

WAITING = (
    Invariant(
        "candidate_waiting",
        "a candidate has neither label nor quarantine yet",
        "SELECT id::text FROM candidates WHERE state NOT IN ('labelled', 'quarantined')",
    ),
    Invariant(
        "sample_waiting",
        "a request for samples is not answered yet",
        "SELECT id::text FROM sample_requests WHERE state NOT IN ('completed', 'quarantined')",
    ),
    Invariant(
        "group_waiting",
        "a group is not ranked yet",
        "SELECT id::text FROM groups WHERE state <> 'ranked'",
    ),
    Invariant(
        "check_waiting",
        "a problem has not been checked yet",
        "SELECT id::text FROM problems WHERE check_state = 'pending'",
    ),
)
"""What is no fault while the suite works, and one when it claims to be done."""

ATTEMPTS = (
    Invariant(
        "attempts_over_maximum",
        "begun again and again, more often than allowed, and not set aside",
        """SELECT id::text FROM candidates
           WHERE attempts > :max_attempts + 1 AND state NOT IN ('labelled', 'quarantined')
           UNION ALL SELECT id::text FROM sample_requests
           WHERE attempts > :max_attempts + 1 AND state NOT IN ('completed', 'quarantined')
           UNION ALL SELECT id::text FROM problems
           WHERE check_attempts > :max_attempts + 1 AND check_state = 'pending'""",
    ),
    Invariant(
        "leases_over_maximum",
        "it was leased more often than allowed, or more often than its epoch tells",
        """SELECT id::text FROM training_batches
           WHERE attempts > :max_leases OR attempts > lease_epoch""",
    ),
)

CALLERS = (
    Invariant(
        "api_key_without_secret",
        "an API key other than the environment's that no secret belongs to",
        "SELECT id::text FROM api_keys WHERE (id = 0) <> (sha256 IS NULL)",
    ),
    Invariant(
        "request_without_answer",
        "a request was taken under its `Idempotency-Key`, and what it made is not known",
        """SELECT concat_ws('/', api_key_id, key) AS id FROM idempotent_requests
           WHERE answer IS NULL OR json_typeof(answer) <> 'array'""",
    ),
)
