"""McEval: fifty problems in each of forty languages, with a reference program.

Its authors put prompt, answer and tests into one file, each on lines of their own, and run it.
"""

from typing import Any, Final

from pydantic import BaseModel

from infra.contracts.base import Language
from infra.contracts.problems import Problem, ProgramTest
from infra.forms import languages
from infra.forms.python import functions

_OPTIONS: Final = {
    Language.C: ("-lm",),
    Language.CPP: ("-std=c++11",),
    Language.TYPESCRIPT: ("--lib", "es2015,dom"),
}
_SILENT: Final = frozenset({Language.JAVASCRIPT, Language.TYPESCRIPT})
"""Their checks are `console.assert`, which writes, and neither throws nor changes the status."""


_FOREIGN: Final = frozenset(
    {"AWK", "CoffeeScript", "Common Lisp", "Emacs Lisp", "Erlang", "F#", "Fortran", "Groovy",
     "HTML", "JSON", "Markdown", "Pascal", "PowerShell", "Scheme", "Tcl", "VimScript",
     "Visual Basic"}
)  # fmt: skip
"""Languages of the set that nothing else here knows."""


class _Record(BaseModel):
    """A record, as far as it is used."""

    task_id: str
    prompt: str
    test: str
    entry_point: str
    """In Racket mostly no word, such as `twice-it`."""
    canonical_solution: str


def takes(fields: dict[str, Any]) -> bool:
    """Tell whether a record in the form of HumanEval is one of this set, which says its level."""
    if not {"instruction", "level", "canonical_solution"} <= fields.keys():
        return False
    task_id = fields.get("task_id")
    said = _language(task_id) if isinstance(task_id, str) else ""
    is_known = languages.named({"task_id": f"{said}/"}) is not None
    return is_known or said == "Python" or said in _FOREIGN


def _language(task_id: str) -> str:
    return task_id.rpartition("/")[0]


def to_problem(fields: dict[str, Any]) -> Problem:
    """Make a problem of a record.

    Raises:
        errors.InvalidInput: no executor can run its language, or its test is no Python.
        pydantic.ValidationError: a field is wrong.
    """
    record = _Record.model_validate(fields)
    said = _language(record.task_id)
    # A name may have no `#`.
    slug = record.task_id.replace("#", "Sharp")
    prompt, metadata = f"{record.prompt}\n", {"source": "McEval"}
    named = languages.named({"task_id": record.task_id})
    if said == "Python":
        whole = {**record.model_dump(), "prompt": prompt}
        return functions.to_problem(whole).model_copy(update={"metadata": metadata})
    if named is None or named.language is None:
        raise languages.refusal(named.name if named else said)
    language = named.language
    test = ProgramTest(
        source=record.test, options=_OPTIONS.get(language, ()), silent=language in _SILENT
    )
    return Problem(
        slug=slug,
        prompt=prompt,
        entry_point=record.entry_point if record.entry_point.isidentifier() else None,
        language=language,
        tests=(test,),
        reference_program=prompt + record.canonical_solution,
        metadata=metadata,
    )
