"""Benchmarks: the problems that models are asked, and what is known of them by name."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from infra import errors
from infra.contracts.base import Contract
from infra.contracts.problems import Problem
from infra.forms.programs import STOP
from infra.records import importers
from services.evaluation.plan import BenchmarkPlan
from services.known import Known, known


class Item(Contract):
    """A problem of a benchmark, as far as a report needs it."""

    slug: str
    level: str = ""
    """Empty where nothing is known."""
    date: str = ""
    """ISO 8601; empty where nothing is known."""
    prompt: str = ""
    flaw: str = ""


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """The problems of one benchmark that are asked."""

    name: str
    items: tuple[Item, ...]
    problems: tuple[Problem, ...]
    """Those of the items, in their order; none of a benchmark that is judged elsewhere."""
    file_slugs: tuple[str, ...]
    """All problems of the file, in its order: files of candidates may rely on it."""
    stop: tuple[str, ...]
    """Texts that end a completion of its prompts, where these are shown raw."""
    digest: str
    """Of all that decides what is asked and how it is judged."""


def opened(name: str, plan: BenchmarkPlan) -> Benchmark:
    """Read a benchmark, and choose its problems.

    Raises:
        errors.InvalidInput: its file cannot be used, it is not what its name says, it cannot be
            chosen from in this way, or nothing is left.
    """
    every = importers.every_problem(plan.problems)
    of = _known_as(name, plan, every)
    problems = every[: _release(name, plan.release, of, len(every))]
    items = [item(problem, of) for problem in problems]
    there = {one.level.casefold() for one in items}
    for level in plan.levels:
        if level.casefold() not in there:
            known_levels = ", ".join(sorted({one.level for one in items} - {""})) or "none"
            raise errors.InvalidInput(f"{name} has no level {level!r}; there are: {known_levels}")
    if strange := sorted(set(plan.without) - {problem.slug for problem in every}):
        raise errors.InvalidInput(f"{name} has no problem {', '.join(strange)} to leave out")
    chosen = [number for number, one in enumerate(items) if _is_wanted(one, plan, name)]
    if not chosen:
        raise errors.InvalidInput(f"{name}: no problem of {plan.problems} is left")
    kept = tuple(problems[number] for number in chosen)
    return Benchmark(
        name=name,
        items=tuple(items[number] for number in chosen),
        problems=kept,
        file_slugs=tuple(problem.slug for problem in every),
        stop=_stop(of, kept),
        digest=digest(problem.model_dump(mode="json") for problem in kept),
    )


def digest(values: Iterable[Any]) -> str:
    """Return the SHA-256 of JSON values."""
    found = hashlib.sha256()
    for value in values:
        found.update(json.dumps(value, sort_keys=True).encode() + b"\n")
    return found.hexdigest()


def item(problem: Problem, of: Known | None) -> Item:
    """Return what a report needs of a problem."""
    said = problem.metadata
    level = str(said.get(of.level) or "") if of and of.level else ""
    if of and of.by_language:
        level = problem.language.value
    published = said.get(of.date) if of and of.date else None
    return Item(
        slug=problem.slug,
        level=of.renamed.get(level, level) if of else "",
        date="" if published is None else str(published),
        prompt=problem.prompt,
        flaw=of.flaws.get(problem.slug, "") if of else "",
    )


def day(one: Item) -> date | None:
    """Return the day on which a problem was published, if that is known."""
    try:
        return datetime.fromisoformat(one.date).date() if one.date else None
    except ValueError:
        return None


def _known_as(name: str, plan: BenchmarkPlan, problems: Sequence[Problem]) -> Known | None:
    sources = {str(problem.metadata.get("source")) for problem in problems}
    wanted = plan.benchmark or (name if name in known() else None)
    if wanted is None:
        return next((one for one in known().values() if {one.source} == sources), None)
    if wanted not in known():
        there = ", ".join(known())
        raise errors.InvalidInput(f"no benchmark is known as {wanted!r}; known are {there}")
    found = known()[wanted]
    if sources != {found.source}:
        are = ", ".join(sorted(sources))
        raise errors.InvalidInput(
            f"{plan.problems} has problems of {are}, and not of {wanted}; give another name"
        )
    return found


def _stop(of: Known | None, problems: Sequence[Problem]) -> tuple[str, ...]:
    """Return what ends a completion: by the benchmark, and by problems that all say the same."""
    found = of.stop if of else ()
    own = {_stop_of(problem) for problem in problems}
    return tuple(dict.fromkeys(found + own.pop())) if len(own) == 1 else found


def _stop_of(problem: Problem) -> tuple[str, ...]:
    said = problem.metadata.get(STOP)
    return tuple(map(str, said)) if isinstance(said, list) else ()


def _release(name: str, release: str | None, of: Known | None, count: int) -> int:
    if release is None:
        return count
    numbers = of.releases if of else {}
    if release not in numbers:
        there = ", ".join(numbers) or "none"
        raise errors.InvalidInput(f"{name} has no release {release!r}; there are: {there}")
    if count < numbers[release]:
        raise errors.InvalidInput(
            f"{name}: release {release} has {numbers[release]} problems, the file only {count}"
        )
    return numbers[release]


def _is_wanted(one: Item, plan: BenchmarkPlan, name: str) -> bool:
    if one.slug in plan.without:
        return False
    if plan.levels and one.level.casefold() not in {level.casefold() for level in plan.levels}:
        return False
    if plan.after is None and plan.before is None:
        return True
    published = day(one)
    if published is None:
        raise errors.InvalidInput(f"{name}: {one.slug} says not when it was published")
    return (plan.after is None or published > plan.after) and (
        plan.before is None or published < plan.before
    )
