"""Every form of a record that becomes a problem, and what it is recognised by."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from infra import contests, errors
from infra.contracts.problems import Problem
from infra.forms import languages, mceval, packages, programs
from infra.forms.python import (
    answers,
    ds1000,
    frameworks,
    functions,
    leetcode,
    libraries,
    mbpp,
    projects,
)

Record = dict[str, Any]
EXAMPLE: Final = (
    '{"slug": "mine/add", "prompt": "def add(a, b):\\n", "entry_point": "add", "tests":'
    ' [{"kind": "call", "args": [1, 2], "expected": 3}]}'
)


class Form(NamedTuple):
    """A form: the fields that it has all of, those that it has none of, and what reads it."""

    name: str
    has: tuple[str, ...]
    lacks: tuple[str, ...]
    to_problem: Callable[[Record], Problem]
    is_python: bool = True
    """Whether it has problems in no other language."""

    def takes(self, record: Record) -> bool:
        """Tell whether a record is of this form."""
        return set(self.has) <= record.keys() and not set(self.lacks) & record.keys()


def _own(record: Record) -> Problem:
    return Problem.model_validate(record)


def _function(record: Record) -> Problem:
    if mceval.takes(record):
        return mceval.to_problem(record)
    return functions.to_problem(record)


# fmt: off
FORMS: Final = (
    Form("our own", ("slug", "tests"), (), _own),
    Form("HumanEval, MBXP, MathQA, HumanEvalPack and McEval", ("prompt", "test", "entry_point"),
         ("completion", "complete_prompt", "prompt_wo_doc", "test_start"), _function,
         is_python=False),
    Form("HumanEval-X", ("prompt", "declaration", "test"), ("entry_point",), functions.to_problem,
         is_python=False),
    Form("MultiPL-E", ("name", "language", "prompt", "tests"), ("slug",), programs.multipl_e,
         is_python=False),
    Form("VerilogEval", ("task_id", "prompt", "canonical_solution", "test"),
         ("entry_point", "declaration", "completion", "complete_prompt"), programs.verilog_eval,
         is_python=False),
    Form("MBPP", ("text", "test_list"), (), mbpp.to_problem),
    Form("MBPP, sanitized", ("prompt", "test_list"), ("text",), mbpp.to_problem),
    Form("LeetCodeDataset", ("prompt", "completion", "entry_point", "test"), (),
         leetcode.to_problem),
    Form("BigCodeBench", ("complete_prompt", "code_prompt", "test", "entry_point"), (),
         libraries.big_code_bench),
    Form("BigCodeBench's annotation", ("prompt", "prompt_wo_doc", "test", "entry_point"),
         ("complete_prompt",), libraries.big_code_bench),
    Form("ODEX", ("prompt", "test_start", "test", "entry_point"), (), libraries.odex),
    Form("DS-1000", ("prompt", "reference_code", "code_context"), (), ds1000.to_problem),
    Form("ClassEval", ("skeleton", "test", "class_name"), (), frameworks.class_eval),
    Form("NaturalCodeBench", ("_id", "problem", "testcases"), (), frameworks.natural_code_bench),
    Form("KodCode", ("question_id", "question", "solution", "test"), ("input_output",),
         frameworks.kod_code),
    Form("KodCode as generated", ("question_id", "question", "solution", "test_code"), ("test",),
         frameworks.kod_code),
    Form("CRUXEval", ("id", "code", "input", "output"), ("function_name",), answers.crux_eval),
    Form("PythonProgrammingPuzzles", ("name", "sat"), (), answers.puzzle),
    Form("APPS and TACO", ("question", "input_output"), (), contests.apps),
    Form("CodeContests", ("description", "public_tests"), (), contests.code_contests),
    Form("LiveCodeBench", ("question_content", "public_test_cases"), (), contests.live_code_bench),
    Form("CoderEval", ("_id", "name", "file_path", "file_content", "lineno", "end_lineno"), (),
         projects.to_problem),
    Form("CoderEval's prompts", ("question_id", "input", "signature", "docstring"), (),
         projects.prompt_alone),
)
# fmt: on


def to_problem(record: Record) -> Problem:
    """Make a problem of one record; nothing in it is run.

    Its image of packages is the one that the record names in a field `image`, or else the smallest
    from which all imports come.

    Raises:
        errors.InvalidInput: it has the fields of no known form or of several, is in a language in
            which its form is not read, has what its form cannot have, or imports what no image has.
        pydantic.ValidationError: a field is wrong.
    """
    found = [form for form in FORMS if form.takes(record)]
    if len(found) == 1 and found[0].to_problem is _own:
        return _own(record)
    named = languages.named(record)
    if named is not None and all(form.is_python for form in found):
        raise languages.refusal(named.name)
    if not found:
        known = "; ".join(f"{form.name} ({', '.join(form.has)})" for form in FORMS)
        raise errors.InvalidInput(
            f"not a problem: it has the fields of no known form: {known}; expected for example"
            f" {EXAMPLE}"
        )
    if len(found) > 1:
        names = " and of ".join(form.name for form in found)
        raise errors.InvalidInput(f"not clearly a problem: it has the fields of {names}")
    try:
        return packages.with_image(found[0].to_problem(record), record.get("image"))
    except RecursionError:
        raise errors.InvalidInput("a value is nested too deeply") from None
