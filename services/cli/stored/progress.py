"""Progress of everything, live on a terminal and as plain lines elsewhere."""

import time
from collections.abc import Callable, Sequence
from uuid import UUID

from rich.live import Live
from rich.table import Table

from infra import errors
from infra.contracts.base import (
    Author,
    BatchState,
    CandidateState,
    CheckState,
    GroupState,
    Label,
    SampleState,
)
from infra.contracts.views.api import RankingView, Stats
from infra.printable import counted
from services.cli.console import PlainConsole
from services.cli.stored.showing import find_group
from services.cli.terminal import print_json, say
from services.client import Client

_LOOK_SECONDS = 3.0
_AWAY_SECONDS = 60.0
_MOST_IDS = 100
"""Groups that one request may name."""


def watch_until_ranked(client: Client, timeout_seconds: float, as_json: bool = False) -> bool:
    """Show progress until no group is open; tell whether that came to pass in time."""
    if as_json:
        return _print_counts(client, timeout_seconds)
    done = watch(client, timeout_seconds, _is_done)
    for note in no_training_data(client.stats()):
        say(note)
    return done


def no_training_data(stats: Stats) -> list[str]:
    """Say of how many groups nothing is learnt, why, and what to do."""
    return [
        f"no training data from {counted(count, 'group')}, {reason}: {stats.advice[reason]}"
        for reason, count in stats.skipped.items()
    ]


def _is_done(stats: Stats) -> bool:
    return not stats.groups.get(GroupState.OPEN)


def _print_counts(client: Client, timeout_seconds: float) -> bool:
    """Print one line of JSON whenever the counts have changed."""
    deadline, last = time.monotonic() + timeout_seconds, None
    images = MissingImages(client)
    while True:
        stats = client.stats()
        if stats != last:
            print_json(stats, indent=None)
            last = stats
        if missing := images.news():
            print_json({"missing_images": missing}, indent=None)
        if _is_done(stats) or time.monotonic() > deadline:
            return _is_done(stats)
        time.sleep(0.5)


def watch_group(client: Client, name: str, timeout_seconds: float, as_json: bool) -> None:
    """Print each label of a group as it comes, and then its ranking.

    Raises:
        errors.NotFound: there is none of that id, or none of that problem.
        errors.NotInTime: it is not ranked in time.
    """
    for event in client.group_events(find_group(client, name).id, timeout_seconds):
        if as_json:
            print_json(event, indent=None)
        elif isinstance(event, RankingView):
            reason = f", no training data, {event.skip_reason}: {event.advice}"
            say(f"ranked: {counted(len(event.pairs), 'pair')}{reason if event.skip_reason else ''}")
        else:
            label = event.label or f"{event.state}: {event.reason}"
            say(f"{event.position:>4}  {event.author:<8} {label}")


def watch_groups(
    client: Client, ids: Sequence[UUID], timeout_seconds: float, as_json: bool
) -> bool:
    """Say whenever one of some groups is ranked; tell whether all were in time."""
    deadline, told = time.monotonic() + timeout_seconds, -1
    while True:
        open_ids = [
            group.id
            for start in range(0, len(ids), _MOST_IDS)
            for group in client.groups_by_id(ids[start : start + _MOST_IDS])
            if group.state is GroupState.OPEN
        ]
        ranked = len(ids) - len(open_ids)
        if ranked != told:
            told = ranked
            if as_json:
                print_json({"ranked": ranked, "groups": len(ids)}, indent=None)
            else:
                say(f"groups {ranked} ranked of {len(ids)}", err=True)
        if not open_ids or time.monotonic() > deadline:
            return not open_ids
        time.sleep(_LOOK_SECONDS / 6)


class MissingImages:
    """Looks from time to time which images of packages work waits for that no executor has."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._told: set[str] = set()
        self._next = 0.0

    def news(self) -> dict[str, int]:
        """Return those that were not told of yet, each with how much waits for it."""
        now = time.monotonic()
        if now < self._next:
            return {}
        self._next = now + _LOOK_SECONDS
        try:
            missing = self._client.live().missing_images
        except errors.Unavailable:
            # Redis, which progress itself does not need, is away; a client waits for it each time.
            self._next = now + _AWAY_SECONDS
            return {}
        found = {image: count for image, count in missing.items() if image not in self._told}
        self._told = set(missing)
        return found


def watch(
    client: Client,
    timeout_seconds: float,
    done: Callable[[Stats], bool],
    check: Callable[[], None] = lambda: None,
) -> bool:
    """Show progress until `done`; `check` may raise to end the wait."""
    console = PlainConsole(soft_wrap=True)
    deadline = time.monotonic() + timeout_seconds
    last_line = 0.0
    images = MissingImages(client)
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        while True:
            check()
            stats = client.stats()
            if console.is_terminal:
                live.update(stats_table(stats))
            elif done(stats) or time.monotonic() - last_line > 5:
                console.print(progress_line(stats))
                last_line = time.monotonic()
            for image, count in images.news().items():
                console.print(
                    f"waiting for the image {image!r}, which no executor has:"
                    f" {counted(count, 'group or check', 'groups or checks')};"
                    f" run `rrtf images build {image}` on an executor's machine"
                )
            if done(stats):
                return True
            if time.monotonic() > deadline:
                return False
            time.sleep(0.5)


def progress_line(stats: Stats) -> str:
    """Say in one line how far everything is."""
    batches = stats.training_batches
    return (
        f"candidates {stats.candidates.get(CandidateState.LABELLED, 0)} labelled"
        f" of {sum(stats.candidates.values())}"
        f" | groups {stats.groups.get(GroupState.RANKED, 0)} ranked"
        f" of {sum(stats.groups.values())}"
        f" | batches {batches.get(BatchState.COMPLETED, 0)} trained of {sum(batches.values())}"
    )


def stats_table(stats: Stats) -> Table:
    """Lay out counts as a table."""
    table = Table(title=progress_line(stats), title_justify="left")
    table.add_column("author")
    for label in Label:
        table.add_column(label.value, justify="right")
    table.add_column("pass@1", justify="right")
    for author in Author:
        counts = stats.labels.get(author, {})
        share = stats.pass_at_1.get(author)
        table.add_row(
            author.value,
            *(str(counts.get(label, 0)) for label in Label),
            "-" if share is None else f"{share:.3f}",
        )
    aside = stats.candidates.get(CandidateState.QUARANTINED, 0)
    unsampled = stats.samples.get(SampleState.QUARANTINED, 0)
    skipped = ", ".join(f"{reason.value} {count}" for reason, count in stats.skipped.items())
    unsound = stats.checks.get(CheckState.UNSOUND, 0)
    table.caption = (
        f"{counted(stats.pairs, 'pair')}; groups without training data: {skipped or 'none'};"
        f" quarantined: {counted(aside, 'candidate')}, {counted(unsampled, 'sample request')};"
        f" unsound problems: {unsound}"
    )
    return table
