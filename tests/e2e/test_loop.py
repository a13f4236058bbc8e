"""The whole suite, started for real: the walk of a candidate, and services that are killed."""

import os
import random
import time
from pathlib import Path

import httpx
import psutil
import pytest

from executor.sandbox.groups import PREFIX
from infra.contracts.base import (
    Author,
    BatchState,
    CandidateState,
    GroupState,
    Label,
    Outcome,
    SkipReason,
)
from infra.contracts.candidates import NewCandidate, NewGroup
from services.cli.suite.running import running_suite
from services.starter import load as starter
from tests.processes import descendants

SLUGS = [problem.slug for problem in starter.problems()[:8]]
FAST = {
    "sweep": {
        "RRTF_SWEEP_INTERVAL_SECONDS": "0.5",
        "RRTF_SWEEP_UNSENT_SECONDS": "3",
        "RRTF_SWEEP_STARTED_SECONDS": "8",
        "RRTF_SWEEP_FLUSH_SECONDS": "1",
        # A killed worker was in the middle of something; that must not look like poison.
        "RRTF_SWEEP_MAX_ATTEMPTS": "10",
        "RRTF_RANKER_BATCH_GROUPS": "4",
    },
    "ranker": {"RRTF_RANKER_BATCH_GROUPS": "4"},
    "trainer": {"RRTF_TRAINER_LEASE_SECONDS": "4", "RRTF_TRAINER_THREADS": "1"},
}


def submit(client):
    """Submit some starter problems with all their candidates; return the groups by slug."""
    groups = {}
    for problem in starter.problems():
        if problem.slug in SLUGS:
            stored = client.add_problem(problem)
            candidates = tuple(
                NewCandidate(author=item.author, program=item.program, model=item.model)
                for item in starter.candidates()
                if item.task_id == problem.slug
            )
            groups[problem.slug] = client.create_group(
                stored.id, NewGroup(candidates=candidates)
            ).id
    return groups


def wait_until(suite, client, done, seconds=180):
    deadline = time.monotonic() + seconds
    while not done(client.stats()):
        suite.check()
        assert time.monotonic() < deadline, client.stats()
        time.sleep(0.3)


def everything_is_trained(stats):
    batches = stats.training_batches
    return (
        stats.groups[GroupState.RANKED] == len(SLUGS)
        and not stats.waiting_groups
        and batches[BatchState.COMPLETED] == sum(batches.values()) > 0
    )


def labels_of(client, groups):
    return {
        (slug, item.model): item.label
        for slug, group_id in groups.items()
        for item in client.candidates(group_id)
    }


def expected_labels():
    return {
        (item.task_id, item.model): item.expected_label
        for item in starter.candidates()
        if item.task_id in SLUGS
    }


def rankings_of(client, groups):
    names = {}
    for group_id in groups.values():
        names.update({item.id: item.model for item in client.candidates(group_id)})
    found = {}
    for slug, group_id in groups.items():
        ranking = client.get_ranking(group_id)
        found[slug] = (
            [names[entry.candidate_id] for entry in ranking.order],
            {(names[pair.better_id], names[pair.worse_id]) for pair in ranking.pairs},
        )
    return found


@pytest.fixture(scope="module")
def undisturbed(open_directory):
    """Run the loop once in peace; keep what it gave."""
    home = open_directory / "undisturbed"
    before = descendants()
    with (
        running_suite(home, executor_slots=2, durable=False, overrides=FAST) as suite,
        suite.client() as client,
    ):
        groups = submit(client)
        wait_until(suite, client, everything_is_trained)
        yield suite, client, groups
    assert descendants() <= before


def test_every_starter_candidate_gets_the_label_it_must_get(undisturbed):
    _, client, groups = undisturbed

    assert labels_of(client, groups) == expected_labels()


def test_every_label_can_be_followed_from_problem_to_checkpoint(undisturbed):
    _, client, groups = undisturbed
    batches = {batch.id: batch for batch in client.training_batches()}
    followed = 0
    for slug, group_id in groups.items():
        group = client.get_group(group_id)
        assert client.get_problem(group.problem_id).slug == slug
        ranking = client.get_ranking(group_id)
        for item in client.candidates(group_id):
            detail = client.get_candidate(item.id)
            assert detail.execution is not None
            assert detail.execution.total == len(detail.execution.tests)
            assert detail.execution.passed == sum(
                test.outcome is Outcome.PASSED for test in detail.execution.tests
            )
            assert "nsjail" in detail.execution.sandbox
            assert item.id in {entry.candidate_id for entry in ranking.order}
        if ranking.skip_reason is None:
            batch = batches[ranking.training_batch_id]
            assert group_id in batch.group_ids
            checkpoint = client.get_checkpoint(batch.checkpoint_id)
            assert batch.id in checkpoint.training_batch_ids
            assert Path(checkpoint.path).parent.is_dir()
            followed += 1
    assert followed >= 5


def test_checkpoints_form_one_line_and_each_batch_is_in_one(undisturbed):
    _, client, _ = undisturbed
    checkpoints = client.checkpoints("default")
    versions = [item.version for item in checkpoints]
    trained = [batch for item in checkpoints for batch in item.training_batch_ids]

    assert versions == list(range(len(versions), 0, -1))
    assert len(trained) == len(set(trained)) == len(list(client.training_batches()))


def test_the_newest_checkpoint_loads_with_plain_transformers(undisturbed):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    _, client, _ = undisturbed
    path = client.checkpoints("default")[0].path

    tokenizer = AutoTokenizer.from_pretrained(path)
    model = AutoModelForCausalLM.from_pretrained(path)

    ids = tokenizer("def f():", return_tensors="pt").input_ids
    assert model(input_ids=ids).logits.shape == (1, 8, 257)


def test_the_api_says_which_workers_are_at_work_and_what_came_out(undisturbed):
    suite, client, _ = undisturbed
    with httpx.Client(
        base_url=suite.api_url, headers={"Authorization": f"Bearer {suite.api_key}"}, timeout=30
    ) as http:
        deadline = time.monotonic() + 60
        # A worker that is slow to answer, on a busy machine, is missing from one look.
        while len(workers := http.get("/v1/live").json()["workers"]) < 3:
            assert time.monotonic() < deadline, workers
            time.sleep(0.5)
        timeline = http.get("/v1/timeline", params={"minutes": 60, "bins": 1}).json()

    found = {item["name"].partition("@")[0]: item for item in workers}
    assert set(found) == {f"{room}-{suite.pid(room)}" for room in ("executor", "ranker", "sampler")}
    executor = found[f"executor-{suite.pid('executor')}"]
    assert (executor["room"], executor["slots"]) == ("executor", 2)
    assert executor["begun"] > 0
    assert executor["memory_bytes"] > 2**20
    counts = [
        count
        for item in timeline["bins"]
        for by in item["labels"].values()
        for count in by.values()
    ]
    assert 0 < sum(counts) <= client.stats().candidates[CandidateState.LABELLED]


def test_executor_and_trainer_hold_no_secret_that_is_not_theirs(undisturbed):
    suite, _, _ = undisturbed
    for name, forbidden in (
        ("executor", ("DATABASE_URL", "RRTF_API_KEY", "RRTF_CLIENT_KEY")),
        ("trainer", ("DATABASE_URL", "REDIS_URL")),
    ):
        raw = Path(f"/proc/{suite.pid(name)}/environ").read_bytes()
        names = {entry.partition(b"=")[0].decode() for entry in raw.split(b"\0")}
        assert not names & set(forbidden)


def test_a_group_without_a_teacher_is_ranked_and_says_why_it_is_not_trained(undisturbed):
    suite, client, _ = undisturbed
    problem = client.find_problem(SLUGS[0])
    program = starter.candidates()[0].program
    group = client.create_group(
        problem.id, NewGroup(candidates=(NewCandidate(author="student", program=program),) * 2)
    )
    wait_until(suite, client, lambda _: client.get_group(group.id).state is GroupState.RANKED, 60)

    assert client.get_ranking(group.id).skip_reason is SkipReason.NO_TEACHER
    labels = [item.label for item in client.candidates(group.id)]
    assert labels == [Label.ALL_PASS, Label.ALL_PASS]


@pytest.mark.thorough  # `make faults` kills each of them many times.
def test_killed_services_change_no_label_and_no_ranking(undisturbed, open_directory):
    _, peaceful, peaceful_groups = undisturbed
    rng = random.Random(1)
    home = open_directory / "killed"
    with (
        running_suite(home, executor_slots=2, durable=False, overrides=FAST) as suite,
        suite.client() as client,
    ):
        groups = submit(client)
        ours = {process.pid for process in descendants()}
        victims = ["api", "ranker", "sampler", "executor", "sweep", "trainer"]
        rng.shuffle(victims)
        for name in victims:
            time.sleep(rng.uniform(0.2, 1.5))
            if suite.pid(name) is not None:
                suite.kill(name)
        # On a loaded machine it takes longer to start than its client tries again.
        back = time.monotonic() + 60
        while not client.is_ready():
            assert time.monotonic() < back, "the API did not come back"
            time.sleep(0.3)
        wait_until(suite, client, everything_is_trained, seconds=240)
        ours |= {process.pid for process in descendants()}

        assert labels_of(client, groups) == expected_labels()
        assert rankings_of(client, groups) == rankings_of(peaceful, peaceful_groups)
        stats = client.stats()
        assert stats.candidates[CandidateState.LABELLED] == len(expected_labels())
        assert sum(stats.labels[Author.TEACHER].values()) + sum(
            stats.labels[Author.STUDENT].values()
        ) == len(expected_labels())
        trained = [b for item in client.checkpoints("default") for b in item.training_batch_ids]
        assert len(trained) == len(set(trained)) == stats.training_batches[BatchState.COMPLETED]
    left = [
        path
        for path in Path("/sys/fs/cgroup").glob(f"**/{PREFIX}*")
        if (pid := int(path.name.split("-")[2])) in ours
        and not psutil.pid_exists(pid)
        and os.geteuid() == 0
    ]
    assert left == []
