"""Two models on the same problems: which is better, by how much, and where they differ."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from infra import errors
from services import statistics
from services.evaluation.folder import Folder, read_json
from services.evaluation.results import Found, Judged, read_cells
from services.statistics import Estimate


class Change(NamedTuple):
    """A problem that one of two models solves more often."""

    slug: str
    before: float
    """Share of the first model's programs that are right."""
    after: float
    """Of the second's."""
    labels: tuple[str, str] | None
    """Where each has one program: its label."""
    newly_failed: tuple[int, ...]
    """Where each has one: tests that only the first one's passes."""
    newly_passed: tuple[int, ...]
    """And those that only the second one's passes."""


@dataclass(frozen=True)
class Comparison:
    """Two models on one benchmark."""

    benchmark: str
    settings: tuple[str, str]
    before: Estimate
    """Pass@1 of the first."""
    after: Estimate
    """Pass@1 of the second."""
    difference: Estimate
    """By how much it rises, problems drawn as pairs."""
    p: float | None
    """McNemar's exact test, where each has one program for each problem."""
    problems: int
    changes: tuple[Change, ...]
    """Where the second is better, and then where it is worse."""

    @property
    def won(self) -> int:
        """Problems that the second solves more often."""
        return sum(change.after > change.before for change in self.changes)

    @property
    def lost(self) -> int:
        """Problems that the second solves less often."""
        return len(self.changes) - self.won

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "benchmark": self.benchmark,
            "settings": list(self.settings),
            "problems": self.problems,
            "before": self.before._asdict(),
            "after": self.after._asdict(),
            "difference": self.difference._asdict(),
            "mcnemar_p": self.p,
            "won": self.won,
            "lost": self.lost,
            "changes": [change._asdict() for change in self.changes],
        }


def compared(before: Found, after: Found) -> Comparison:
    """Compare two models on one benchmark.

    Raises:
        errors.InvalidInput: they were asked different problems.
    """
    tests = {
        read_json(cell.asked)["asked"].get("problems_sha256")
        for one in (before, after)
        for cell in one.cells
    }
    # What was judged elsewhere says not by which tests.
    if before.counts.keys() != after.counts.keys() or len(tests - {None}) > 1:
        raise errors.InvalidInput(
            f"{before.model} and {after.model} were asked different problems of {before.benchmark}"
        )
    same = set(before.seeds) & set(after.seeds)
    if not same:
        raise errors.InvalidInput(
            f"{before.model} and {after.model} have no seed in common on {before.benchmark}"
        )
    before, after = before.of_seeds(same), after.of_seeds(same)
    first, second = (
        [count.right / count.all for count in one.counts.values()] for one in (before, after)
    )
    is_single = before.is_single and after.is_single
    changes = [
        _change(slug, a, b, (before.judged[slug][0], after.judged[slug][0]) if is_single else None)
        for slug, a, b in zip(before.counts, first, second, strict=True)
        if a != b
    ]
    return Comparison(
        benchmark=before.benchmark,
        settings=(before.setting.name, after.setting.name),
        before=before.pass_at(1),
        after=after.pass_at(1),
        difference=statistics.difference_over_seeds(before.rates(), after.rates()),
        p=_mcnemar(first, second) if is_single else None,
        problems=len(before.counts),
        changes=tuple(sorted(changes, key=lambda change: change.before - change.after)),
    )


def _mcnemar(before: Sequence[float], after: Sequence[float]) -> float:
    return statistics.mcnemar([rate == 1 for rate in before], [rate == 1 for rate in after])


def of_folders(before: Path, after: Path) -> list[Comparison]:
    """Compare two models, `FOLDER/models/NAME` of evaluations, wherever they were asked the same.

    Raises:
        errors.InvalidInput: a folder is of no model, or they have nothing in common.
    """
    both = [_read(path) for path in (before, after)]
    pairs = list(_pairs(*both))
    if not pairs:
        raise errors.InvalidInput(
            f"{before} and {after} have no benchmark in common on which both were sampled alike"
        )
    return [compared(*pair) for pair in pairs]


def _pairs(before: Sequence[Found], after: Sequence[Found]) -> Iterator[tuple[Found, Found]]:
    for one in before:
        of = [other for other in after if other.benchmark == one.benchmark]
        same = [other for other in of if other.setting == one.setting]
        alone = [other for other in before if other.benchmark == one.benchmark]
        if not same and len(of) == len(alone) == 1 and of[0].is_single == one.is_single:
            same = of
        for other in same:
            yield one, other


def _read(path: Path) -> list[Found]:
    path = path.absolute()
    if path.parent.name != "models":
        raise errors.InvalidInput(f"{path} is no model of an evaluation, as FOLDER/models/NAME is")
    folder = Folder(path.parent.parent)
    cells = [cell for cell in folder.cells() if cell.model == path.name]
    if not cells:
        raise errors.InvalidInput(f"{path} has nothing that is complete")
    return read_cells(cells, {cell.benchmark: folder.items(cell.benchmark) for cell in cells})


def _change(
    slug: str, before: float, after: float, programs: tuple[Judged, Judged] | None
) -> Change:
    if programs is None:
        return Change(slug, before, after, None, (), ())
    first, second = programs
    return Change(
        slug,
        before,
        after,
        (first.label, second.label),
        tuple(sorted(set(second.failed) - set(first.failed))),
        tuple(sorted(set(first.failed) - set(second.failed))),
    )
