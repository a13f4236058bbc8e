"""One suite, as a program that scores samples sees it."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from infra import errors
from infra.contracts.candidates import NewCandidate
from infra.contracts.direct import ExecuteRequest, ExecuteResult
from infra.contracts.views.api import ProblemView
from infra.records import importers
from infra.records.record_files import BadLine
from infra.records.samples import Names
from services import answers
from services.client import Client
from services.client.rrtf.labels import Labelled, Labels
from services.client.rrtf.progress import counted

_IN_FLIGHT = 8
_PROGRAMS = 64
"""Most programs in one request."""
_ATTEMPTS = 2
"""Times that a program is handed in which the executors do not finish in time."""


class _Waiting(NamedTuple):
    """A candidate on its way to a label."""

    place: int
    problem: ProblemView
    candidate: NewCandidate


class Suite:
    """Labels programs by the tests of stored problems; nothing of them is stored.

    `client` has all that the REST API offers: problems, groups, rankings, batches, checkpoints.
    """

    def __init__(self, client: Client, wait_seconds: float = 60.0) -> None:
        """Take a client; `wait_seconds` is how long one request may take."""
        self.client = client
        self._wait_seconds = wait_seconds

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the client's connections."""
        self.client.close()

    def label(self, problem: str, programs: Sequence[str]) -> tuple[ExecuteResult, ...]:
        """Label programs by the tests of one stored problem, in their order.

        Raises:
            errors.NotFound: there is no problem of that name or id.
            errors.Unavailable: the API cannot be reached.
        """
        results: list[ExecuteResult] = []
        for start in range(0, len(programs), _PROGRAMS):
            part = tuple(programs[start : start + _PROGRAMS])
            request = ExecuteRequest(
                problem=problem, programs=part, wait_seconds=self._wait_seconds
            )
            results += self.client.execute(request).results
        return tuple(results)

    def label_file(self, path: str | Path, progress: bool = True) -> Labels:
        """Label the candidates of a file, in any of the forms that `rrtf label` reads.

        Each is judged by the stored problem that its `task_id` names. Lines that cannot be used
        are in the result's `bad`, each with its number. `progress` shows a bar where tqdm is
        installed.

        Raises:
            errors.InvalidInput: the file cannot be read.
            errors.Unavailable: the API cannot be reached.
        """
        waiting, bad = self._read(Path(path))
        labelled: dict[int, Labelled] = {}
        for attempt in range(_ATTEMPTS):
            chunks = list(_chunks(waiting))
            with ThreadPoolExecutor(_IN_FLIGHT) as pool:
                answers_of = pool.map(self._ask, chunks)
                shown = counted(
                    zip(chunks, answers_of, strict=True), len(waiting), progress and not attempt
                )
                for chunk, results in shown:
                    for one, result in zip(chunk, results, strict=True):
                        labelled[one.place] = _labelled(one, result)
            waiting = [one for one in waiting if labelled[one.place].label is None]
        return Labels((labelled[place] for place in sorted(labelled)), bad)

    @cached_property
    def _slugs(self) -> dict[str, object]:
        return {problem.slug: problem.id for problem in self.client.problems()}

    def _read(self, path: Path) -> tuple[list[_Waiting], list[str]]:
        waiting: list[_Waiting] = []
        bad: list[str] = []
        problems: dict[str, ProblemView] = {}
        names = Names(self._slugs.__contains__, list(self._slugs))
        for found in importers.read_candidates(path, names):
            if isinstance(found, BadLine):
                bad.append(f"{path}, line {found.number}: {found.reason}")
                continue
            try:
                if found.slug not in problems:
                    problems[found.slug] = self.client.find_problem_with_tests(found.slug)
                problem = problems[found.slug]
                whole = answers.complete(found, problem)
            except (errors.NotFound, errors.InvalidInput) as error:
                bad.append(f"{path}, line {found.number}: {error.detail}")
                continue
            waiting.append(_Waiting(len(waiting), problem, whole))
        return waiting, bad

    def _ask(self, chunk: Sequence[_Waiting]) -> tuple[ExecuteResult, ...]:
        return self.label(str(chunk[0].problem.id), [one.candidate.program for one in chunk])


def _chunks(waiting: Sequence[_Waiting]) -> Iterator[list[_Waiting]]:
    """Put candidates of one problem into requests."""
    of_problem: dict[str, list[_Waiting]] = {}
    for one in waiting:
        of_problem.setdefault(one.problem.slug, []).append(one)
    for members in of_problem.values():
        for start in range(0, len(members), _PROGRAMS):
            yield members[start : start + _PROGRAMS]


def _labelled(one: _Waiting, result: ExecuteResult) -> Labelled:
    return Labelled(
        one.problem.slug,
        one.candidate.model,
        one.candidate.program,
        result.label,
        result.pass_fraction,
        result.reason,
    )
