"""`rrtf train`: rounds from files of problems and teachers' programs."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from infra import errors
from infra.contracts.base import Author
from infra.contracts.candidates import NewCandidate
from infra.contracts.problems import Problem
from infra.contracts.views.api import ProblemView
from infra.records import importers
from infra.records.importers import every_problem
from infra.records.record_files import BadLine
from services import answers
from services.cli.stored.submitting import Report, store
from services.client import Client
from services.loop.round_plan import Plan, Round, difference
from services.loop.rounds import Rounds, keep_best

RECORD = "rounds.jsonl"
_IN_FLIGHT = 4


def train_rounds(
    client: Client,
    plan: Plan,
    problems: Path,
    teachers: Path | None,
    held_out: Path,
    out: Path,
    say: Callable[[str], None],
    check: Callable[[], None] = lambda: None,
) -> list[Round]:
    """Run rounds, say what each gave, and keep the best checkpoint; return the rounds.

    Raises:
        errors.InvalidInput: a file cannot be used.
        errors.Unavailable: the sampler could not answer, or a batch was not trained.
    """
    views = stored(client, every_problem(problems))
    others = stored(client, every_problem(held_out))
    programs = read_teachers(teachers, {view.slug: view for view in views}) if teachers else {}
    out.mkdir(parents=True, exist_ok=True)
    done: list[Round] = []
    for found in Rounds(client, plan, views, programs, others, check).run():
        best = max(done, key=lambda item: item.greedy.mean, default=None)
        if found.version and (best is None or found.greedy.mean > best.greedy.mean):
            keep_best(client, plan.policy, found.version, out)
        done.append(found)
        (out / RECORD).write_text("".join(json.dumps(record(item)) + "\n" for item in done))
        say(line(found, done[0]))
    return done


def stored(client: Client, problems: Sequence[Problem]) -> list[ProblemView]:
    """Store problems and return what the API calls them, in their order.

    Raises:
        errors.Conflict: one is known with other content.
    """
    report = Report()
    store(client, problems, report)
    if report.refused:
        raise errors.Conflict(report.refused[0])
    with ThreadPoolExecutor(_IN_FLIGHT) as pool:
        return list(pool.map(client.get_problem, report.stored))


def read_teachers(path: Path, problems: dict[str, ProblemView]) -> dict[str, list[NewCandidate]]:
    """Read teachers' programs of some problems; lines about others are passed over.

    Raises:
        errors.InvalidInput: a line is no candidate, or is a student's.
    """
    found: dict[str, list[NewCandidate]] = {}
    for item in importers.read_candidates(path):
        if isinstance(item, BadLine):
            raise errors.InvalidInput(f"{path}, line {item.number}: {item.reason}")
        problem = problems.get(item.slug)
        if problem is None:
            continue
        candidate = answers.complete(item, problem)
        if candidate.author is not Author.TEACHER:
            raise errors.InvalidInput(f"{path}, line {item.number}: not a teacher's program")
        found.setdefault(item.slug, []).append(candidate)
    return found


def line(done: Round, first: Round) -> str:
    """Say in one line what a round gave."""
    solved = f"held-out pass@1 {done.greedy}"
    if not done.number:
        return f"before   version {done.version:>4}  {solved}"
    ages = "" if done.staleness is None else f", staleness {done.staleness[0]}-{done.staleness[1]}"
    rise = difference(first, done)
    missing = f", {done.teachers_missing} programs of teachers missing" * bool(
        done.teachers_missing
    )
    return (
        f"round {done.number:<2} version {done.version:>4}  {solved}"
        f"  {100 * rise.mean:+.1f} points [{100 * rise.low:+.1f}, {100 * rise.high:+.1f}]"
        f"  ({done.trained_groups} of {done.groups} groups taught{ages}{missing};"
        f" {done.seconds:.0f} s)"
    )


def record(done: Round) -> dict[str, object]:
    """Return a round as JSON."""
    return vars(done) | {"greedy": done.greedy._asdict(), "solved": list(done.solved)}
