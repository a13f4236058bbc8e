"""Every candidate has one label, from an execution that speaks of it, or one reason for none."""

from services.invariants.invariant import Invariant

LABELS = (
    Invariant(
        "label_incomplete",
        "labelled, but label, fraction, execution or time is missing",
        """SELECT id::text FROM candidates WHERE state = 'labelled'
           AND num_nulls(label, pass_fraction, execution_id, labelled_at) > 0""",
    ),
    Invariant(
        "label_out_of_state",
        "not labelled, but it has a label, fraction, execution or time of labelling",
        """SELECT id::text FROM candidates WHERE state <> 'labelled'
           AND num_nonnulls(label, pass_fraction, execution_id, labelled_at) > 0""",
    ),
    Invariant(
        "label_and_quarantine",
        "labelled, and yet with a reason to be set aside",
        "SELECT id::text FROM candidates WHERE state = 'labelled' AND reason IS NOT NULL",
    ),
    Invariant(
        "quarantine_without_reason",
        "set aside without a reason",
        """SELECT id::text FROM candidates WHERE state = 'quarantined' AND coalesce(reason, '') = ''
           UNION ALL
           SELECT id::text FROM sample_requests
           WHERE state = 'quarantined' AND coalesce(reason, '') = ''
           UNION ALL
           SELECT id::text FROM problems
           WHERE check_state = 'quarantined' AND coalesce(check_reason, '') = ''""",
    ),
    Invariant(
        "label_disagrees",
        "label or fraction is not that of its execution",
        """SELECT c.id::text FROM candidates c JOIN executions e ON e.id = c.execution_id
           WHERE c.label IS DISTINCT FROM e.label
           OR c.pass_fraction IS DISTINCT FROM e.passed::float8 / nullif(e.total, 0)""",
    ),
    Invariant(
        "execution_of_another",
        "its execution is neither its own or its original's, nor one that may serve for it",
        """SELECT c.id::text FROM candidates c
           LEFT JOIN candidates o ON o.id = c.duplicate_of
           JOIN executions e ON e.id = c.execution_id
           WHERE e.candidate_id <> coalesce(o.id, c.id)
           AND NOT (coalesce(o.cached, c.cached)
             AND coalesce(e.cache_key = c.cache_key AND NOT e.unstable, false))""",
    ),
    Invariant(
        "execution_inconsistent",
        "its numbers, its outcomes and its label say different things",
        """SELECT e.id::text FROM executions e CROSS JOIN LATERAL (
             SELECT count(*) AS total, count(*) FILTER (WHERE t->>'outcome' = 'passed') AS passed,
               count(*) FILTER (WHERE t->>'outcome' = 'not_run') AS not_run,
               count(*) FILTER (WHERE t->>'outcome' = 'wrong_answer') AS wrong
             FROM jsonb_array_elements(e.tests) t) counted
           WHERE e.total < 1 OR e.total <> counted.total OR e.passed <> counted.passed
           OR CASE WHEN e.label = 'compile_error' THEN not_run < counted.total
              ELSE e.label <> CASE WHEN counted.passed = counted.total THEN 'all_pass'
                WHEN counted.passed = 0 AND not_run + wrong < counted.total THEN 'runtime_error'
                ELSE 'partial_pass' END END""",
    ),
    Invariant(
        "verdict_ignored",
        "it has an execution of its own, and waits all the same",
        """SELECT c.id::text FROM candidates c WHERE c.state NOT IN ('labelled', 'quarantined')
           AND EXISTS (SELECT FROM executions e WHERE e.candidate_id = c.id)""",
    ),
    Invariant(
        "executed_twice_in_one_attempt",
        "one attempt has two executions",
        """SELECT min(id::text) AS id FROM executions
           GROUP BY candidate_id, attempt HAVING count(*) > 1""",
    ),
)

DUPLICATES = (
    Invariant(
        "duplicate_disagrees",
        "state, label, fraction or execution is not that of its original",
        """SELECT d.id::text FROM candidates d JOIN candidates o ON o.id = d.duplicate_of
           WHERE (d.state, d.label, d.pass_fraction, d.execution_id)
             IS DISTINCT FROM (o.state, o.label, o.pass_fraction, o.execution_id)""",
    ),
    Invariant(
        "duplicate_of_another",
        "its original is another program, in another group, or a duplicate itself",
        """SELECT d.id::text FROM candidates d JOIN candidates o ON o.id = d.duplicate_of
           WHERE d.group_id <> o.group_id OR d.program_sha256 <> o.program_sha256
           OR o.duplicate_of IS NOT NULL""",
    ),
    Invariant(
        "duplicate_not_known",
        "the same program stands in its group twice without either being the other's duplicate",
        """SELECT min(id::text) AS id FROM candidates WHERE duplicate_of IS NULL
           GROUP BY group_id, program_sha256 HAVING count(*) > 1""",
    ),
    Invariant(
        "duplicate_executed",
        "a duplicate was executed itself",
        """SELECT d.id::text FROM candidates d WHERE d.duplicate_of IS NOT NULL
           AND EXISTS (SELECT FROM executions e WHERE e.candidate_id = d.id)""",
    ),
)

SHARED = (
    Invariant(
        "cached_out_of_state",
        "said to be labelled by another's execution, but not labelled, or a duplicate",
        """SELECT id::text FROM candidates WHERE cached
           AND (state <> 'labelled' OR duplicate_of IS NOT NULL)""",
    ),
    Invariant(
        "cached_unasked",
        "its group wants executions of its own, and yet others' may serve",
        """SELECT c.id::text FROM candidates c JOIN groups g ON g.id = c.group_id
           WHERE NOT g.cache AND (c.cached OR c.follows IS NOT NULL OR c.cache_key IS NOT NULL)""",
    ),
    Invariant(
        "cache_key_of_another",
        "it would serve for another program than the one that was executed",
        """SELECT e.id::text FROM executions e JOIN candidates c ON c.id = e.candidate_id
           WHERE e.cache_key IS NOT NULL AND e.cache_key IS DISTINCT FROM c.cache_key""",
    ),
    Invariant(
        "follows_out_of_state",
        "it follows another although it is labelled, set aside, a duplicate, or sent itself",
        """SELECT id::text FROM candidates WHERE follows IS NOT NULL
           AND (state <> 'submitted' OR num_nonnulls(sent_at, duplicate_of) > 0)""",
    ),
    Invariant(
        "follows_another",
        "it follows itself or a candidate with another program or other tests",
        """SELECT f.id::text FROM candidates f JOIN candidates l ON l.id = f.follows
           WHERE f.id = l.id OR f.cache_key IS NULL OR f.cache_key IS DISTINCT FROM l.cache_key""",
    ),
    Invariant(
        "priority_of_another",
        "it waits under another API key or priority than its group's",
        """SELECT c.id::text FROM candidates c JOIN groups g ON g.id = c.group_id
           WHERE (c.api_key_id, c.interactive) IS DISTINCT FROM (g.api_key_id, g.interactive)
           UNION ALL
           SELECT s.id::text FROM sample_requests s JOIN groups g ON g.id = s.group_id
           WHERE (s.api_key_id, s.interactive) IS DISTINCT FROM (g.api_key_id, g.interactive)""",
    ),
)
