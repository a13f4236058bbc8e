"""Every complete group has one ranking, and every ranking is trained on at most once."""

from services.invariants.invariant import Invariant

GROUPS = (
    Invariant(
        "group_without_ranking",
        "ranked, but there is no ranking or no time of it",
        """SELECT g.id::text FROM groups g WHERE g.state = 'ranked' AND (g.ranked_at IS NULL
           OR NOT EXISTS (
             SELECT FROM rankings r WHERE r.group_id = g.id AND r.superseded_at IS NULL))""",
    ),
    Invariant(
        "ranking_of_open_group",
        "a ranking of a group that is not ranked",
        """SELECT r.id::text FROM rankings r JOIN groups g ON g.id = r.group_id
           WHERE g.state <> 'ranked'""",
    ),
    Invariant(
        "group_of_two_projects",
        "its problem, its policy and the key that brought it are not of one project",
        """SELECT g.id::text FROM groups g JOIN problems p ON p.id = g.problem_id
           JOIN policies o ON o.id = g.policy_id JOIN api_keys k ON k.id = g.api_key_id
           WHERE p.project_id <> k.project_id OR o.project_id <> k.project_id""",
    ),
    Invariant(
        "group_ranked_twice",
        "two rankings of one group, neither superseded",
        """SELECT group_id::text AS id FROM rankings WHERE superseded_at IS NULL
           GROUP BY group_id HAVING count(*) > 1""",
    ),
    Invariant(
        "ranked_group_waits",
        "ranked while something of it still waits",
        """SELECT g.id::text FROM groups g WHERE g.state = 'ranked' AND (
             EXISTS (SELECT FROM candidates c WHERE c.group_id = g.id
                     AND c.state NOT IN ('labelled', 'quarantined'))
             OR EXISTS (SELECT FROM sample_requests s WHERE s.group_id = g.id
                        AND s.state NOT IN ('completed', 'quarantined')))""",
    ),
    Invariant(
        "group_empty",
        "a group of no candidates that asks for none",
        """SELECT g.id::text FROM groups g
           WHERE NOT EXISTS (SELECT FROM candidates c WHERE c.group_id = g.id)
           AND NOT EXISTS (SELECT FROM sample_requests s WHERE s.group_id = g.id)""",
    ),
    Invariant(
        "candidate_missing",
        "its candidates' positions have a gap, so that one of them was lost",
        """SELECT group_id::text AS id FROM candidates GROUP BY group_id
           HAVING count(*) <> max(position) + 1 OR min(position) < 0""",
    ),
    Invariant(
        "sample_missing",
        "said to be answered, but with fewer candidates than it asked for, or more",
        """SELECT s.id::text FROM sample_requests s WHERE s.state = 'completed'
           AND (s.plan->>'num_samples')::int <> (
             SELECT count(*) FROM candidates c WHERE c.sample_request_id = s.id)""",
    ),
    Invariant(
        "sample_of_another_group",
        "it was sampled for another group, or for a request that is not answered",
        # One that was answered in part is set aside, and may be released: it keeps what it gave.
        """SELECT c.id::text FROM candidates c JOIN sample_requests s ON s.id = c.sample_request_id
           WHERE s.group_id <> c.group_id OR (s.state <> 'completed' AND NOT EXISTS (
             SELECT FROM kept_completions k WHERE k.scope = s.id AND k.admitted))""",
    ),
    Invariant(
        "ranking_names_others",
        "it does not name exactly the labelled candidates of its group, each once, as they are",
        """SELECT coalesce(named.ranking_id, labelled.ranking_id)::text AS id
           FROM (SELECT r.id AS ranking_id, entry->>'candidate_id' AS candidate_id,
                   min(entry->>'label') AS label, min(entry->>'author') AS author,
                   count(*) AS times
                 FROM rankings r, jsonb_array_elements(r."order") entry
                 GROUP BY r.id, entry->>'candidate_id') named
           FULL JOIN (SELECT r.id AS ranking_id, c.id::text AS candidate_id, c.label, c.author
                      FROM rankings r JOIN candidates c ON c.group_id = r.group_id
                      WHERE c.state = 'labelled') labelled
             ON labelled.ranking_id = named.ranking_id
             AND labelled.candidate_id = named.candidate_id
           GROUP BY 1
           HAVING bool_or(named.ranking_id IS NULL OR labelled.ranking_id IS NULL
             OR named.times > 1 OR named.label IS DISTINCT FROM labelled.label
             OR named.author IS DISTINCT FROM labelled.author)""",
    ),
    Invariant(
        "pair_of_others",
        "best or pairs name a candidate outside the order, a gap is not positive, not the"
        " difference of the scores and not a teacher's lead in a tie, or a count lies",
        """SELECT r.id::text FROM rankings r WHERE r.num_pairs <> jsonb_array_length(r.pairs)
           OR (r.best_id IS NOT NULL AND NOT r."order" @>
               jsonb_build_array(jsonb_build_object('candidate_id', r.best_id::text)))
           OR EXISTS (SELECT FROM jsonb_array_elements(r.pairs) p
             LEFT JOIN jsonb_array_elements(r."order") b
               ON b->>'candidate_id' = p->>'better_id'
             LEFT JOIN jsonb_array_elements(r."order") w
               ON w->>'candidate_id' = p->>'worse_id'
             WHERE NOT coalesce((p->>'gap')::float8 > 0
               AND (abs((b->>'score')::float8 - (w->>'score')::float8 - (p->>'gap')::float8) < 1e-9
                 OR (r.rule_version > 1 AND (b->>'score', b->>'label') = (w->>'score', w->>'label')
                   AND (b->>'author', w->>'author') = ('teacher', 'student'))), false))""",
    ),
    Invariant(
        "pair_against_tests",
        "the better of a pair passes fewer tests than the worse, and not by the paper's own rule",
        # Version 1 let a teacher's bonus outweigh a test; what was trained on such pairs stays.
        """SELECT DISTINCT r.id::text AS id FROM rankings r, jsonb_array_elements(r.pairs) p
           JOIN candidates b ON b.id::text = p->>'better_id'
           JOIN candidates w ON w.id::text = p->>'worse_id'
           WHERE r.rule_version > 1 AND b.pass_fraction < w.pass_fraction
           AND (r.preset, b.label, b.author, w.author)
             IS DISTINCT FROM ('linear', w.label, 'teacher', 'student')""",
    ),
)

BATCHES = (
    Invariant(
        "group_batched_twice",
        "two rankings of one group are in training batches",
        """SELECT group_id::text AS id FROM rankings WHERE training_batch_id IS NOT NULL
           GROUP BY group_id HAVING count(*) > 1""",
    ),
    Invariant(
        "batch_counts_lie",
        "its groups or pairs are not as many as it says, or none",
        """SELECT b.id::text FROM training_batches b LEFT JOIN (
             SELECT training_batch_id, count(*) AS num_groups, sum(num_pairs) AS num_pairs
             FROM rankings WHERE training_batch_id IS NOT NULL GROUP BY 1) r
             ON r.training_batch_id = b.id
           WHERE b.num_groups < 1
           OR (b.num_groups, b.num_pairs) IS DISTINCT FROM (r.num_groups, r.num_pairs)""",
    ),
    Invariant(
        "ranking_batched_wrongly",
        "batched although it is to be skipped, or with another policy's groups",
        """SELECT r.id::text FROM rankings r JOIN groups g ON g.id = r.group_id
           JOIN training_batches b ON b.id = r.training_batch_id
           WHERE r.skip_reason IS NOT NULL OR b.policy_id <> g.policy_id""",
    ),
    Invariant(
        "batch_without_checkpoint",
        "completed, but its checkpoint, its lease or the time is missing",
        """SELECT id::text FROM training_batches WHERE state = 'completed'
           AND (num_nulls(checkpoint_id, completed_at) > 0 OR lease_epoch < 1)""",
    ),
    Invariant(
        "batch_trained_out_of_state",
        "not completed, but with a checkpoint or a time of completion",
        """SELECT id::text FROM training_batches WHERE state <> 'completed'
           AND num_nonnulls(checkpoint_id, completed_at) > 0""",
    ),
    Invariant(
        "checkpoint_without_batch",
        "a checkpoint that no batch was trained for, or one of another policy",
        """SELECT k.id::text FROM checkpoints k LEFT JOIN training_batches b
             ON b.checkpoint_id = k.id
           GROUP BY k.id HAVING count(b.id) = 0 OR bool_or(b.policy_id <> k.policy_id)""",
    ),
    Invariant(
        "lineage_broken",
        "a program it was trained on cannot be followed to its execution and its problem's tests",
        """SELECT DISTINCT b.checkpoint_id::text AS id FROM training_batches b
           LEFT JOIN rankings r ON r.training_batch_id = b.id
           LEFT JOIN LATERAL (
             SELECT r.best_id::text AS candidate_id
             UNION SELECT p->>'better_id' FROM jsonb_array_elements(r.pairs) p
             UNION SELECT p->>'worse_id' FROM jsonb_array_elements(r.pairs) p) used ON true
           LEFT JOIN candidates c ON c.id::text = used.candidate_id
           LEFT JOIN executions e ON e.id = c.execution_id
           LEFT JOIN groups g ON g.id = r.group_id
           LEFT JOIN (SELECT DISTINCT problem_id FROM test_cases) t ON t.problem_id = g.problem_id
           WHERE b.checkpoint_id IS NOT NULL AND (e.id IS NULL OR t.problem_id IS NULL)""",
    ),
    Invariant(
        "check_contradicts_itself",
        "checked, but what was found, when, or of which tests is missing, or is not what its state"
        " says; or it is decided where tests run of which nothing was found",
        """SELECT id::text FROM problems
           WHERE (check_state IN ('sound', 'unsound') AND (
               num_nulls(finding, checked_at, checked_sha256) > 0
               OR (check_state = 'sound') <> (finding->>'fault' IS NULL)))
           OR (decided IS NOT NULL AND finding->>'integrity' IS DISTINCT FROM decided)""",
    ),
    Invariant(
        "problem_without_tests",
        "a problem that no candidate can fail",
        """SELECT p.id::text FROM problems p
           WHERE NOT EXISTS (SELECT FROM test_cases t WHERE t.problem_id = p.id)""",
    ),
)
