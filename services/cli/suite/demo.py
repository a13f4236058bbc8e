"""The demonstration: the whole suite on real problems, from nothing to a checkpoint."""

import contextlib
import itertools
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from infra.contracts.base import Author, CandidateState, GroupState
from infra.contracts.candidates import NewCandidate, NewGroup, SamplePlan
from infra.contracts.problems import Problem
from infra.contracts.views.api import CandidateView, GroupView, ProblemView, Stats
from infra.local.temporary import temporary_folder
from infra.records import importers
from infra.records.record_files import BadLine
from infra.settings import data_directory
from services.cli.console import PlainConsole
from services.cli.stored.progress import watch
from services.cli.stored.submitting import submit_groups
from services.cli.stored.training import stored
from services.cli.suite.demo_report import Outcome, nothing_is_left, orphans, report, say_what_next
from services.cli.suite.demo_rounds import (
    MAX_STALENESS,
    POLICY,
    run_rounds,
)
from services.cli.suite.running import RunningSuite, running_suite
from services.client import Client
from services.exercises.student import kept_student
from services.starter import load as starter

_POLICY = "shown"
"""Of the groups that are labelled and ranked, and that no trainer asks for."""
_REPLAY = "replay.jsonl"
_SHOWN = 4
"""Verdicts that are shown one by one."""
_SAMPLED = 8
"""Starter problems whose candidates come through the sampler rather than the API."""
_TIMEOUT_SECONDS = 1800


def run_demo(home: Path | None, out: Path, human_eval: int) -> bool:
    """Run the loop and print the result; tell whether everything went as it must."""
    console = PlainConsole(soft_wrap=True)
    out = out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    before = orphans()
    with contextlib.ExitStack() as stack:
        folder = home or stack.enter_context(temporary_folder("rrtf-demo-"))
        _write_replay(folder / _REPLAY)
        _headline(console, "1. Start the suite")
        began = time.monotonic()
        student = kept_student(out)
        with (
            running_suite(
                folder,
                trainer=False,
                tell=console.print,
                overrides=_overrides(student, folder),
            ) as suite,
            _abandoned_when_interrupted(suite),
            suite.client() as client,
        ):
            console.print(f"ready in {time.monotonic() - began:.1f} s at {suite.api_url}")
            _headline(console, "2. Label and rank recorded programs, some of which forge verdicts")
            outcome = _run_loop(console, suite, client, human_eval)
            _headline(console, "3. Make a small student better: sample, execute, rank, train")
            suite.start("trainer")
            rounds = run_rounds(console, suite, client, out)
            _headline(console, "What came of it")
            good = report(console, client, outcome, rounds, out)
            console.print("stopping the suite")
    good &= nothing_is_left(console, before)
    console.print("everything as it must be" if good else "NOT as it must be", style="bold")
    say_what_next(console)
    return good


def _headline(console: PlainConsole, text: str) -> None:
    console.print(f"\n{text}", style="bold")


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


def _run_loop(
    console: PlainConsole, suite: RunningSuite, client: Client, human_eval: int
) -> Outcome:
    outcome = Outcome()
    began = time.monotonic()
    outcome.starter_groups = _submit_starter(console, client)
    outcome.num_groups = len(outcome.starter_groups) + _submit_human_eval(
        console, client, human_eval
    )
    outcome.in_time = watch(
        client, _TIMEOUT_SECONDS, lambda stats: _is_done(stats, outcome.num_groups), suite.check
    )
    outcome.seconds = time.monotonic() - began
    outcome.labelled = client.stats().candidates[CandidateState.LABELLED]
    return outcome


def _show_first(console: PlainConsole, client: Client, group: GroupView) -> None:
    """Print the labels of a group as they come, so that a reader sees what a verdict is."""
    seen = itertools.islice(client.group_events(group.id, _TIMEOUT_SECONDS), _SHOWN)
    for item in seen:
        if isinstance(item, CandidateView) and item.label is not None:
            by = f"{item.author} {item.model}"
            console.print(f"{group.problem_slug}  {by:<24} {item.label}", highlight=False)


def _is_done(stats: Stats, num_groups: int) -> bool:
    return stats.groups[GroupState.RANKED] >= num_groups and not stats.groups[GroupState.OPEN]


def _submit_starter(console: PlainConsole, client: Client) -> list[GroupView]:
    """Submit the starter's candidates; the first of them are shown as they are labelled."""
    problems = _by_slug(client, starter.problems())
    by_slug: dict[str, list[NewCandidate]] = {}
    for item in starter.candidates():
        by_slug.setdefault(item.task_id, []).append(
            NewCandidate(author=item.author, program=item.program, model=item.model)
        )
    sampled = _sampled_slugs()
    handed_in = [(problems[slug], by_slug[slug]) for slug in by_slug if slug not in sampled]
    groups = submit_groups(client, handed_in[:1], _POLICY)
    _show_first(console, client, groups[0])
    groups += submit_groups(client, handed_in[1:], _POLICY)
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
    problems = _by_slug(client, found)
    by_slug: dict[str, list[NewCandidate]] = {}
    for record in importers.read_candidates(data / "humaneval_candidates.jsonl.gz"):
        if not isinstance(record, BadLine) and record.slug in problems:
            by_slug.setdefault(record.slug, []).append(
                importers.complete(record, problems[record.slug])
            )
    count = sum(map(len, by_slug.values()))
    console.print(f"{len(problems)} problems of HumanEval with {count} recorded programs")
    groups = submit_groups(client, [(problems[slug], by_slug[slug]) for slug in by_slug], _POLICY)
    return len(groups)


def _by_slug(client: Client, problems: Sequence[Problem]) -> dict[str, ProblemView]:
    return {problem.slug: problem for problem in stored(client, problems)}
