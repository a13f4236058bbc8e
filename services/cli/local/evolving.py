"""`rrtf evolve`: seeds in; tasks, problems with tests, teachers' programs and a report out."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

from pydantic import ValidationError

from infra import errors
from infra.printable import counted
from infra.settings import load
from sampler.evolution.teacher import Teacher
from sampler.servers.endpoint_settings import EndpointSettings
from sampler.servers.event_loop import EventLoopThread
from sampler.servers.spending.ledger import Ledger
from services.cli.terminal import open_database
from services.decontamination import instructions
from services.decontamination.screen import Screen
from services.evolution import evolve
from services.evolution.agreed_tests import Choices
from services.evolution.evolving_plan import Plan, plan
from services.known import several


def run(
    seeds: Path,
    out: Path,
    teachers: Sequence[str],
    against: Sequence[str],
    embeddings: Path | None,
    choices: Choices,
    tell: Callable[[str], None],
) -> evolve.Report:
    """Evolve a file of seeds.

    Args:
        seeds: Where the seeds are.
        out: Folder for what comes out.
        teachers: Endpoints by name, asked in this order.
        against: Benchmarks to keep out, as `known.several` takes them.
        embeddings: Folder of a model of embeddings, if texts shall be compared by it.
        choices: How the run is to go.
        tell: Is told how far it is.

    Raises:
        errors.SuiteError: a file, a teacher, the database or the sandbox is not as it must be.
    """
    screen = Screen.of(several(against), embeddings)
    texts = instructions.read_seeds(seeds)
    endpoints = load(EndpointSettings).named(teachers)
    with ExitStack() as stack:
        database = stack.enter_context(closing(open_database()))
        teacher = Teacher(endpoints, Ledger(database), stack.enter_context(EventLoopThread()))
        stack.callback(teacher.close)
        result = evolve.run(teacher, texts, screen, choices, tell)
    evolve.write(result, out)
    return result.report


def foresee(out: Path, teachers: Sequence[str], problems: int) -> Plan:
    """Tell what so many problems would take, by the report of a run in its folder.

    Raises:
        errors.SuiteError: there is no report, or it does not say enough.
    """
    path = out / "report.json"
    try:
        report = evolve.Report.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise errors.InvalidInput(
            f"cannot read {path}, the report of a run to plan by; make one of a hundred seeds first"
        ) from error
    return plan(report, problems, {one.name: one for one in load(EndpointSettings).named(teachers)})


def lines(foreseen: Plan) -> Iterator[str]:
    """Say what a run would take."""
    yield (
        f"{counted(foreseen.problems, 'problem')}: {counted(foreseen.seeds, 'seed')},"
        f" {counted(foreseen.tasks, 'task')},"
        f" {foreseen.hours:g} h of asking, {foreseen.execution_hours:g} h of one executor slot,"
        f" cost {foreseen.cost.normalize():f}"
    )
    for one in foreseen.by_endpoint:
        yield (
            f"{one.endpoint}: {counted(one.requests, 'request')}, {one.prompt_tokens} tokens read,"
            f" {one.completion_tokens} written, {one.requests_per_second:g} requests/s"
            f" ({one.bound_by}), {one.hours:g} h"
        )
