"""From labelled programs to what each method of the experiment trains on: pure."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL, UUID, uuid5

from infra.contracts.base import Author, Label
from infra.contracts.problems import Problem
from infra.contracts.ranking import Judged, RankedGroup, Response
from infra.prompting.wording import quoted
from ranker.ranking import Rules, rank


class Labelled(NamedTuple):
    """A program with what the executor found."""

    author: Author
    program: str
    label: Label
    pass_fraction: float
    finished: bool
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
            )
            for candidate_id, item in judged.items()
        ],
        rules,
    )
    if ranking.skip_reason is not None or ranking.best_id is None:
        return None
    paired = {pair.better_id for pair in ranking.pairs} | {pair.worse_id for pair in ranking.pairs}
    # Scored for nothing, a program without a pair would only cost time.
    order = [c for c in ranking.order if c.candidate_id in paired | {ranking.best_id}]
    index = {candidate.candidate_id: number for number, candidate in enumerate(order)}
    return RankedGroup(
        group_id=_id(problem, -1),
        problem_slug=problem.slug,
        prompt=problem.prompt,
        responses=tuple(
            Response(
                candidate_id=candidate.candidate_id,
                author=candidate.author,
                label=candidate.label,
                score=candidate.score,
                pass_fraction=judged[candidate.candidate_id].pass_fraction,
                program=judged[candidate.candidate_id].program,
                finished=judged[candidate.candidate_id].finished,
            )
            for candidate in order
        ),
        pairs=tuple(
            (index[pair.better_id], index[pair.worse_id], pair.gap) for pair in ranking.pairs
        ),
        best=index[ranking.best_id],
    )


def imitated(problem: Problem, item: Labelled, number: int) -> RankedGroup:
    """Make a group of one program to imitate, whatever it is worth."""
    response = Response(
        candidate_id=_id(problem, number),
        author=item.author,
        label=item.label,
        score=1.0 if item.label is Label.ALL_PASS else 0.0,
        pass_fraction=item.pass_fraction,
        program=item.program,
        finished=item.finished,
    )
    return RankedGroup(
        group_id=_id(problem, -1),
        problem_slug=problem.slug,
        prompt=problem.prompt,
        responses=(response,),
        pairs=(),
        best=0,
    )


def teachers_alone(problem: Problem, programs: Sequence[Labelled]) -> list[RankedGroup]:
    """Imitate every teacher: no test is run, so right and wrong are not told apart."""
    found = [item for item in programs if item.author is Author.TEACHER]
    return [imitated(problem, item, number) for number, item in enumerate(found)]


def rejection_sampled(problem: Problem, programs: Sequence[Labelled]) -> list[RankedGroup]:
    """Imitate every different program of the student's own that passes all tests."""
    passing = {
        item.program: item
        for item in programs
        if item.author is Author.STUDENT and item.label is Label.ALL_PASS and item.finished
    }
    return [imitated(problem, item, number) for number, item in enumerate(passing.values())]


def preferences(group: RankedGroup) -> list[dict[str, Any]]:
    """Return the pairs of a ranked group as TRL takes them."""
    return [
        {
            "prompt": quoted(group.prompt),
            "chosen": group.responses[better].program,
            "rejected": group.responses[worse].program,
        }
        for better, worse, _ in group.pairs
    ]


def labelled(record: Mapping[str, Any]) -> Labelled:
    """Read a candidate's record with its label."""
    return Labelled(
        author=Author(record["author"]),
        program=record["program"],
        label=Label(record["label"]),
        pass_fraction=record["pass_fraction"],
        finished=record.get("finish_reason") in (None, "stop"),
        steps=record.get("steps", False),
    )


def _id(problem: Problem, number: int) -> UUID:
    return uuid5(NAMESPACE_URL, f"{problem.slug} {number}")
