-- What no transaction of the suite would do, under the code of the invariant that it breaks.
-- `the.good` and the other views name one row each; test_audit.py makes them.

-- label_incomplete
UPDATE candidates SET labelled_at = NULL WHERE id = (TABLE the.good);

-- label_out_of_state
UPDATE candidates SET labelled_at = now() WHERE id = (TABLE the.poison);

-- label_and_quarantine
UPDATE candidates SET reason = 'poison' WHERE id = (TABLE the.good);

-- quarantine_without_reason
UPDATE candidates SET reason = NULL WHERE id = (TABLE the.poison);

-- quarantine_without_reason
UPDATE sample_requests SET state = 'quarantined' WHERE state = 'submitted';

-- label_disagrees
UPDATE candidates SET pass_fraction = 0.5 WHERE id = (TABLE the.good);

-- label_disagrees
UPDATE executions SET label = 'runtime_error', passed = 0 WHERE candidate_id = (TABLE the.good);

-- execution_of_another
UPDATE executions SET candidate_id = (TABLE the.poison) WHERE candidate_id = (TABLE the.good);

-- execution_of_another
UPDATE candidates SET cache_key = 'x' WHERE id = (TABLE the.served);

-- execution_of_another
UPDATE candidates SET cached = false WHERE id = (TABLE the.served);

-- execution_of_another
UPDATE executions SET unstable = true WHERE candidate_id = (TABLE the.good);

-- execution_inconsistent
UPDATE executions SET tests = '[]' WHERE candidate_id = (TABLE the.good);

-- execution_inconsistent
UPDATE executions SET label = 'partial_pass' WHERE candidate_id = (TABLE the.good);

-- execution_inconsistent
UPDATE executions SET label = 'partial_pass', passed = 0, tests =
    '[{"outcome": "wrong_answer"}, {"outcome": "time_limit_exceeded"}]' WHERE candidate_id = (TABLE
    the.good);

-- execution_inconsistent
UPDATE executions SET label = 'compile_error', passed = 0, tests =
    '[{"outcome": "not_run"}, {"outcome": "runtime_error"}]' WHERE candidate_id = (TABLE the.good);

-- execution_inconsistent
UPDATE executions SET label = 'runtime_error', passed = 0, tests =
    '[{"outcome": "wrong_answer"}, {"outcome": "not_run"}]' WHERE candidate_id = (TABLE the.good);

-- verdict_ignored
UPDATE candidates SET state = 'submitted' WHERE id = (TABLE the.good);

-- executed_twice_in_one_attempt
ALTER TABLE executions DROP CONSTRAINT uq_executions_candidate_id_attempt;
INSERT INTO executions SELECT (jsonb_populate_record(e, jsonb_build_object('id',
    gen_random_uuid()))).* FROM executions e WHERE candidate_id = (TABLE the.good);

-- duplicate_disagrees
UPDATE candidates SET label = 'runtime_error' WHERE id = (TABLE the.copy);

-- duplicate_of_another
UPDATE candidates SET program_sha256 = 'x' WHERE id = (TABLE the.copy);

-- duplicate_of_another
UPDATE candidates SET duplicate_of = (TABLE the.copy) WHERE duplicate_of = (TABLE the.poison);

-- duplicate_not_known
UPDATE candidates SET duplicate_of = NULL WHERE id = (TABLE the.copy);

-- duplicate_executed
UPDATE executions SET candidate_id = (TABLE the.copy) WHERE candidate_id = (TABLE the.bad);

-- cached_out_of_state
UPDATE candidates SET cached = true WHERE id = (TABLE the.poison);

-- cached_out_of_state
UPDATE candidates SET cached = true WHERE id = (TABLE the.copy);

-- cached_unasked
UPDATE groups SET cache = false WHERE id = (SELECT group_id FROM candidates WHERE cached);

-- cache_key_of_another
UPDATE executions SET cache_key = 'x' WHERE candidate_id = (TABLE the.bad);

-- follows_out_of_state
UPDATE candidates SET follows = (TABLE the.leader) WHERE id = (TABLE the.good);

-- follows_out_of_state
UPDATE candidates SET sent_at = now() WHERE id = (TABLE the.follower);

-- follows_out_of_state
UPDATE candidates SET duplicate_of = (TABLE the.good) WHERE id = (TABLE the.follower);

-- follows_another
UPDATE candidates SET follows = id WHERE id = (TABLE the.follower);

-- follows_another
UPDATE candidates SET cache_key = NULL WHERE id = (TABLE the.follower);

-- priority_of_another
UPDATE candidates SET api_key_id = api_key_id + 1 WHERE id = (TABLE the.follower);

-- priority_of_another
UPDATE candidates SET interactive = NOT interactive WHERE id = (TABLE the.follower);

-- api_key_without_secret
UPDATE api_keys SET sha256 = NULL;

-- request_without_answer
UPDATE idempotent_requests SET answer = NULL;

-- attempts_over_maximum
UPDATE candidates SET attempts = 5 WHERE id = (TABLE the.leader);

-- attempts_over_maximum
UPDATE sample_requests SET attempts = 5 WHERE state = 'submitted';

-- leases_over_maximum
UPDATE training_batches SET attempts = 6, lease_epoch = 6;

-- leases_over_maximum
UPDATE training_batches SET lease_epoch = 0 WHERE id = (TABLE the.leased);

-- group_without_ranking
DELETE FROM rankings WHERE id = (TABLE the.ranking);

-- group_without_ranking
UPDATE groups SET ranked_at = NULL WHERE id = (TABLE the.ranked);

-- ranking_of_open_group
UPDATE groups SET state = 'open' WHERE id = (TABLE the.ranked);

-- group_ranked_twice
DROP INDEX uq_rankings_group_id;
INSERT INTO rankings SELECT (jsonb_populate_record(r, jsonb_build_object('id',
    gen_random_uuid()))).* FROM rankings r WHERE skip_reason IS NOT NULL;

-- group_without_ranking
UPDATE rankings SET superseded_at = now() WHERE id = (TABLE the.ranking);

-- group_batched_twice
INSERT INTO rankings SELECT (jsonb_populate_record(r, jsonb_build_object('id',
    gen_random_uuid(), 'superseded_at', now()))).* FROM rankings r WHERE id = (TABLE the.ranking);

-- pair_against_tests
UPDATE candidates SET pass_fraction = 0 WHERE id = (TABLE the.good);

-- ranked_group_waits
UPDATE candidates SET group_id = (TABLE the.ranked), position = 9 WHERE state = 'submitted' AND
    duplicate_of IS NULL AND follows IS NULL;

-- ranked_group_waits
UPDATE sample_requests SET group_id = (TABLE the.ranked) WHERE state = 'submitted';

-- group_empty
DELETE FROM candidates WHERE state = 'submitted';
DELETE FROM sample_requests WHERE state = 'submitted';

-- sample_of_another_group
UPDATE sample_requests SET group_id = (TABLE the.waiting), position = 9 WHERE state = 'completed';

-- sample_of_another_group
UPDATE sample_requests SET state = 'submitted' WHERE state = 'completed';

-- ranking_names_others
UPDATE rankings SET "order" = "order" - 0 WHERE id = (TABLE the.ranking);

-- ranking_names_others
UPDATE rankings SET "order" = "order" || ("order"->0) WHERE id = (TABLE the.ranking);

-- ranking_names_others
UPDATE rankings SET "order" = jsonb_set("order", '{0,label}', '"runtime_error"') WHERE id = (TABLE
    the.ranking);

-- ranking_names_others
UPDATE candidates SET author = 'student' WHERE id = (TABLE the.good);

-- ranking_names_others
DELETE FROM candidates WHERE sample_request_id IS NOT NULL;

-- pair_of_others
UPDATE rankings SET pairs = jsonb_set(pairs, '{0,worse_id}', '"no"') WHERE id = (TABLE
    the.ranking);

-- pair_of_others
UPDATE rankings SET best_id = (TABLE the.poison) WHERE id = (TABLE the.ranking);

-- pair_of_others
UPDATE rankings SET pairs = jsonb_set(pairs, '{0,gap}', '0') WHERE id = (TABLE the.ranking);

-- pair_of_others
UPDATE rankings SET pairs = '[]' WHERE id = (TABLE the.ranking);

-- pair_of_others
UPDATE rankings SET pairs = jsonb_set(jsonb_set(pairs, '{0,better_id}', pairs->0->'worse_id'),
    '{0,worse_id}', pairs->0->'better_id') WHERE id = (TABLE the.ranking);

-- pair_of_others
UPDATE rankings SET pairs = jsonb_set(pairs, '{0,gap}', '0.04') WHERE id = (TABLE the.ranking);

-- pair_of_others
UPDATE rankings SET "order" = jsonb_set("order", '{0,score}', '0.9') WHERE id = (TABLE
    the.ranking);

-- pair_of_others
UPDATE rankings SET "order" = jsonb_set("order", '{0,score}', "order"->1->'score') WHERE id =
    (TABLE the.ranking);

-- batch_counts_lie
UPDATE rankings SET training_batch_id = (TABLE the.leased) WHERE id = (TABLE the.ranking);

-- batch_counts_lie
UPDATE training_batches SET num_pairs = 7 WHERE id = (TABLE the.leased);

-- ranking_batched_wrongly
UPDATE rankings SET skip_reason = 'no_teacher' WHERE id = (TABLE the.ranking);

-- ranking_batched_wrongly
INSERT INTO policies (id, name) VALUES (gen_random_uuid(), 'other');
UPDATE groups SET policy_id = (SELECT id FROM policies WHERE name = 'other') WHERE id = (TABLE
    the.ranked);

-- batch_without_checkpoint
UPDATE training_batches SET checkpoint_id = NULL WHERE id = (TABLE the.trained);

-- batch_without_checkpoint
UPDATE training_batches SET lease_epoch = 0, attempts = 0 WHERE id = (TABLE the.trained);

-- batch_trained_out_of_state
UPDATE training_batches SET state = 'leased' WHERE id = (TABLE the.trained);

-- checkpoint_without_batch
UPDATE training_batches SET checkpoint_id = NULL WHERE checkpoint_id IS NOT NULL;

-- checkpoint_without_batch
INSERT INTO policies (id, name) VALUES (gen_random_uuid(), 'other');
UPDATE checkpoints SET policy_id = (SELECT id FROM policies WHERE name = 'other');

-- lineage_broken
DELETE FROM executions WHERE candidate_id = (TABLE the.good);

-- lineage_broken
DELETE FROM rankings WHERE id = (TABLE the.ranking);

-- lineage_broken
DELETE FROM candidates WHERE id = (TABLE the.bad);

-- lineage_broken
DELETE FROM test_cases;

-- problem_without_tests
DELETE FROM test_cases;

-- completion_paid_twice
INSERT INTO sampling_calls SELECT (jsonb_populate_record(c, jsonb_build_object('id',
    gen_random_uuid(), 'cost', 0))).* FROM sampling_calls c WHERE state = 'completed';

-- account_disagrees
UPDATE endpoint_accounts SET committed = committed - 0.000000000005;

-- account_disagrees
UPDATE sampling_calls SET cost = 0 WHERE state = 'lost';

-- account_disagrees
DELETE FROM endpoint_accounts;

-- account_disagrees
DELETE FROM sampling_calls;

-- candidate_missing
DELETE FROM candidates WHERE id = (SELECT id FROM candidates WHERE position = 0 AND group_id = (TABLE the.ranked));

-- candidate_missing
UPDATE candidates SET position = 9 WHERE id = (TABLE the.served);

-- sample_missing
DELETE FROM candidates WHERE sample_request_id IS NOT NULL;

-- priority_of_another
UPDATE sample_requests SET interactive = true WHERE state = 'submitted';

-- attempts_over_maximum
UPDATE problems SET check_attempts = 5;

-- quarantine_without_reason
UPDATE problems SET check_state = 'quarantined';

-- check_contradicts_itself
UPDATE problems SET check_state = 'sound';

-- check_contradicts_itself
UPDATE problems SET check_state = 'unsound', checked_at = now(), checked_sha256 = 'x',
    finding = '{"integrity": "isolated", "fault": null}';

-- check_contradicts_itself
UPDATE problems SET decided = 'isolated', finding = '{"integrity": "shared"}';

-- group_of_two_projects
INSERT INTO projects (name) VALUES ('other');
UPDATE policies SET project_id = (SELECT id FROM projects WHERE name = 'other');
