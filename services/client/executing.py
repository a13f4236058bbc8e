"""Has many programs executed while the caller waits: many in one request, several at once."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

from infra.contracts.inline import ExecuteRequest, ExecuteResult
from services.client.synchronous import Client

_IN_FLIGHT: Final = 8
_PROGRAMS: Final = 64
"""Most programs in one request."""
_ATTEMPTS: Final = 2
"""Times that a program is handed in which the executors do not finish in time."""


class Placed(NamedTuple):
    """A program, and the place of its result."""

    place: int
    program: str


class Job(NamedTuple):
    """Programs that are judged alike."""

    request: ExecuteRequest
    """How they are judged; programs of its own do not count."""
    programs: Sequence[Placed]


def execute_all(client: Client, jobs: Sequence[Job]) -> Iterator[tuple[int, ExecuteResult]]:
    """Execute the programs of all jobs; yield each place once with its result, as they come.

    Raises:
        errors.InvalidInput: tests are none, or cannot be run.
        errors.NotFound: a problem is not stored.
        errors.Unavailable: the API cannot be reached.
    """
    waiting = [part for job in jobs for part in _divided(job)]
    for attempt in range(1, _ATTEMPTS + 1):
        late: list[Job] = []
        with ThreadPoolExecutor(_IN_FLIGHT) as pool:
            answers = pool.map(lambda job: _ask(client, job), waiting)
            for job, results in zip(waiting, answers, strict=True):
                again = []
                for one, result in zip(job.programs, results, strict=True):
                    if result.label is None and attempt < _ATTEMPTS:
                        again.append(one)
                    else:
                        yield one.place, result
                if again:
                    late.append(Job(job.request, again))
        waiting = late


def _divided(job: Job) -> Iterator[Job]:
    for start in range(0, len(job.programs), _PROGRAMS):
        yield Job(job.request, job.programs[start : start + _PROGRAMS])


def _ask(client: Client, job: Job) -> tuple[ExecuteResult, ...]:
    programs = tuple(one.program for one in job.programs)
    return client.execute(job.request.model_copy(update={"programs": programs})).results
