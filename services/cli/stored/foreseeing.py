"""What can be told of a submission before anything was executed."""

from collections.abc import Iterator, Mapping, Sequence

from infra.contracts.base import Author, Pairing, SkipReason
from infra.contracts.candidates import NewCandidate
from infra.contracts.ranking import ADVICE
from infra.printable import counted


def foreseen(candidates: Sequence[NewCandidate], pairs: Pairing | None) -> SkipReason | None:
    """Tell why a group will give no pairs, where its authors say so already."""
    authors = {candidate.author for candidate in candidates}
    if len(candidates) < 2:
        return SkipReason.TOO_FEW_CANDIDATES
    if pairs is Pairing.ALL or len(authors) == len(Author):
        return None
    return SkipReason.NO_STUDENT if Author.TEACHER in authors else SkipReason.NO_TEACHER


def notes(
    metadata_fields: Mapping[str, int],
    no_pairs: Mapping[SkipReason, int],
    pairs: Pairing | None,
) -> Iterator[str]:
    """Say what of a submission may not be what was meant.

    Args:
        metadata_fields: Fields that candidates do not have, each with its number of lines.
        no_pairs: Groups of which a reason is foreseen.
        pairs: What was asked for.
    """
    for name, lines in sorted(metadata_fields.items()):
        of = counted(lines, "line")
        yield f"`{name}` of {of} is no field of a candidate, and kept as its metadata"
    for reason, groups in no_pairs.items():
        is_set = pairs is None and reason is not SkipReason.TOO_FEW_CANDIDATES
        unless = ", unless RRTF_RANKER_ALL_PAIRS is set" if is_set else ""
        yield f"{counted(groups, 'group')} will give no pairs{unless}, {reason}: {ADVICE[reason]}"
