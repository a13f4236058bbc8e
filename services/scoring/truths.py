"""The ground truth of a row, in the shapes that data sets of others have it, as a request: pure.

A truth is the name of a stored problem; or tests, as JSON or as data: our own, a list of `assert`
statements, the cases of LiveCodeBench, or the inputs and outputs of APPS and TACO, as verl has
them. What comes out of Arrow has every key of its column, most of them None.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, ValidationError

from infra import contests, errors, strict_json
from infra.contests import cases as contest_cases
from infra.contests import headers
from infra.contracts.base import Language
from infra.contracts.inline import ExecuteRequest
from infra.contracts.problems import Problem

Truth = Any
"""The name of a stored problem, or tests in a shape that this module reads."""
EXAMPLE: Final = (
    '{"tests": [{"kind": "call", "args": [1, 2], "expected": 3}], "entry_point": "add"}, or'
    ' {"inputs": ["1 2\\n"], "outputs": ["3\\n"]}, or ["assert add(1, 2) == 3"], or the name of a'
    " stored problem"
)
_NULL_IS_A_VALUE: Final = frozenset({"args", "kwargs", "expected"})
_CASE_LISTS: Final = ("tests", "test_cases")
_MAY_BE_JSON: Final = frozenset({*_CASE_LISTS, "inputs", "outputs", "assert_case", "limits"})


class Question(NamedTuple):
    """What completions are judged by."""

    prompt: str
    entry_point: str | None
    language: Language
    request: ExecuteRequest
    """Without the programs that will be asked about."""
    may_be_method: bool = False
    """Whether the function may as well be one of a class `Solution`, if a program has that."""


def plain(value: Any) -> Any:
    """Return a value of numpy, Arrow or pydantic as JSON would have it."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    for method in ("as_py", "tolist"):
        if hasattr(value, method):
            return plain(getattr(value, method)())
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(item) for item in value]
    return value


def name_of(truth: Truth) -> str:
    """Name a truth, equal for equal ones: a problem's name, or JSON.

    Raises:
        errors.InvalidInput: it is neither text nor list nor object, or broken JSON.
    """
    value = _opened(plain(truth))
    if not isinstance(value, str | list | dict):
        raise errors.InvalidInput(f"the ground truth is {value!r}; expected for example {EXAMPLE}")
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def read(name: str, wait_seconds: float) -> str | Question:
    """Return the name of a stored problem, or what completions are judged by.

    Args:
        name: What `name_of` gave.
        wait_seconds: How long a request may take.

    Raises:
        errors.InvalidInput: it has no tests, or not in a known shape.
    """
    found = _opened(name)
    if isinstance(found, str):
        return found
    try:
        return _read(found, wait_seconds)
    except (ValidationError, errors.InvalidInput) as error:
        raise errors.InvalidInput(
            f"the ground truth has no tests that can be used: {_reason(error)}; expected for"
            f" example {EXAMPLE}"
        ) from None


def _opened(value: Any) -> Any:
    """Read what is written in JSON, be it twice; any other text is a name."""
    while isinstance(value, str) and value.lstrip()[:1] in ("{", "[", '"'):
        try:
            value = strict_json.loads(value)
        except (ValueError, RecursionError) as error:
            raise errors.InvalidInput(f"the ground truth is no JSON: {error}") from None
    return value


def _read(found: Any, wait_seconds: float) -> str | Question:
    fields = {"tests": found} if isinstance(found, list) else found
    if not isinstance(fields, dict):
        raise errors.InvalidInput("it is neither an object nor a list")
    fields = {
        key: _opened(value) if key in _MAY_BE_JSON else value
        for key, value in fields.items()
        if value is not None
    }
    if fields.keys() == {"problem"}:
        return str(fields["problem"])
    prompt = str(fields.pop("prompt", ""))
    tests = _tests_of(fields)
    is_contests = "prelude" in tests
    may_be_method = is_contests and tests["entry_point"] is not None
    # What contests say of a problem beside its tests is not ours to know.
    known = (key for key in fields if not is_contests or key in ExecuteRequest.model_fields)
    fields = {**tests, **{key: fields[key] for key in known}}
    if not fields.get("tests"):
        raise errors.InvalidInput(f"it has {', '.join(sorted(fields)) or 'nothing in it'}")
    if fields.get("language", Language.PYTHON) != Language.PYTHON:
        fields.pop("prelude", None)
    request = ExecuteRequest.model_validate(
        {**fields, "programs": ("",), "wait_seconds": wait_seconds}
    )
    return Question(prompt, request.entry_point, request.language, request, may_be_method)


def _tests_of(fields: dict[str, Any]) -> dict[str, Any]:
    """Take the tests out of the fields of a truth; return what they are in a request."""
    asserts = fields.pop("assert_case", None)
    pairs = {key: fields.pop(key, None) for key in ("inputs", "outputs")}
    function = fields.pop("fn_name", None)
    if asserts:
        if any(any(texts or ()) for texts in pairs.values()):
            raise errors.InvalidInput("it has both `assert_case` and inputs or outputs")
        return _of_list(asserts)
    if any(texts is not None for texts in pairs.values()):
        return _of_pairs(pairs, function)
    for key in _CASE_LISTS:
        if key in fields:
            return _of_list(fields.pop(key), function)
    return {}


def _of_list(tests: Any, function: str | None = None) -> dict[str, Any]:
    if not isinstance(tests, list) or not tests:
        raise errors.InvalidInput("the tests are no list, or an empty one")
    if all(isinstance(test, str) for test in tests):
        return {"tests": [{"kind": "assert", "source": text} for text in tests]}
    if not all(isinstance(test, dict) for test in tests):
        raise errors.InvalidInput("the tests are neither all objects nor all texts")
    tests = [_without_nulls(test) for test in tests]
    if all("input" in test and "output" in test for test in tests):
        name = next((one for one in (function, *map(_function_of, tests)) if one), None)
        if name is None and any(_calls(test) for test in tests):
            raise errors.InvalidInput("a function is called, and neither test nor truth names it")
        pairs = {f"{key}s": [test[key] for test in tests] for key in ("input", "output")}
        return _of_pairs(pairs, name)
    return {"tests": tests}


def _function_of(case: dict[str, Any]) -> Any:
    metadata = case.get("metadata")
    name = metadata.get("func_name") if isinstance(metadata, dict) else None
    return case.get("fn_name") or name


def _calls(case: dict[str, Any]) -> bool:
    return case.get("testtype") == "functional" or case.get("type") == "function_call"


def _without_nulls(test: dict[str, Any]) -> dict[str, Any]:
    """Leave out the keys that a test has of the other kinds in its column."""
    return {
        key: _without_null_tags(value) if key in _NULL_IS_A_VALUE else value
        for key, value in test.items()
        if value is not None or (key == "expected" and test.get("kind") == "call")
    }


def _without_null_tags(value: Any) -> Any:
    """Leave out the tags that a tagged value has of the others in its column."""
    if isinstance(value, list):
        return [_without_null_tags(item) for item in value]
    if isinstance(value, dict):
        return {
            key: _without_null_tags(item)
            for key, item in value.items()
            if item is not None or not key.startswith("$")
        }
    return value


def _of_pairs(pairs: dict[str, Any], function: str | None) -> dict[str, Any]:
    """Return the fields of inputs and outputs: of a program, or in JSON of a function."""
    if isinstance(pairs["inputs"], list):
        # As verl has it: no input is an empty one.
        pairs = {**pairs, "inputs": ["" if text is None else text for text in pairs["inputs"]]}
    every = [text for texts in pairs.values() if isinstance(texts, list) for text in texts]
    problem: Problem
    if function is not None and all(isinstance(text, str) for text in every):
        # As verl and LiveCodeBench have it; data that is no text is as APPS has it.
        cases = [
            {"input": given, "output": wanted, "testtype": "functional"}
            for given, wanted in contest_cases.paired(pairs["inputs"], pairs["outputs"], "inputs")
        ]
        problem = contests.live_code_bench(
            {
                "question_id": "0",
                "question_content": "",
                "public_test_cases": cases,
                "metadata": {"func_name": function},
            }
        )
    else:
        data = {**pairs, "fn_name": function}
        problem = contests.apps({"question": "", "input_output": data})
    return {
        "tests": problem.tests,
        "entry_point": problem.entry_point,
        # The names that verl's own scorers give to programs.
        "prelude": headers.LIVE_CODE_BENCH,
        "limits": problem.limits,
    }


def _reason(error: ValidationError | errors.InvalidInput) -> str:
    if isinstance(error, errors.InvalidInput):
        return error.detail
    first = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
