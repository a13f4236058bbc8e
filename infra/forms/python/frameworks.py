"""Sets whose tests are written for unittest or pytest: ClassEval, NaturalCodeBench, KodCode."""

import re
from typing import Any, Final

from pydantic import AliasChoices, BaseModel, Field

from infra.composing import WHOLE
from infra.contracts.problems import AssertTest, Problem
from infra.forms import sources

_FENCED: Final = re.compile(r"```[A-Za-z]*[ \t]*\n(.*?)\n```", re.DOTALL)
_ONES: Final = 'import sys\n\nsys.stdin = __import__("io").StringIO("1\\n" * 1000)\nimport pytest\n'
"""What NaturalCodeBench's runner puts before a program: whoever asks for input gets ones."""


class _ClassEval(BaseModel):
    """A record of ClassEval, as far as it is used."""

    task_id: str
    skeleton: str
    test: str
    class_name: str
    solution_code: str | None = None
    import_statement: list[str] = []


def class_eval(fields: dict[str, Any]) -> Problem:
    """Make a problem of a record of ClassEval; a program follows the imports of the record.

    Raises:
        errors.InvalidInput: the test is no Python.
        pydantic.ValidationError: a field is wrong.
    """
    record = _ClassEval.model_validate(fields)
    sources.tree_of(record.test, "the test")
    header = "".join(f"{line}\n" for line in record.import_statement)
    return Problem(
        slug=record.task_id,
        prompt=record.skeleton,
        entry_point=record.class_name,
        tests=(AssertTest(source=record.test),),
        prelude=sources.with_optional_packages(header, "import_statement"),
        reference_program=record.solution_code,
        metadata={"source": "ClassEval", **WHOLE.metadata()},
    )


class _NaturalCodeBench(BaseModel):
    """A record of NaturalCodeBench, as far as it is used."""

    number: int = Field(validation_alias="_id")
    prompt: str | None = None
    problem: str
    testcases: str
    setup_code: str | None = None
    reference_solution: str | None = None
    classification: str | None = None


def natural_code_bench(fields: dict[str, Any]) -> Problem:
    """Make a problem of a record of NaturalCodeBench, whose tests have all names of a program.

    Raises:
        errors.InvalidInput: the tests are no Python.
        pydantic.ValidationError: a field is wrong.
    """
    record = _NaturalCodeBench.model_validate(fields)
    module = f"python_{record.number}"
    setup = record.setup_code or ""
    source = f"import pytest\nfrom {module} import *\n{record.testcases}\n{setup}"
    sources.tree_of(source, "the test")
    answer = record.reference_solution
    fenced = _FENCED.search(answer) if answer else None
    return Problem(
        slug=f"NaturalCodeBench/{record.number}",
        prompt=record.prompt or record.problem,
        tests=(AssertTest(source=source, module=module),),
        prelude=_ONES,
        reference_program=fenced[1] + "\n" if fenced else answer,
        metadata={
            "source": "NaturalCodeBench",
            "classification": record.classification,
            **WHOLE.metadata(),
        },
    )


class _KodCode(BaseModel):
    """A record of KodCode, as far as it is used."""

    question_id: str
    question: str
    solution: str | None = None
    test: str = Field(validation_alias=AliasChoices("test", "test_code"))
    test_info: list[dict[str, Any]] | None = None
    style: str | None = None
    subset: str | None = None


def kod_code(fields: dict[str, Any]) -> Problem:
    """Make a problem of a record of KodCode, whose tests have all names of the module `solution`.

    Raises:
        errors.InvalidInput: the test is no Python.
        pydantic.ValidationError: a field is wrong.
    """
    record = _KodCode.model_validate(fields)
    source = f"from solution import *\n\n{record.test}"
    sources.tree_of(source, "the test")
    asked = [info.get("function_name") for info in record.test_info or ()]
    name = next((one for one in asked if isinstance(one, str) and one.isidentifier()), None)
    return Problem(
        slug=f"KodCode/{record.question_id}",
        prompt=record.question,
        entry_point=name,
        tests=(AssertTest(source=source, module="solution"),),
        reference_program=record.solution,
        metadata={
            "source": "KodCode",
            "style": record.style,
            "subset": record.subset,
            **WHOLE.metadata(),
        },
    )
