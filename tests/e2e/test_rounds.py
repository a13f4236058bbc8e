"""Rounds on the whole suite: a student that samples, is ranked beside teachers, and is trained."""

import pytest
import torch
from transformers import AutoModelForCausalLM

from infra import errors
from infra.contracts.base import Author, BatchState, SkipReason
from infra.records.importers import every_problem
from services.cli.stored.training import read_teachers, stored, train_rounds
from services.cli.suite.running import running_suite
from services.exercises import files
from services.exercises.exercise import Split
from services.loop.round_plan import Mode, Plan
from services.loop.rounds import Rounds
from tests.processes import descendants
from trainer.models.model import small_student
from trainer.models.tokenizer import byte_tokenizer

pytestmark = pytest.mark.slow

PROBLEMS, HELD_OUT, SAMPLES = 4, 2, 3
PLAN = Plan(policy="default", samples=SAMPLES, max_tokens=12)


@pytest.fixture(scope="module")
def exercises(open_directory):
    folder = open_directory / "exercises"
    return (
        files.write_problems(folder, Split.TRAINING, 0, PROBLEMS),
        folder / files.TEACHERS,
        files.write_problems(folder, Split.HELD_OUT, 0, HELD_OUT),
    )


@pytest.fixture(scope="module")
def suite(open_directory):
    """A suite whose student is small, random and the same for sampler and trainer."""
    torch.set_num_threads(1)
    student = open_directory / "student"
    small_student(257, seed=0, width=32, layers=1, positions=512).save_pretrained(student)
    byte_tokenizer().save_pretrained(student)
    overrides = {
        "sampler": {"RRTF_SAMPLER_MODEL": str(student), "RRTF_SAMPLER_THREADS": "1"},
        "trainer": {
            "RRTF_TRAINER_MODEL": str(student),
            "RRTF_TRAINER_THREADS": "1",
            "RRTF_TRAINER_MAX_STALENESS": "3",
        },
        "ranker": {"RRTF_RANKER_BATCH_GROUPS": "2"},
        "sweep": {"RRTF_RANKER_BATCH_GROUPS": "2", "RRTF_SWEEP_FLUSH_SECONDS": "60"},
    }
    home = open_directory / "rounds"
    before = descendants()
    with running_suite(home, executor_slots=2, durable=False, overrides=overrides) as running:
        yield running
    assert descendants() <= before


def candidates_of(client, policy, rounds_only=True):
    groups = [group for group in client.groups() if group.policy == policy]
    if rounds_only:
        groups = [group for group in groups if "round" in group.metadata]
    return [(group, item) for group in groups for item in client.candidates(group.id)]


def test_iterative_rounds_sample_with_the_newest_checkpoint_and_record_staleness(
    suite, exercises, tmp_path
):
    said = []
    with suite.client() as client:
        plan = Plan(**vars(PLAN) | {"rounds": 2})

        rounds = train_rounds(client, plan, *exercises, tmp_path, said.append, suite.check)

        versions = [done.version for done in rounds]
        written = candidates_of(client, "default")
    assert [done.number for done in rounds] == [0, 1, 2]
    assert versions == [0, 2, 4]
    students = [(group, item) for group, item in written if item.author is Author.STUDENT]
    assert len(students) == 2 * PROBLEMS * SAMPLES
    for group, item in students:
        before = versions[group.metadata["round"] - 1]
        assert item.policy_version == before
        assert item.staleness in (1, 2)
    assert len({item.seed for _, item in students}) == len(students)
    assert [done.staleness for done in rounds] == [None, (1, 2), (1, 2)]
    assert len(said) == len((tmp_path / "rounds.jsonl").read_text().splitlines()) == 3
    best = max(rounds[1:], key=lambda done: done.greedy.mean)
    if best.greedy.mean > rounds[0].greedy.mean:
        assert AutoModelForCausalLM.from_pretrained(tmp_path / "best").config.n_embd == 32


def test_held_out_problems_are_evaluated_and_never_trained_on(suite, exercises):
    with suite.client() as client:
        evaluated = candidates_of(client, PLAN.held_out_policy, rounds_only=False)
        slugs = {group.problem_slug for group, _ in evaluated}
        rankings = [client.get_ranking(group.id) for group, _ in evaluated]
        batched = {group for batch in client.training_batches() for group in batch.group_ids}

    assert slugs == {item.slug for item in every_problem(exercises[2])}
    assert {ranking.skip_reason for ranking in rankings} == {SkipReason.TOO_FEW_CANDIDATES}
    assert not batched & {group.id for group, _ in evaluated}


def test_offline_rounds_train_on_the_first_candidates_again_until_they_are_too_stale(
    suite, exercises
):
    with suite.client() as client:
        start = client.checkpoints("default")[0].version
        known = {group.id for group in client.groups()}
        plan = Plan(**vars(PLAN) | {"rounds": 6, "mode": Mode.OFFLINE, "seed": 5})
        problems = stored(client, every_problem(exercises[0]))
        teachers = read_teachers(exercises[1], {item.slug: item for item in problems})
        held_out = stored(client, every_problem(exercises[2]))
        rounds = Rounds(client, plan, problems, teachers, held_out, suite.check).run()

        done = [next(rounds) for _ in range(3)]
        with pytest.raises(errors.Unavailable, match="stale"):
            next(rounds)

        written = [
            item
            for group, item in candidates_of(client, "default", rounds_only=False)
            if group.id not in known and item.author is Author.STUDENT
        ]
        stale = [one for one in client.training_batches() if one.state is BatchState.STALE]
    assert [one.version - start for one in done] == [0, 2, 4]
    assert [one.staleness for one in done] == [None, (1, 2), (3, 4)]
    assert {item.policy_version for item in written} == {start}
    assert len(written) == 3 * PROBLEMS * SAMPLES
    assert len({item.program_sha256 for item in written}) <= PROBLEMS * SAMPLES
    assert len(stale) == 2


def test_a_problem_cannot_be_trained_on_and_held_out(suite, exercises):
    with suite.client() as client:
        problems = stored(client, every_problem(exercises[0]))

        with pytest.raises(errors.InvalidInput, match="held out"):
            Rounds(client, PLAN, problems, {}, problems[:1])


def test_a_sampler_that_cannot_answer_ends_the_rounds_with_its_reason(suite, exercises):
    with suite.client() as client:
        problems = stored(client, every_problem(exercises[0]))
        held_out = stored(client, every_problem(exercises[2]))
        plan = Plan(**vars(PLAN) | {"policy": "other", "policy_endpoint": "nobody"})

        with pytest.raises(errors.Unavailable, match="no backend 'nobody'"):
            list(Rounds(client, plan, problems, {}, held_out, suite.check).run())
