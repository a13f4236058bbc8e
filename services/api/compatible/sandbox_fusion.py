"""The interface of SandboxFusion, for clients that are pointed here by URL (verl among them).

Shapes: https://bytedance.github.io/SandboxFusion/docs/api/run-code-run-code-post. As there, what is
refused for its form is a 422, and what is well-formed and cannot be done an answer of its own, with
the status `SandboxError`.
"""

import base64
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Body, Request
from pydantic import BaseModel, Field

from infra.contracts.base import ImageName, Language, state_keys
from infra.contracts.inline import (
    MAX_INPUT_CHARACTERS,
    MAX_RUN_FILES,
    MAX_RUN_SECONDS,
    MAX_WAIT_SECONDS,
    Answer,
    Ending,
    FileName,
    Running,
    RunResult,
    Unanswered,
)
from infra.contracts.problems import Limits, ProgramText
from services.api.compatible.fusion_languages import (
    COMPILED,
    LANGUAGES,
    TEST_CODE,
    FusionLanguage,
    completed,
)
from services.api.documents import examples
from services.api.keys import READS, SUBMITS
from services.api.quota import SPENDS_ONE
from services.api.routers.execute import Executors, ask_one, while_connected

router = APIRouter(tags=["SandboxFusion"])

MEBIBYTE = 2**20
_DEFAULT_MEMORY = 1024 * MEBIBYTE
_LEAST_MEMORY, _MOST_MEMORY = 32 * MEBIBYTE, 8192 * MEBIBYTE
_FILE_BYTES = 256 * MEBIBYTE
QUEUE_SECONDS = 30.0
"""Time that a program may wait for a slot."""
_SIGKILL = 9
_TESTS = "candidate_tests.py"
_PYTEST = f"""\
import pytest
own = ["-c", "/dev/null", "--rootdir=/tmp", "-p", "no:cacheprovider"]
raise SystemExit(pytest.main([{_TESTS!r}, *own]))
"""
"""The program that runs a file of tests."""
Files = Annotated[
    dict[FileName, str | None], Field(max_length=MAX_RUN_FILES, json_schema_extra=state_keys)
]


class RunCodeRequest(BaseModel):
    """A program to run; fields that are not known are not read."""

    code: ProgramText
    language: FusionLanguage
    image: ImageName | None = None
    """Packages that Python has beside the standard library, absent the largest of the suite's own
    images that the executor has; no field of SandboxFusion's."""
    stdin: Annotated[str, Field(max_length=MAX_INPUT_CHARACTERS)] | None = None
    compile_timeout: float = 10
    """Compilers have limits of their own here."""
    run_timeout: float = Field(10, gt=0, le=MAX_RUN_SECONDS)
    """Seconds from its start."""
    memory_limit_MB: int = -1  # noqa: N815 - the interface's own name
    """Mebibytes, from 32 to 8192; 0 or less for 1024."""
    files: Files = Field(default_factory=dict)
    """Files that lie in its working directory, in base 64."""
    fetch_files: list[FileName] = Field([], max_length=MAX_RUN_FILES)
    """Files to return when it has ended by itself, 32 MiB together."""


class RunStatus(StrEnum):
    """How it went altogether."""

    SUCCESS = "Success"
    FAILED = "Failed"
    SANDBOX_ERROR = "SandboxError"


class CommandRunStatus(StrEnum):
    """How one command ended."""

    FINISHED = "Finished"
    ERROR = "Error"
    TIME_LIMIT_EXCEEDED = "TimeLimitExceeded"


class CommandRunResult(BaseModel):
    """What one command did."""

    status: CommandRunStatus
    execution_time: float | None = None
    cpu_time: float | None = None
    return_code: int | None = None
    stdout: str | None = None
    stderr: str | None = None


class RunCodeResponse(BaseModel):
    """What became of a program."""

    status: RunStatus
    message: str = ""
    compile_result: CommandRunResult | None = None
    run_result: CommandRunResult | None = None
    executor_pod_name: str | None = None
    files: dict[str, str] = Field(default_factory=dict)


@router.get("/v1/ping", dependencies=[READS])
async def ping() -> str:
    """Answer `pong`."""
    return "pong"


@router.post("/run_code", dependencies=[SUBMITS, SPENDS_ONE])
async def run_code(
    executors: Executors,
    http: Request,
    request: Annotated[RunCodeRequest, Body(openapi_examples=examples.RUN_CODE)],
) -> RunCodeResponse:
    """Run a program with its standard input and files, as SandboxFusion does."""
    language = LANGUAGES.get(request.language)
    if language is None:
        return _refused(f"{request.language!r} is not had here; {', '.join(LANGUAGES)} are")
    if request.image is not None and language is not Language.PYTHON:
        return _refused(f"{request.language!r} has no Python packages")
    try:
        files = decoded(request.files)
    except ValueError as error:
        return _refused(f"a file is not in base 64: {error}")
    program = completed(request.code, language)
    if request.language == "pytest":
        files[_TESTS] = base64.b64encode(program.encode("utf-8", "surrogatepass")).decode("ascii")
        program = _PYTEST
    running = Running(
        program=program,
        has_frameworks=request.language in TEST_CODE,
        stdin=request.stdin or "",
        files=files,
        taken=tuple(dict.fromkeys(request.fetch_files)),
        language=language,
        image=request.image,
        wall_seconds=request.run_timeout,
        limits=limits_of(request.memory_limit_MB * MEBIBYTE),
    )
    compiling = max(0.0, request.compile_timeout)
    wait = min(compiling + request.run_timeout + QUEUE_SECONDS, MAX_WAIT_SECONDS)
    answer = await while_connected(http, ask_one(executors, running, wait))
    if isinstance(answer, RunResult):
        if request.language == "go_test":
            answer = _with_summary(answer)
        return _response(answer, language)
    return _refused(why_not(answer))


def why_not(answer: Answer) -> str:
    """Say why there is no result, after the code of the error where it is one that is listed."""
    if not isinstance(answer, Unanswered):
        return "no answer to this"
    return f"{answer.code}: {answer.reason}" if answer.code else answer.reason


def _with_summary(result: RunResult) -> RunResult:
    """Add what `go test` says of a package behind the words of its tests."""
    if result.exit_code is None:
        return result
    word = "ok  " if result.exit_code == 0 else "FAIL"
    line = f"{word}\tcommand-line-arguments\t{result.usage.wall_seconds:.3f}s\n"
    return result.model_copy(update={"stdout": result.stdout + line})


def _refused(message: str) -> RunCodeResponse:
    return RunCodeResponse(status=RunStatus.SANDBOX_ERROR, message=message)


def decoded(files: Mapping[str, str | None]) -> dict[str, str]:
    """Return the files that have a content, their base 64 written anew as executors take it.

    Raises:
        ValueError: a content is not in base 64.
    """
    return {
        name: base64.b64encode(base64.b64decode(content)).decode("ascii")
        for name, content in files.items()
        if content is not None
    }


def limits_of(memory_bytes: int) -> Limits:
    """Make the limits of one run from its memory, 0 or less for the usual one."""
    memory = memory_bytes if memory_bytes > 0 else _DEFAULT_MEMORY
    return Limits(
        cpu_seconds=MAX_RUN_SECONDS,
        total_cpu_seconds=MAX_RUN_SECONDS,
        idle_factor=1.0,
        memory_bytes=min(max(memory, _LEAST_MEMORY), _MOST_MEMORY),
        file_bytes=_FILE_BYTES,
    )


def _response(result: RunResult, language: Language) -> RunCodeResponse:
    compiled = None
    if language in COMPILED:
        compiled = _compile_result(result)
        if not result.is_started:
            return RunCodeResponse(status=RunStatus.FAILED, compile_result=compiled)
    run = run_result_of(result)
    finished = run.status is CommandRunStatus.FINISHED and run.return_code == 0
    return RunCodeResponse(
        status=RunStatus.SUCCESS if finished else RunStatus.FAILED,
        compile_result=compiled,
        run_result=run,
        files=result.files,
    )


def _compile_result(result: RunResult) -> CommandRunResult:
    status, code, stderr = CommandRunStatus.FINISHED, 0, ""
    if not result.is_started:
        code, stderr = 1, result.error
    if not result.is_started and result.ending is Ending.TIME_LIMIT_EXCEEDED:
        status = CommandRunStatus.TIME_LIMIT_EXCEEDED
    return CommandRunResult(
        status=status,
        execution_time=result.compile_seconds,
        return_code=None if status is CommandRunStatus.TIME_LIMIT_EXCEEDED else code,
        stdout="",
        stderr=stderr,
    )


def run_result_of(result: RunResult) -> CommandRunResult:
    """Tell as the result of a command what a run did."""
    status, code, stderr = CommandRunStatus.FINISHED, result.exit_code, result.stderr
    match result.ending:
        case Ending.TIME_LIMIT_EXCEEDED:
            status = CommandRunStatus.TIME_LIMIT_EXCEEDED
        case Ending.COMPILE_ERROR:
            code, stderr = 1, result.error
        case Ending.SIGNALLED:
            code = -(result.signal or _SIGKILL)
        case Ending.MEMORY_LIMIT_EXCEEDED | Ending.OUTPUT_LIMIT_EXCEEDED:
            code, stderr = -_SIGKILL, f"{result.stderr}{result.error}"
        case Ending.EXITED:
            pass
    return CommandRunResult(
        status=status,
        execution_time=result.usage.wall_seconds,
        cpu_time=result.usage.cpu_seconds,
        return_code=code,
        stdout=result.stdout,
        stderr=stderr,
    )
