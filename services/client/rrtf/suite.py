"""One suite, as a program that scores samples sees it."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from infra import errors
from infra.contracts.candidates import NewCandidate
from infra.contracts.inline import ExecuteRequest, ExecuteResult
from infra.contracts.views.api import ProblemView
from infra.records import importers
from infra.records.record_files import BadLine
from infra.records.samples import Names
from services import answers
from services.client import Client
from services.client.executing import Job, Placed, execute_all
from services.client.rrtf.labels import Labelled, Labels
from services.client.rrtf.progress import counted


class _Waiting(NamedTuple):
    """A candidate on its way to a label."""

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
        placed = [Placed(*one) for one in enumerate(programs)]
        found = dict(execute_all(self.client, [Job(self._request(problem), placed)]))
        return tuple(found[place] for place in range(len(programs)))

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
        of_problem: dict[str, list[Placed]] = {}
        for place, one in enumerate(waiting):
            placed = Placed(place, one.candidate.program)
            of_problem.setdefault(str(one.problem.id), []).append(placed)
        jobs = [Job(self._request(name), programs) for name, programs in of_problem.items()]
        found = dict(counted(execute_all(self.client, jobs), len(waiting), progress))
        return Labels((_labelled(one, found[place]) for place, one in enumerate(waiting)), bad)

    def _request(self, problem: str) -> ExecuteRequest:
        return ExecuteRequest(problem=problem, programs=("",), wait_seconds=self._wait_seconds)

    @cached_property
    def _names(self) -> Names:
        slugs = [problem.slug for problem in self.client.problems()]
        return Names(frozenset(slugs).__contains__, slugs)

    def _read(self, path: Path) -> tuple[list[_Waiting], list[str]]:
        waiting: list[_Waiting] = []
        bad: list[str] = []
        problems: dict[str, ProblemView] = {}
        for found in importers.read_candidates(path, self._names):
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
            waiting.append(_Waiting(problem, whole))
        return waiting, bad


def _labelled(one: _Waiting, result: ExecuteResult) -> Labelled:
    return Labelled(
        one.problem.slug,
        one.candidate.model,
        one.candidate.program,
        result.label,
        result.pass_fraction,
        result.reason,
    )
