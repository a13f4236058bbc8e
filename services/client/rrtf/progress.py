"""A bar that shows how many programs are labelled, where tqdm is installed."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")


def counted(items: Iterable[T], total: int, shown: bool) -> Iterator[T]:
    """Yield items as they are, and show how many of all there were."""
    bar = None
    if shown:
        try:
            from tqdm.auto import tqdm
        except ImportError:
            pass
        else:
            bar = tqdm(total=total, unit="program", desc="labelling")
    for item in items:
        yield item
        if bar is not None:
            bar.update()
    if bar is not None:
        bar.close()
