"""Makes problems of contest data sets, whose tests are inputs and outputs: pure."""

import hashlib
import re
import typing
from collections.abc import Sequence
from typing import Any, Final

from infra import errors
from infra.composing import WHOLE
from infra.contests import cases, headers
from infra.contests.packed import decoded, unpacked
from infra.contests.records import Apps, Case, CodeContests, Duration, LiveCodeBench
from infra.contracts.problems import MAX_SOURCE_CHARACTERS, Limits, Problem
from infra.parsing import parse

LEFT_OUT: Final = "tests_left_out"
"""Key of a problem's metadata: how many of its tests were too long, or too many."""
_TOTAL_CPU_SECONDS = 37.5
"""Contests have a hundred tests and more: as much time as a candidate may have."""
_MAX_MEMORY_BYTES = 2**30
_PYTHON_3 = 3
"""What CodeContests calls it among the languages of solutions."""


def apps(fields: dict[str, Any]) -> Problem:
    """Make a problem of a record of APPS or TACO.

    Raises:
        errors.InvalidInput: the record has no test that can be used.
        pydantic.ValidationError: a field is wrong.
    """
    return _apps(Apps.model_validate(fields), "skill_types" in fields)


def code_contests(fields: dict[str, Any]) -> Problem:
    """Make a problem of a record of CodeContests.

    Raises:
        errors.InvalidInput: the record has no test that can be used.
        pydantic.ValidationError: a field is wrong.
    """
    return _code_contests(CodeContests.model_validate(fields))


def live_code_bench(fields: dict[str, Any]) -> Problem:
    """Make a problem of a record of LiveCodeBench.

    Raises:
        errors.InvalidInput: the record has no test that can be used.
        pydantic.ValidationError: a field is wrong.
    """
    return _live_code_bench(LiveCodeBench.model_validate(fields))


def _apps(record: Apps, is_taco: bool) -> Problem:
    data = decoded(record.input_output, "input_output")
    if not isinstance(data, dict):
        raise errors.InvalidInput("input_output: expected an object")
    pairs = cases.paired(data.get("inputs"), data.get("outputs"), "input_output")
    number = record.id if record.problem_id is None else record.problem_id
    name = _digest(record.question) if number is None else str(number)
    function = data.get("fn_name")
    starter = record.starter_code or ""
    if function is None:
        tests = [cases.stdio(given, wanted) for given, wanted in pairs]
    else:
        calls = [(cases.arguments(given), wanted) for given, wanted in pairs]
        tests = cases.calls(calls, may_be_wrapped=True)
    solutions = record.solutions
    reference = _first_program(decoded(solutions, "solutions") if solutions else None)
    # Some records have no starter; then the solutions show whether a class is asked for.
    form = starter if starter.strip() else reference or ""
    return _problem(
        f"{'TACO' if is_taco else 'APPS'}/{_word(name)}",
        record.question,
        starter,
        None if function is None else _entry_point(str(function), form),
        tests,
        reference,
        {"url": record.url, "difficulty": record.difficulty},
        prelude=headers.APPS,
    )


def _code_contests(record: CodeContests) -> Problem:
    if record.input_file or record.output_file:
        raise errors.InvalidInput("it reads or writes files, and not standard input and output")
    tests = [
        cases.stdio(given, wanted)
        for pairs in (record.public_tests, record.private_tests, record.generated_tests)
        for given, wanted in cases.paired(pairs.input, pairs.output, "tests")
    ]
    known = zip(record.solutions.language, record.solutions.solution, strict=False)
    limit = record.time_limit
    if isinstance(limit, Duration):
        limit = limit.seconds + limit.nanos / 1e9
    return _problem(
        f"CodeContests/{_word(record.name)}",
        record.description,
        "",
        None,
        tests,
        _first_program([text for language, text in known if language == _PYTHON_3]),
        {"time_limit": limit},
        seconds=limit or 0,
        memory=record.memory_limit_bytes or 0,
    )


def _live_code_bench(record: LiveCodeBench) -> Problem:
    found = [
        *_cases(record.public_test_cases, "public_test_cases"),
        *_cases(record.private_test_cases, "private_test_cases"),
    ]
    kinds = {case.testtype for case in found}
    if not kinds <= {"stdin", "functional"} or len(kinds) > 1:
        raise errors.InvalidInput(f"tests of the types {sorted(kinds)} are not known together")
    starter = record.starter_code or ""
    function = None
    if kinds == {"functional"}:
        metadata = decoded(record.metadata, "metadata")
        function = metadata.get("func_name") if isinstance(metadata, dict) else None
        if not isinstance(function, str):
            raise errors.InvalidInput("metadata: `func_name` is missing")
        calls = [(cases.arguments(case.input), decoded(case.output, "output")) for case in found]
        tests = cases.calls(calls, may_be_wrapped=False)
    else:
        tests = [cases.stdio(case.input, case.output) for case in found]
    return _problem(
        f"LiveCodeBench/{_word(str(record.question_id))}",
        record.question_content,
        starter,
        None if function is None else _entry_point(function, starter),
        tests,
        None,
        {
            "title": record.question_title, "platform": record.platform,
            "difficulty": record.difficulty, "contest_date": record.contest_date,
        },
        prelude=headers.LIVE_CODE_BENCH,
    )  # fmt: skip


def _problem(
    slug: str,
    question: str,
    starter: str,
    entry_point: str | None,
    tests: Sequence[cases.Draft],
    reference: str | None,
    metadata: dict[str, Any],
    seconds: float = 0,
    memory: int = 0,
    prelude: str = "",
) -> Problem:
    fitting = cases.fitting(tests)
    usual = Limits()
    metadata = {key: value for key, value in metadata.items() if value}
    if fitting.left_out:
        metadata[LEFT_OUT] = fitting.left_out
    return Problem.model_validate(
        {
            "slug": slug,
            "prompt": _prompt(question, starter, entry_point),
            "entry_point": entry_point,
            "tests": fitting.tests,
            "limits": Limits(
                cpu_seconds=min(max(seconds, usual.cpu_seconds), _TOTAL_CPU_SECONDS),
                total_cpu_seconds=_TOTAL_CPU_SECONDS,
                memory_bytes=min(max(memory, usual.memory_bytes), _MAX_MEMORY_BYTES),
            ),
            "prelude": prelude,
            "reference_program": reference,
            "metadata": {"source": slug.partition("/")[0], **metadata, **WHOLE.metadata()},
        }
    )


def _prompt(question: str, starter: str, entry_point: str | None) -> str:
    if entry_point is None:
        task = "Write a Python program that reads standard input and writes standard output."
        return f"{question.rstrip()}\n\n{task}\n"
    if not starter.strip():
        return f"{question.rstrip()}\n\nWrite the Python function `{entry_point}`.\n"
    # What the starter's annotations name, so that an answer which goes on from it can be run.
    words = set(re.findall(r"\b[A-Z][A-Za-z]+\b", starter))
    names = ", ".join(sorted(words & set(typing.__all__)))
    imports = f"from typing import {names}\n\n" if names else ""
    code = f"```python\n{imports}{starter.strip(chr(10)).rstrip()}\n```"
    return f"{question.rstrip()}\n\nBegin with this:\n\n{code}\n"


def _entry_point(function: str, form: str) -> str:
    return f"Solution.{function}" if re.search(r"^\s*class Solution\b", form, re.M) else function


def _first_program(solutions: Any) -> str | None:
    """Return the first solution that Python 3 can read; contests have those of Python 2 as well."""
    for text in solutions if isinstance(solutions, list) else ():
        try:
            parse(text)
        except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
            continue
        if len(text) <= MAX_SOURCE_CHARACTERS:
            return str(text)
    return None


def _cases(value: str | list[Case], where: str) -> list[Case]:
    if not isinstance(value, str):
        return value
    data = decoded(value if value.lstrip().startswith("[") else unpacked(value, where), where)
    if not isinstance(data, list):
        raise errors.InvalidInput(f"{where}: expected a list of tests")
    return [Case.model_validate(case) for case in data]


def _word(name: str) -> str:
    """Make a part of a slug of a name."""
    return re.sub(r"[^A-Za-z0-9_]+", "-", name).strip("-")[:180] or _digest(name)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
