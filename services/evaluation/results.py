"""What an evaluation has found, read from its folder."""

from collections import Counter, defaultdict
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from infra import errors
from infra.contracts.base import Label, Outcome
from services import statistics
from services.evaluation.benchmarks import Item, day
from services.evaluation.folder import Cell, Folder, read_json, read_lines, rows_of
from services.evaluation.plan import Setting
from services.evaluation.trained import NOTHING_KNOWN, Trained
from services.statistics import Count, Estimate


class Failure(NamedTuple):
    """The first thing that went wrong."""

    outcome: str
    test: str
    detail: str


class Judged(NamedTuple):
    """What became of one program."""

    label: str
    passed: int
    total: int
    failed: tuple[int, ...]
    """Tests that it did not pass."""
    failure: Failure | None
    place: int
    """Among the programs of its kind, from 0."""

    @property
    def is_right(self) -> bool:
        """Whether it passes all tests."""
        return self.label == Label.ALL_PASS

    @property
    def fraction(self) -> float:
        """Share of tests that it passes; 0 where they are not known."""
        return self.passed / self.total if self.total else 0.0


@dataclass(frozen=True)
class Found:
    """What became of the programs of one kind, of one model, for one benchmark."""

    cells: tuple[Cell, ...]
    """One for each seed."""
    setting: Setting
    items: tuple[Item, ...]
    by_seed: Mapping[int, Mapping[str, tuple[Judged, ...]]]
    """By seed and by problem, in the order of the items."""

    @property
    def model(self) -> str:
        """Who wrote them."""
        return self.cells[0].model

    @property
    def benchmark(self) -> str:
        """What they were for."""
        return self.cells[0].benchmark

    @property
    def seeds(self) -> tuple[int, ...]:
        """With which they were drawn; 0 where there was none."""
        return tuple(self.by_seed)

    def of_seeds(self, seeds: Container[int]) -> "Found":
        """Return what was drawn with some of the seeds."""
        kept = {seed: found for seed, found in self.by_seed.items() if seed in seeds}
        return replace(self, by_seed=kept)

    @cached_property
    def judged(self) -> dict[str, tuple[Judged, ...]]:
        """By problem, in the order of the items, of all seeds."""
        return {
            item.slug: tuple(one for of in self.by_seed.values() for one in of[item.slug])
            for item in self.items
        }

    @cached_property
    def counts(self) -> dict[str, Count]:
        """How many programs each problem has, and how many of them are right."""
        return {slug: _count(found) for slug, found in self.judged.items()}

    @cached_property
    def fewest(self) -> int:
        """Programs that every problem has of every seed."""
        return min(len(found) for of in self.by_seed.values() for found in of.values())

    @property
    def is_single(self) -> bool:
        """Whether no problem has more than one program."""
        return max(count.all for count in self.counts.values()) == 1

    @cached_property
    def programs(self) -> list[Mapping[str, Any]]:
        """The programs, and their `num_tokens` if known; none where it was judged elsewhere."""
        shown = ("program", "num_tokens")
        return [
            {key: row[key] for key in shown if key in row}
            for cell in self.cells
            if cell.candidates.exists()
            for row in rows_of(cell.candidates)
        ]

    def every(self) -> list[Judged]:
        """Return the results of all programs."""
        return [one for found in self.judged.values() for one in found]

    def pass_at(self, k: int, slugs: Sequence[str] | None = None) -> Estimate:
        """Return pass@k over problems, all of them or some, and over seeds where there are several.

        The mean of what each seed gives.
        """
        return statistics.over_seeds(self._counts_by_seed(slugs), k)

    def rates(self) -> list[list[float]]:
        """Return pass@1: a row for each seed, with a value for each problem."""
        return [[one.right / one.all for one in of] for of in self._counts_by_seed()]

    def again(self, k: int) -> Estimate | None:
        """Return pass@k as another run on the same problems may give it.

        None where each problem has a single program, which tells nothing of it.
        """
        if self.is_single:
            return None
        return statistics.over_programs([c for of in self._counts_by_seed() for c in of], k)

    def _counts_by_seed(self, slugs: Sequence[str] | None = None) -> list[list[Count]]:
        named = [item.slug for item in self.items] if slugs is None else slugs
        return [[_count(of[slug]) for slug in named] for of in self.by_seed.values()]


class Evaluation:
    """All that is complete in a folder."""

    def __init__(self, root: Path) -> None:
        """Read it.

        Raises:
            errors.InvalidInput: there is nothing, or a file cannot be read.
        """
        folder = Folder(root)
        cells = list(folder.cells())
        if not cells:
            raise errors.InvalidInput(f"{root} holds no evaluation with a complete part")
        items = {name: folder.items(name) for name in {cell.benchmark for cell in cells}}
        self.found = sorted(
            read_cells(cells, items),
            key=lambda one: (one.benchmark, one.model, one.setting.temperature or 0.0),
        )
        self.items = {name: tuple(items[name]) for name in sorted(items)}
        self.models = sorted({cell.model for cell in cells})
        self.trained = {
            name: Trained.read(root / "models" / name / "model.json") for name in self.models
        }

    def of(self, benchmark: str, model: str | None = None) -> list[Found]:
        """Return what was found for a benchmark, of all models or of one."""
        return [
            one for one in self.found if one.benchmark == benchmark and model in (None, one.model)
        ]


def read_cells(cells: Sequence[Cell], items: Mapping[str, Sequence[Item]]) -> list[Found]:
    """Read cells, and put those together that differ by their seed alone.

    Args:
        cells: Complete ones.
        items: The problems of their benchmarks.

    Raises:
        errors.InvalidInput: labels are not of the benchmark's problems, or a seed is there twice.
    """
    alike: dict[tuple[str, str, Setting], dict[int, Cell]] = defaultdict(dict)
    for cell in cells:
        of = alike[cell.model, cell.benchmark, cell.setting()]
        if of.setdefault(cell.seed(), cell) is not cell:
            raise errors.InvalidInput(f"{cell.folder} is drawn as {of[cell.seed()].folder} is")
    return [
        _read(dict(sorted(of.items())), setting, tuple(items[benchmark]))
        for (_, benchmark, setting), of in alike.items()
    ]


def _read(cells: Mapping[int, Cell], setting: Setting, items: tuple[Item, ...]) -> Found:
    by_seed, place = {}, 0
    for seed, cell in cells.items():
        by_seed[seed] = _read_labels(cell, items, place)
        place += sum(map(len, by_seed[seed].values()))
    return Found(tuple(cells.values()), setting, items, by_seed)


def _read_labels(cell: Cell, items: Sequence[Item], place: int) -> dict[str, tuple[Judged, ...]]:
    """Read the labels of a cell, whose programs stand from a place on among those of all seeds."""
    judged: dict[str, list[Judged]] = {item.slug: [] for item in items}
    for number, row in enumerate(read_lines(cell.labels), place):
        if row.get("task_id") not in judged:
            raise errors.InvalidInput(f"{cell.labels} has a label for {row.get('task_id')!r}")
        judged[row["task_id"]].append(_judged(row, number))
    if not all(judged.values()):
        raise errors.InvalidInput(f"{cell.labels} lacks labels for some problems")
    return {slug: tuple(one) for slug, one in judged.items()}


def by_level(found: Found) -> dict[str, list[str]]:
    """Return the problems of each level, if there are several."""
    return _parts(found.items, lambda item: item.level)


def by_training(found: Found, trained: Trained) -> dict[str, list[str]]:
    """Return the problems that may be known to a model, and those that are not.

    Those from before and from after the end of its training data, and those that were met in them
    and that were not.
    """
    cutoff, met = trained

    def around(item: Item) -> str:
        published = day(item)
        if cutoff is None or published is None:
            return ""
        return f"after {cutoff}" if published > cutoff else f"until {cutoff}"

    def known(item: Item) -> str:
        if met is None:
            return ""
        return "met in training" if item.slug in met else "not met in training"

    return {**_parts(found.items, around), **_parts(found.items, known, 1)}


def numbers(found: Found, ks: Sequence[int], trained: Trained = NOTHING_KNOWN) -> dict[str, Any]:
    """Return all numbers of a cell as JSON."""
    every = found.every()
    ks = [k for k in ks if k <= found.fewest]
    labels = Counter(one.label for one in every)
    late = sum(
        one.failure is not None and one.failure.outcome == Outcome.TIME_LIMIT_EXCEEDED
        for one in every
    )
    parts = {**by_level(found), **by_training(found, trained)}
    tokens = [row["num_tokens"] for row in found.programs if "num_tokens" in row]
    return {
        "model": found.model,
        "benchmark": found.benchmark,
        "setting": found.setting.name,
        "seeds": list(found.seeds),
        "problems": len(found.counts),
        "programs": len(every),
        "pass_at": {
            str(k): {
                "over_problems": found.pass_at(k)._asdict(),
                "over_programs": again._asdict() if (again := found.again(k)) else None,
            }
            for k in ks
        },
        "parts": {
            part: {
                "problems": len(slugs),
                "pass_at": {str(k): found.pass_at(k, slugs)._asdict() for k in ks},
            }
            for part, slugs in parts.items()
        },
        "labels": {label: labels[label] for label in sorted(labels)},
        "time_limit_exceeded": late,
        "no_program": sum(not str(row["program"]).strip() for row in found.programs),
        "tokens": sum(tokens) if tokens else None,
        "met_in_training": None
        if trained.met is None
        else sorted(trained.met & found.counts.keys()),
        "right": {slug: count.right for slug, count in found.counts.items()},
        "asked": [read_json(cell.asked) for cell in found.cells],
    }


def _parts(
    items: Sequence[Item], part: Callable[[Item], str], fewest: int = 2
) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for item in items:
        if name := part(item):
            found[name].append(item.slug)
    return dict(sorted(found.items())) if len(found) >= fewest else {}


def _count(found: Sequence[Judged]) -> Count:
    return Count(len(found), sum(one.is_right for one in found))


def _judged(row: Mapping[str, Any], place: int) -> Judged:
    failure = row.get("failure")
    return Judged(
        label=row["label"],
        passed=row.get("passed", 0),
        total=row.get("total", 0),
        failed=tuple(row.get("failed", ())),
        failure=Failure(**failure) if failure else None,
        place=place,
    )
