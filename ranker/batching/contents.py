"""What a ranked group holds for training: its responses, best first, and its pairs."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select
from sqlalchemy.orm import load_only

from infra.contracts.base import Integrity, Language
from infra.contracts.prompting import Sampled
from infra.contracts.ranking import Judged, RankedCandidate, RankedGroup, Response
from infra.db.tables import CandidateRow, GroupRow, ProblemRow, RankingRow
from infra.db.unit_of_work import Work
from ranker.batching.wanted import RESTS_ON_SHARED
from ranker.ranking import Preset, is_response, score_of

_NEEDED = (
    *(CandidateRow.author, CandidateRow.label, CandidateRow.pass_fraction),
    *(CandidateRow.program, CandidateRow.completion, CandidateRow.finish_reason),
    CandidateRow.sampled,
)


SHOWN = (
    *(ProblemRow.slug, ProblemRow.prompt, ProblemRow.language),
    *(ProblemRow.entry_point, ProblemRow.image),
)
"""What a model is shown of a problem."""


def ranked_groups(work: Work, batch_id: UUID) -> tuple[RankedGroup, ...]:
    """Assemble the content of a batch."""
    rows = work.session.execute(
        select(RankingRow, ProblemRow, RESTS_ON_SHARED)
        .options(load_only(*SHOWN, raiseload=True))
        .join(GroupRow, RankingRow.group_id == GroupRow.id)
        .join(ProblemRow, GroupRow.problem_id == ProblemRow.id)
        .where(RankingRow.training_batch_id == batch_id)
        .order_by(RankingRow.id)
    ).all()
    return tuple(_ranked_group(work, *row) for row in rows)


def _ranked_group(
    work: Work, ranking: RankingRow, problem: ProblemRow, rests_on_shared: bool
) -> RankedGroup:
    rows = work.session.scalars(
        select(CandidateRow)
        .where(CandidateRow.group_id == ranking.group_id, CandidateRow.label.is_not(None))
        .options(load_only(*_NEEDED))
    )
    integrity = Integrity.SHARED if rests_on_shared else Integrity.ISOLATED
    return assemble(ranking, problem, responses(ranking, rows, problem.language), integrity)


def responses(
    ranking: RankingRow, candidates: Iterable[CandidateRow], language: Language
) -> dict[UUID, CandidateRow]:
    """Return those labelled candidates of a group that hold a text to learn or to avoid.

    Those without a pair too: a trainer may compare responses by rules of its own.
    """
    paired = (pair[side] for pair in ranking.pairs for side in ("better_id", "worse_id"))
    # An older rule may have named what is no response by the present one.
    named = {str(ranking.best_id), *paired}
    return {
        row.id: row
        for row in candidates
        if str(row.id) in named or is_response(judged(row, language))
    }


def judged(row: CandidateRow | Row[*tuple[Any, ...]], language: Language) -> Judged:
    """Show a labelled candidate to the ranking."""
    assert row.label is not None
    assert row.pass_fraction is not None
    return Judged(
        candidate_id=row.id,
        author=row.author,
        label=row.label,
        pass_fraction=row.pass_fraction,
        program=row.program,
        completion=row.completion,
        language=language,
    )


def assemble(
    ranking: RankingRow,
    problem: ProblemRow,
    candidates: Mapping[UUID, CandidateRow],
    integrity: Integrity,
) -> RankedGroup:
    """Make a ranked group of these of its candidates, the best one and all paired among them."""
    order = [RankedCandidate.model_validate(entry) for entry in ranking.order]
    order = [entry for entry in order if entry.candidate_id in candidates]
    index = {str(entry.candidate_id): number for number, entry in enumerate(order)}
    return RankedGroup(
        group_id=ranking.group_id,
        problem_slug=problem.slug,
        prompt=problem.prompt,
        language=problem.language,
        entry_point=problem.entry_point,
        image=problem.image,
        responses=tuple(
            _response(entry, candidates[entry.candidate_id], ranking.preset) for entry in order
        ),
        pairs=tuple(
            (index[pair["better_id"]], index[pair["worse_id"]], pair["gap"])
            for pair in ranking.pairs
        ),
        best=index[str(ranking.best_id)],
        integrity=integrity,
    )


def _response(entry: RankedCandidate, row: CandidateRow, preset: str) -> Response:
    # What else a server said is no part of what is learnt.
    sampled = row.sampled and Sampled.model_validate({**row.sampled, "answer": {}})
    return Response(
        candidate_id=entry.candidate_id,
        author=entry.author,
        label=entry.label,
        score=_raw_score(entry, row, preset),
        pass_fraction=row.pass_fraction,
        program=trainable(row.program),
        finished=row.finish_reason in (None, "stop"),
        written=trainable(row.completion) if sampled and row.completion is not None else None,
        sampled=sampled or None,
    )


def _raw_score(entry: RankedCandidate, candidate: CandidateRow, preset: str) -> float:
    assert candidate.pass_fraction is not None, "what was ranked has a label"
    return score_of(entry.label, candidate.pass_fraction, Preset(preset))


def trainable(program: str) -> str:
    """Make text that any tokenizer and any JSON reader takes."""
    return program.encode("utf-8", "replace").decode()
