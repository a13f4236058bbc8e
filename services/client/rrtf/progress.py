"""A bar that shows how many programs are labelled, where tqdm is installed."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")


def counted(
    parts: Iterable[tuple[Sequence[T], U]], total: int, shown: bool
) -> Iterator[tuple[Sequence[T], U]]:
    """Yield parts as they are, and show how many items they hold of all."""
    bar = None
    if shown:
        try:
            from tqdm.auto import tqdm
        except ImportError:
            pass
        else:
            bar = tqdm(total=total, unit="program", desc="labelling")
    for part in parts:
        yield part
        if bar is not None:
            bar.update(len(part[0]))
    if bar is not None:
        bar.close()
