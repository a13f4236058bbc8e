"""What the demonstration says at its end: what came of it, whether all is as it must be."""

from collections.abc import Sequence
from pathlib import Path

import psutil

from executor.sandbox import groups
from infra.contracts.base import BatchState, CandidateState, SampleState
from infra.contracts.views.api import CheckpointView, GroupView, Stats
from services.cli.console import PlainConsole
from services.cli.stored.progress import stats_table
from services.cli.suite.demo_rounds import POLICY, report_rounds
from services.cli.suite.picture import draw
from services.client import Client
from services.loop.round_plan import Round
from services.starter import load as starter

_NEXT = (
    "\nShown: programs labelled in sandboxes, forgers of verdicts among them; groups ranked; a"
    " student trained on the pairs, and measured on problems that it has not seen.",
    "Try next:",
    "  make up                      start the suite and keep it; its dashboard is at"
    " http://127.0.0.1:8000",
    "  . .venv/bin/activate         have `rrtf` in this shell",
    "  rrtf check problems.jsonl    are my tests sound?",
    "  rrtf label --help            label my own programs, with no service running",
    "  README.md                    the same in full; infra/docs has a page for each task",
)


class Outcome:
    """What was submitted, and how long it took."""

    def __init__(self) -> None:
        self.starter_groups: list[GroupView] = []
        self.num_groups = 0
        self.labelled = 0
        self.seconds = 0.0
        self.in_time = False


def report(
    console: PlainConsole, client: Client, outcome: Outcome, rounds: Sequence[Round], out: Path
) -> bool:
    """Print what came of it, and draw the picture; tell whether all is as it must be."""
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


def _judge(console: PlainConsole, client: Client, outcome: Outcome, stats: Stats) -> bool:
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


def orphans() -> set[Path]:
    """Cgroups of executors that are gone."""
    folders = {path.parent for path in Path("/sys/fs/cgroup").glob(f"**/{groups.PREFIX}*")}
    return {path for folder in folders for path in groups.abandoned(folder)}


def nothing_is_left(console: PlainConsole, before: set[Path]) -> bool:
    """Look for processes, cgroups and mounts that should be gone; cgroups were there `before`."""
    left = [f"process {child.pid}" for child in psutil.Process().children(recursive=True)]
    left += [f"cgroup {path}" for path in orphans() - before]
    mounts = Path("/proc/self/mountinfo").read_text()
    if "nsjail" in mounts:
        left.append("a mount of a jail")
    for what in left:
        console.print(f"left behind: {what}")
    return not left


def say_what_next(console: PlainConsole) -> None:
    """Print what was shown, and what a reader may try."""
    for line in _NEXT:
        console.print(line, highlight=False)
