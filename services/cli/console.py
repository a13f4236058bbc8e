"""The console of the commands, on which text from outside is nothing but text."""

from collections.abc import Iterator
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from infra.printable import printable

_KEPT = "\n\t"


class PlainConsole(Console):
    """A console that reads no markup, and shows what would act on a terminal.

    Colours are given by styles; brackets in a text are brackets.
    """

    def __init__(self, *, stderr: bool = False, soft_wrap: bool = False) -> None:
        super().__init__(stderr=stderr, soft_wrap=soft_wrap, markup=False, emoji=False)

    def render_str(self, text: str, **options: Any) -> Text:
        """Lay out a string; cleaned first, so that it is as wide as it is taken for."""
        return super().render_str(printable(text, keep=_KEPT), **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterator[Segment]:
        """Lay out anything; whatever way a text came here, it is clean afterwards."""
        for segment in super().render(renderable, options):
            if segment.control is None:
                yield Segment(printable(segment.text, keep=_KEPT), segment.style)
            else:
                yield segment  # The console's own: it moves the cursor.
