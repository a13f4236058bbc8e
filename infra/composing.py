"""How a completion becomes a whole program: what stands before it and behind it."""

import contextlib
import textwrap
from collections.abc import Mapping
from typing import Any, Final, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError

from infra import errors
from infra.contracts.base import JsonValue
from infra.contracts.problems import MAX_SOURCE_CHARACTERS

_KEY: Final = "completion"
"""Where a problem's metadata say it; a completion of a problem without goes on from the prompt."""


class Asked(Protocol):
    """A problem, as far as a completion of it needs it."""

    @property
    def prompt(self) -> str:
        """What the author of a candidate is shown."""

    @property
    def metadata(self) -> Mapping[str, Any]:
        """What is said of it beside."""


class Frame(BaseModel):
    """What a completion is put into."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    before: str = ""
    after: str = ""
    indent: str | None = None
    """How far all lines of a completion are to be indented; None leaves them as they are."""
    spaces_for_tab: int = 0
    """Spaces that stand for a tab in the whole program; 0 leaves tabs as they are."""

    def metadata(self) -> dict[str, JsonValue]:
        """Return it as metadata of a problem."""
        return {_KEY: self.model_dump(exclude_defaults=True)}


WHOLE: Final = Frame()
"""A completion is a program already."""


def composed(problem: Asked, completion: str) -> str:
    """Return the whole program of a completion.

    Raises:
        errors.InvalidInput: it is longer than a program may be.
    """
    frame = _frame_of(problem)
    if frame.indent is not None:
        completion = textwrap.indent(textwrap.dedent(completion), frame.indent)
    program = frame.before + completion + frame.after
    if frame.spaces_for_tab:
        program = program.replace("\t", " " * frame.spaces_for_tab)
    if len(program) > MAX_SOURCE_CHARACTERS:
        raise errors.InvalidInput(
            f"prompt and completion have more than {MAX_SOURCE_CHARACTERS} characters"
        )
    return program


def continuation(problem: Asked, program: str, completion: str | None) -> str:
    """Return what goes on from a problem's prompt where a program is learnt.

    That is the completion, where the program was made of it as it is; else the program. Neither
    says the prompt again that stands before it.
    """
    text = program
    if completion is not None:
        with contextlib.suppress(errors.InvalidInput):
            text = completion if composed(problem, completion) == program else program
    start = problem.prompt.strip()
    rest = text.lstrip().removeprefix(start)
    # White space that ends the prompt ends it here too, or what follows would stand elsewhere.
    end = problem.prompt[len(problem.prompt.rstrip()) :]
    if start and rest != text.lstrip() and rest.startswith(end):
        return rest.removeprefix(end)
    return text


def _frame_of(problem: Asked) -> Frame:
    said = problem.metadata.get(_KEY)
    if said is None:
        return Frame(before=problem.prompt)
    try:
        return Frame.model_validate(said)
    except ValidationError:
        raise errors.InvalidInput(
            f"the problem's metadata has a `{_KEY}` that says not how one is completed"
        ) from None
