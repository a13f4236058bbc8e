"""From labelled programs to what each method of the experiment trains on: pure."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid5

from infra.contracts.base import Author, Label
from infra.contracts.problems import Problem
from infra.contracts.prompting import Sampled
from infra.contracts.ranking import Judged, RankedGroup, Response
from ranker.ranking import Rules, rank


class Labelled(NamedTuple):
    """A program with what the executor found."""

    author: Author
    program: str
    label: Label
    pass_fraction: float
    finished: bool
    written: str | None = None
    """What the student wrote, where the program was taken from that."""
    sampled: Sampled | None = None
    steps: bool = False
    """Whether it is a teacher's program again, with a comment above each step."""


def ranked(problem: Problem, programs: Sequence[Labelled], rules: Rules) -> RankedGroup | None:
    """Rank one group as the ranker does; return None if it teaches nothing."""
    judged = {_id(problem, number): item for number, item in enumerate(programs)}
    ranking = rank(
        [
            Judged(
                candidate_id=candidate_id,
                author=item.author,
                label=item.label,
                pass_fraction=item.pass_fraction,
                program=item.program,
                completion=item.written,
            )
            for candidate_id, item in judged.items()
        ],
        rules,
    )
    if ranking.skip_reason is not None or ranking.best_id is None:
        return None
    index = {candidate.candidate_id: number for number, candidate in enumerate(ranking.order)}
    return RankedGroup(
        group_id=_id(problem, -1),
        problem_slug=problem.slug,
        prompt=problem.prompt,
        responses=tuple(
            _response(candidate.candidate_id, judged[candidate.candidate_id], candidate.score)
            for candidate in ranking.order
        ),
        pairs=tuple(
            (index[pair.better_id], index[pair.worse_id], pair.gap) for pair in ranking.pairs
        ),
        best=index[ranking.best_id],
    )


def imitated(problem: Problem, item: Labelled, number: int) -> RankedGroup:
    """Make a group of one program to imitate, whatever it is worth."""
    score = 1.0 if item.label is Label.ALL_PASS else 0.0
    return RankedGroup(
        group_id=_id(problem, -1),
        problem_slug=problem.slug,
        prompt=problem.prompt,
        responses=(_response(_id(problem, number), item, score),),
        pairs=(),
        best=0,
    )


def teachers_alone(problem: Problem, programs: Sequence[Labelled]) -> list[RankedGroup]:
    """Imitate every teacher: no test is run, so right and wrong are not told apart."""
    found = [item for item in programs if item.author is Author.TEACHER]
    return [imitated(problem, item, number) for number, item in enumerate(found)]


def rejection_sampled(problem: Problem, programs: Sequence[Labelled]) -> list[RankedGroup]:
    """Imitate every different program that passes all tests, whoever wrote it."""
    passing = {
        item.program: item for item in programs if item.label is Label.ALL_PASS and item.finished
    }
    return [imitated(problem, item, number) for number, item in enumerate(passing.values())]


def labelled(record: Mapping[str, Any]) -> Labelled:
    """Read a candidate's record with its label."""
    return Labelled(
        author=Author(record["author"]),
        program=record["program"],
        label=Label(record["label"]),
        pass_fraction=record["pass_fraction"],
        finished=record.get("finish_reason") in (None, "stop"),
        written=record.get("completion"),
        sampled=Sampled.model_validate(record["sampled"]) if "sampled" in record else None,
        steps=record.get("steps", False),
    )


def _response(candidate_id: UUID, item: Labelled, score: float) -> Response:
    return Response(
        candidate_id=candidate_id,
        author=item.author,
        label=item.label,
        score=score,
        pass_fraction=item.pass_fraction,
        program=item.program,
        finished=item.finished,
        written=item.written if item.sampled else None,
        sampled=item.sampled,
    )


def _id(problem: Problem, number: int) -> UUID:
    return uuid5(NAMESPACE_URL, f"{problem.slug} {number}")
