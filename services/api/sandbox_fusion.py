"""The interface of SandboxFusion, for clients that are pointed here by URL (verl among them).

Shapes: https://bytedance.github.io/SandboxFusion/docs/api/run-code-run-code-post.
"""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Body
from pydantic import BaseModel, Field

from infra import errors
from infra.contracts.base import STANDARD_IMAGE, ImageName, Language
from infra.contracts.direct import MAX_WAIT_SECONDS, Ending, Running, RunResult, Unanswered
from infra.contracts.problems import Limits, ProgramText, Text
from services.api import examples
from services.api.execute import Executors, ask_one
from services.api.keys import SUBMITS

router = APIRouter(tags=["SandboxFusion"])

LANGUAGES = {
    "python": Language.PYTHON,
    "cpp": Language.CPP,
    "nodejs": Language.JAVASCRIPT,
    "go": Language.GO,
    "java": Language.JAVA,
    "bash": Language.BASH,
    "rust": Language.RUST,
    "typescript": Language.TYPESCRIPT,
    "php": Language.PHP,
    "ruby": Language.RUBY,
    "perl": Language.PERL,
    "lua": Language.LUA,
}
COMPILED = frozenset({Language.C, Language.CPP, Language.GO, Language.JAVA, Language.RUST})
"""Languages whose compiler is a step of its own; others say that they do not parse when run."""
_MEBIBYTE = 2**20
_DEFAULT_MEMORY = 1024 * _MEBIBYTE
_QUEUE_SECONDS = 30.0
"""Time that a program may wait for a slot."""
_SIGKILL = 9


class RunCodeRequest(BaseModel):
    """A program to run; fields that only other languages need are not read."""

    code: ProgramText
    language: Annotated[str, Field(max_length=50)]
    image: ImageName = STANDARD_IMAGE
    """Packages that Python has beside the standard library; no field of SandboxFusion's."""
    stdin: Text | None = None
    compile_timeout: float = Field(10, gt=0, le=600)
    """Compilers have limits of their own here."""
    run_timeout: float = Field(10, gt=0, le=60)
    """CPU seconds, and as many in which it neither runs nor waits for a processor."""
    memory_limit_MB: int = Field(-1, ge=-1, le=8192)  # noqa: N815 - the interface's own name
    """Mebibytes; -1 for 1024."""
    files: dict[str, str | None] = Field(default_factory=dict)
    fetch_files: list[str] = Field(default_factory=list)


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


@router.post("/run_code", dependencies=[SUBMITS])
async def run_code(
    executors: Executors,
    request: Annotated[RunCodeRequest, Body(openapi_examples=examples.RUN_CODE)],
) -> RunCodeResponse:
    """Run a program with its standard input, as SandboxFusion does; no files go in or out."""
    if request.files or request.fetch_files:
        raise errors.InvalidInput("`files` and `fetch_files` are not offered here; use `stdin`")
    language = LANGUAGES.get(request.language)
    if language is None:
        offered = ", ".join(LANGUAGES)
        raise errors.InvalidInput(f"{request.language!r} is not offered here; {offered} are")
    if request.image != STANDARD_IMAGE and language is not Language.PYTHON:
        raise errors.InvalidInput(f"{request.language!r} has no Python packages")
    memory = request.memory_limit_MB * _MEBIBYTE if request.memory_limit_MB > 0 else _DEFAULT_MEMORY
    limits = limits_for(request.run_timeout, memory)
    run = limits.cpu_seconds + limits.idle_seconds
    wait = min(request.compile_timeout + run + _QUEUE_SECONDS, MAX_WAIT_SECONDS)
    running = Running(
        program=request.code,
        stdin=request.stdin or "",
        language=language,
        image=request.image,
        limits=limits,
    )
    answer = await ask_one(executors, running, wait)
    if isinstance(answer, RunResult):
        return _response(answer, language)
    reason = answer.reason if isinstance(answer, Unanswered) else "no answer to this question"
    return RunCodeResponse(status=RunStatus.SANDBOX_ERROR, message=reason)


def limits_for(seconds: float, memory_bytes: int) -> Limits:
    """Make the limits of one run from its time and memory."""
    return Limits(
        cpu_seconds=seconds,
        total_cpu_seconds=seconds,
        idle_factor=1.0,
        memory_bytes=max(memory_bytes, 32 * _MEBIBYTE),
    )


def _response(result: RunResult, language: Language) -> RunCodeResponse:
    compiled = None
    if language in COMPILED:
        failed = result.ending is Ending.COMPILE_ERROR
        compiled = CommandRunResult(
            status=CommandRunStatus.FINISHED,
            execution_time=result.compile_seconds,
            return_code=int(failed),
            stdout="",
            stderr=result.error if failed else "",
        )
        if failed:
            return RunCodeResponse(status=RunStatus.FAILED, compile_result=compiled)
    run = _run_result(result)
    finished = run.status is CommandRunStatus.FINISHED and run.return_code == 0
    return RunCodeResponse(
        status=RunStatus.SUCCESS if finished else RunStatus.FAILED,
        message=result.error,
        compile_result=compiled,
        run_result=run,
    )


def _run_result(result: RunResult) -> CommandRunResult:
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
        return_code=code,
        stdout=result.stdout,
        stderr=stderr,
    )


@router.post("/run_jupyter", dependencies=[SUBMITS])
async def run_jupyter() -> None:
    """Refuse: there are no notebooks here."""
    raise errors.NotFound(
        "notebooks are not offered here: no state is kept between cells; send one program to"
        " /run_code"
    )
