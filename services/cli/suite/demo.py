"""The demonstration: the whole suite on real problems, from nothing to a checkpoint."""

import contextlib
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from infra import errors, importers
from infra.contracts.api import CheckpointView, GroupView, ProblemView, Stats
from infra.contracts.base import Author, BatchState, CandidateState, GroupState, SampleState
from infra.contracts.candidates import NewCandidate, NewGroup, SamplePlan
from infra.contracts.problems import Problem
from infra.local.temporary import temporary_folder
from infra.record_files import BadLine
from infra.settings import data_directory
from services.cli.console import PlainConsole
from services.cli.stored.progress import stats_table, watch
from services.cli.stored.submitting import Report, store, submit_groups
from services.cli.suite.demo_rounds import (
    MAX_STALENESS,
    POLICY,
    report_rounds,
    run_rounds,
)
from services.cli.suite.picture import draw
from services.cli.suite.up import RunningSuite, running_suite
from services.client import Client
from services.exercises.student import kept_student
from services.round_plan import Round
from services.starter import load as starter

_POLICY = "shown"
"""Of the groups that are labelled and ranked, and that no trainer asks for."""
_REPLAY = "replay.jsonl"
_SAMPLED = 8
"""Starter problems whose candidates come through the sampler rather than the API."""
_TIMEOUT_SECONDS = 1800


def run_demo(home: Path | None, out: Path, human_eval: int) -> bool:
    """Run the loop and print the result; tell whether everything went as it must."""
    console = PlainConsole(soft_wrap=True)
    out = out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    orphans = _orphans()
    with contextlib.ExitStack() as stack:
        folder = home or stack.enter_context(temporary_folder("rrtf-demo-"))
        _write_replay(folder / _REPLAY)
        console.print("starting PostgreSQL, Valkey, API, ranker, sampler, executor, sweep")
        began = time.monotonic()
        student = kept_student(out)
        with (
            running_suite(folder, trainer=False, overrides=_overrides(student, folder)) as suite,
            _abandoned_when_interrupted(suite),
            suite.client() as client,
        ):
            console.print(f"ready in {time.monotonic() - began:.1f} s at {suite.api_url}")
            outcome = _run_loop(console, suite, client, human_eval)
            suite.start("trainer")
            rounds = run_rounds(console, suite, client, out)
            good = _report(console, client, outcome, rounds, out)
    good &= _nothing_is_left(console, orphans)
    console.print("everything as it must be" if good else "NOT as it must be", style="bold")
    return good


def _overrides(student: Path, folder: Path) -> dict[str, dict[str, str]]:
    return {
        "sampler": {
            "RRTF_SAMPLER_REPLAY": str(folder / _REPLAY),
            "RRTF_SAMPLER_MODEL": str(student),
            # A model this small only makes threads wait for one another.
            "RRTF_SAMPLER_THREADS": "1",
        },
        "trainer": {
            "RRTF_TRAINER_POLICY": POLICY,
            "RRTF_TRAINER_MODEL": str(student),
            "RRTF_TRAINER_THREADS": "1",
            "RRTF_TRAINER_MAX_STALENESS": str(MAX_STALENESS),
        },
    }


@contextlib.contextmanager
def _abandoned_when_interrupted(suite: RunningSuite) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        suite.abandon()
        raise


def _sampled_slugs() -> set[str]:
    return {problem.slug for problem in starter.problems()[:_SAMPLED]}


def _write_replay(path: Path) -> None:
    """Record the completions of some starter problems as a model would have given them."""
    slugs = _sampled_slugs()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        for candidate in starter.candidates():
            if candidate.task_id in slugs:
                record = {
                    "task_id": candidate.task_id,
                    "author": candidate.author.value,
                    "model": candidate.model,
                    "completion": f"Here is the program:\n\n```python\n{candidate.program}```\n",
                    "finish_reason": "stop",
                }
                file.write(json.dumps(record) + "\n")


class _Outcome:
    """What was submitted, and how long it took."""

    def __init__(self) -> None:
        self.starter_groups: list[GroupView] = []
        self.num_groups = 0
        self.labelled = 0
        self.seconds = 0.0
        self.in_time = False


def _run_loop(
    console: PlainConsole, suite: RunningSuite, client: Client, human_eval: int
) -> _Outcome:
    outcome = _Outcome()
    began = time.monotonic()
    outcome.starter_groups = _submit_starter(client)
    outcome.num_groups = len(outcome.starter_groups) + _submit_human_eval(
        console, client, human_eval
    )
    outcome.in_time = watch(
        client, _TIMEOUT_SECONDS, lambda stats: _is_done(stats, outcome.num_groups), suite.check
    )
    outcome.seconds = time.monotonic() - began
    outcome.labelled = client.stats().candidates[CandidateState.LABELLED]
    return outcome


def _is_done(stats: Stats, num_groups: int) -> bool:
    return stats.groups[GroupState.RANKED] >= num_groups and not stats.groups[GroupState.OPEN]


def _submit_starter(client: Client) -> list[GroupView]:
    problems = _store(client, starter.problems())
    by_slug: dict[str, list[NewCandidate]] = {}
    for item in starter.candidates():
        by_slug.setdefault(item.task_id, []).append(
            NewCandidate(author=item.author, program=item.program, model=item.model)
        )
    sampled = _sampled_slugs()
    groups = submit_groups(
        client,
        [(problems[slug], by_slug[slug]) for slug in by_slug if slug not in sampled],
        _POLICY,
    )
    for slug in sorted(sampled):
        plans = tuple(
            SamplePlan(author=author, backend="replay", num_samples=count)
            for author in Author
            if (count := sum(item.author is author for item in by_slug[slug]))
        )
        groups.append(
            client.create_group(problems[slug].id, NewGroup(samples=plans, policy=_POLICY))
        )
    return groups


def _submit_human_eval(console: PlainConsole, client: Client, limit: int) -> int:
    if limit == 0:
        return 0
    data = data_directory()
    if data is None or not (data / "HumanEval.jsonl.gz").is_file():
        console.print("HumanEval is left out: RRTF_DATA names no folder that holds it")
        return 0
    found = [
        item
        for item in importers.read_problems(data / "HumanEval.jsonl.gz")
        if not isinstance(item, BadLine)
    ][:limit]
    problems = _store(client, found)
    by_slug: dict[str, list[NewCandidate]] = {}
    for record in importers.read_candidates(data / "humaneval_candidates.jsonl.gz"):
        if not isinstance(record, BadLine) and record.slug in problems:
            by_slug.setdefault(record.slug, []).append(
                importers.complete(record, problems[record.slug])
            )
    groups = submit_groups(client, [(problems[slug], by_slug[slug]) for slug in by_slug], _POLICY)
    return len(groups)


def _store(client: Client, problems: Sequence[Problem]) -> dict[str, ProblemView]:
    report = Report()
    store(client, problems, report)
    if report.refused:
        raise errors.Conflict(report.refused[0])
    return {
        problem.slug: client.get_problem(client.find_problem(problem.slug).id)
        for problem in problems
    }


def _report(
    console: PlainConsole, client: Client, outcome: _Outcome, rounds: Sequence[Round], out: Path
) -> bool:
    stats = client.stats()
    checkpoints = sorted(client.checkpoints(POLICY), key=lambda item: item.version)
    console.print(stats_table(stats))
    console.print(
        f"{outcome.labelled} recorded candidates labelled and {outcome.num_groups} groups ranked in"
        f" {outcome.seconds:.0f} s ({outcome.labelled / outcome.seconds:.1f} candidates/s)"
    )
    for item in checkpoints[:1] + checkpoints[1:][-2:]:
        console.print(_step_line(item), highlight=False)
    picture = draw(stats, checkpoints, rounds, out / "demo.png")
    console.print(f"picture: {picture}", soft_wrap=True)
    good = _judge(console, client, outcome, stats)
    return report_rounds(console, rounds, out) and good


def _step_line(item: CheckpointView) -> str:
    metrics = item.metrics
    return (
        f"step {item.version:>3}  loss {metrics['loss']:.4f}"
        f"  rank {metrics['rank_loss']:.4f}  cross-entropy {metrics['ce_loss']:.4f}"
        f"  pairs {metrics['pairs']}  in order {metrics['pair_accuracy']:.2f}"
    )


def _judge(console: PlainConsole, client: Client, outcome: _Outcome, stats: Stats) -> bool:
    """Say what is not as it must be."""
    expected = {(item.task_id, item.model): item.expected_label for item in starter.candidates()}
    wrong, seen = 0, 0
    for group in outcome.starter_groups:
        for candidate in client.candidates(group.id):
            seen += 1
            want = expected[group.problem_slug, candidate.model]
            if candidate.label is not want:
                wrong += 1
                got = candidate.label.value if candidate.label else candidate.state.value
                console.print(f"{group.problem_slug} by {candidate.model}: {got}, not {want.value}")
    console.print(f"starter labels as expected: {seen - wrong} of {len(expected)}")
    unlabelled = sum(stats.candidates.values()) - stats.candidates[CandidateState.LABELLED]
    batches = stats.training_batches
    untrained = batches[BatchState.QUARANTINED] + batches[BatchState.STALE]
    unsampled = sum(stats.samples.values()) - stats.samples[SampleState.COMPLETED]
    for count, what in (
        (unlabelled, "candidates without a label"),
        (untrained, "batches set aside"),
        (unsampled, "requests for samples not answered"),
    ):
        if count:
            console.print(f"{count} {what}")
    complete = outcome.in_time and seen == len(expected)
    return complete and not (wrong or unlabelled or untrained or unsampled)


def _orphans() -> set[Path]:
    """Cgroups of executors that are gone."""
    return {
        path
        for path in Path("/sys/fs/cgroup").glob("**/rrtf-*")
        if (owner := path.name.split("-")[1]).isdigit() and not psutil.pid_exists(int(owner))
    }


def _nothing_is_left(console: PlainConsole, orphans: set[Path]) -> bool:
    """Look for processes, cgroups and mounts that should be gone; `orphans` were there before."""
    left = [f"process {child.pid}" for child in psutil.Process().children(recursive=True)]
    left += [f"cgroup {path}" for path in _orphans() - orphans]
    mounts = Path("/proc/self/mountinfo").read_text()
    if "nsjail" in mounts:
        left.append("a mount of a jail")
    for what in left:
        console.print(f"left behind: {what}")
    return not left
