"""BigCodeBench and ODEX: functions that use libraries, with tests that touch more than values."""

from typing import Any, Final

from pydantic import AliasChoices, BaseModel, Field

from infra import errors
from infra.composing import Frame, composed
from infra.contracts.problems import AssertTest, Problem
from infra.forms import sources

_RUNNER_NAMES: Final = "import os\nimport sys\nfrom os import environ\n"
"""What BigCodeBench's runner has in the namespace of a program."""


class _BigCodeBench(BaseModel):
    """A record as released, or as its annotators published it, who call some fields otherwise."""

    task_id: str
    complete_prompt: str = Field(validation_alias=AliasChoices("complete_prompt", "prompt"))
    code_prompt: str = Field(validation_alias=AliasChoices("code_prompt", "prompt_wo_doc"))
    canonical_solution: str | None = None
    test: str
    entry_point: str
    libs: list[str] | str = []


def big_code_bench(fields: dict[str, Any]) -> Problem:
    """Make a problem of a record of BigCodeBench.

    A program has the imports that stand above the function asked for, as it has in the set's runner
    (`calibrated`), whether it repeats them or not.

    Raises:
        errors.InvalidInput: prompt or test are no Python.
        pydantic.ValidationError: a field is wrong.
    """
    record = _BigCodeBench.model_validate(fields)
    sources.tree_of(record.test, "the test")
    solution = record.canonical_solution
    return Problem(
        slug=record.task_id,
        prompt=record.complete_prompt,
        entry_point=record.entry_point,
        tests=(AssertTest(source=record.test),),
        prelude=_RUNNER_NAMES + _header(record.code_prompt, record.entry_point),
        reference_program=None if solution is None else record.complete_prompt + solution,
        metadata={"source": "BigCodeBench", "libs": record.libs},
    )


def _header(code_prompt: str, entry_point: str) -> str:
    """Return what stands above the function asked for: imports and constants."""
    code = code_prompt.rstrip() + "\n    pass\n"
    for node in sources.definitions(sources.tree_of(code, "the prompt")):
        if node.name == entry_point:
            above = "".join(code.splitlines(keepends=True)[: sources.first_line(node) - 1])
            return sources.with_optional_packages(above, "the prompt")
    raise errors.InvalidInput(f"the prompt defines no function `{entry_point}`")


class _Odex(BaseModel):
    """A record of ODEX."""

    task_id: int | str
    intent: str = ""
    prompt: str
    suffix: str = ""
    canonical_solution: str | None = None
    test_start: str
    test: str | list[str]
    entry_point: str


def odex(fields: dict[str, Any]) -> Problem:
    """Make a problem of a record of ODEX.

    What the test code imports before `check` is there for a program too: many use it. Tabs are four
    spaces, as the set's runner has them, so that a completion may be indented by either.

    Raises:
        errors.InvalidInput: the test is no Python.
        pydantic.ValidationError: a field is wrong.
    """
    record = _Odex.model_validate(fields)
    cases = record.test if isinstance(record.test, str) else "".join(record.test)
    test = f"{record.test_start}{cases}\n"
    frame = Frame(before=record.prompt, after=record.suffix, spaces_for_tab=4)
    name = str(record.task_id)
    problem = Problem(
        slug=f"ODEX/{name}" if name.isdecimal() else name,
        prompt=f"# {record.intent}\n{record.prompt}" if record.intent else record.prompt,
        entry_point=record.entry_point,
        tests=(AssertTest(source=test, check="check"),),
        prelude=sources.imports(sources.tree_of(test, "the test"), optional=True),
        metadata={"source": "ODEX", **frame.metadata()},
    )
    if record.canonical_solution is None:
        return problem
    reference = composed(problem, record.canonical_solution)
    return problem.model_copy(update={"reference_program": reference})
