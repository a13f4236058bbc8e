"""The case study: problems that no model solves and why, and those that only one solves."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from services.evaluation.benchmarks import Item
from services.evaluation.results import Evaluation, Failure, Found, Judged

_NEAREST = 3


class Near(NamedTuple):
    """A program that passes more tests than most."""

    model: str
    setting: str
    passed: int
    total: int
    program: str
    """Empty where it is not at hand."""


class Unsolved(NamedTuple):
    """A problem that no program of any model solves."""

    item: Item
    programs: int
    failure: Failure | None
    """The most frequent first failure."""
    times: int
    """How many programs fail so."""
    nearest: tuple[Near, ...]


class Alone(NamedTuple):
    """A problem that only one model solves."""

    item: Item
    model: str
    right: int
    """Of its programs."""
    programs: int


def unsolved(evaluation: Evaluation, benchmark: str) -> Iterator[Unsolved]:
    """Yield the problems of a benchmark that nobody solves, in their order."""
    every = evaluation.of(benchmark)
    for item in evaluation.items[benchmark]:
        tried = [(found, one) for found in every for one in found.judged[item.slug]]
        if any(one.is_right for _, one in tried):
            continue
        how = Counter(
            (one.failure.outcome, one.failure.test) for _, one in tried if one.failure is not None
        )
        failure, times = None, 0
        if how:
            most, times = how.most_common(1)[0]
            failure = next(
                one.failure
                for _, one in tried
                if one.failure and (one.failure.outcome, one.failure.test) == most
            )
        yield Unsolved(item, len(tried), failure, times, _nearest(tried))


def alone(evaluation: Evaluation, benchmark: str) -> Iterator[Alone]:
    """Yield the problems that only one model of several solves."""
    if len({found.model for found in evaluation.of(benchmark)}) < 2:
        return
    for item in evaluation.items[benchmark]:
        counts = [(found.model, found.counts[item.slug]) for found in evaluation.of(benchmark)]
        who = {model for model, count in counts if count.right}
        if len(who) == 1:
            (model,) = who
            own = [count for name, count in counts if name == model]
            right, programs = sum(one.right for one in own), sum(one.all for one in own)
            yield Alone(item, model, right, programs)


def _nearest(tried: list[tuple[Found, Judged]]) -> tuple[Near, ...]:
    best = sorted(tried, key=lambda pair: -pair[1].fraction)
    seen: set[str] = set()
    found: list[Near] = []
    for of, one in best:
        program = str(of.programs[one.place]["program"]) if of.programs else ""
        if one.fraction > 0 and program not in seen and len(found) < _NEAREST:
            seen.add(program)
            found.append(Near(of.model, of.setting.name, one.passed, one.total, program))
    return tuple(found)
