"""The interface of Piston, version 2, for clients that are pointed here by URL.

Shapes: https://github.com/engineer-man/piston/blob/master/docs/api-v2.md.
"""

import base64
import binascii
import signal
from typing import Annotated, Literal

from fastapi import APIRouter, Body, Depends, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from infra.contracts.base import STANDARD_IMAGE, ImageName, Language, language_alone
from infra.contracts.direct import (
    MAX_WAIT_SECONDS,
    Ending,
    Running,
    RunResult,
    Unanswered,
)
from infra.contracts.problems import ProgramText, Text
from services.api import examples
from services.api.execute import Executors, ask_one
from services.api.keys import READS, SUBMITS
from services.api.offer import Offer
from services.api.sandbox_fusion import COMPILED, limits_for

router = APIRouter(prefix="/api/v2", tags=["Piston"])

ALIASES: dict[Language, tuple[str, tuple[str, ...]]] = {
    Language.PYTHON: ("python", ("py", "py3", "python3")),
    Language.C: ("c", ("gcc",)),
    Language.CPP: ("c++", ("cpp", "g++")),
    Language.RUST: ("rust", ("rs",)),
    Language.GO: ("go", ("golang",)),
    Language.JAVA: ("java", ()),
    Language.JAVASCRIPT: ("javascript", ("js", "node", "node-javascript")),
    Language.BASH: ("bash", ("sh",)),
    Language.TYPESCRIPT: ("typescript", ("ts", "node-ts", "tsc")),
    Language.PHP: ("php", ()),
    Language.RUBY: ("ruby", ("rb",)),
    Language.PERL: ("perl", ("pl",)),
    Language.LUA: ("lua", ()),
}
"""Piston's name of each language, and the other names it goes by."""
_BY_NAME = {
    name: language for language, (first, others) in ALIASES.items() for name in (first, *others)
}
_DEFAULT_MEMORY = 1024 * 2**20
_QUEUE_SECONDS = 30.0


class File(BaseModel):
    """The program; its name does not matter."""

    name: Annotated[str, Field(max_length=200)] | None = None
    content: ProgramText
    encoding: Literal["utf8", "base64", "hex"] = "utf8"


class PistonRequest(BaseModel):
    """A program to run; fields for what is not offered are not read."""

    language: Annotated[str, Field(max_length=50)]
    version: Annotated[str, Field(max_length=50)]
    """`*`, or the beginning of a version, such as `3` or `3.11.x`."""
    image: ImageName = STANDARD_IMAGE
    """Packages that Python has beside the standard library; no field of Piston's."""
    files: tuple[File, ...] = Field(min_length=1)
    stdin: Text = ""
    args: tuple[Annotated[str, Field(max_length=10_000, pattern=r"^[^\x00]*$")], ...] = Field(
        (), max_length=100
    )
    run_timeout: int = Field(3_000, gt=0, le=60_000)
    """Milliseconds of CPU time, and as many in which it neither runs nor waits for a processor."""
    run_memory_limit: int = Field(-1, ge=-1, le=8 * 2**30)
    """Bytes; -1 for one gibibyte."""


class Stage(BaseModel):
    """What the compiler or the program did."""

    stdout: str = ""
    stderr: str = ""
    output: str = ""
    """Both together: first what went to stdout."""
    code: int | None = None
    signal: str | None = None
    message: str | None = None
    status: str | None = None
    """RE, SG, TO, OL or XX; null if it exited with 0, or was not reached."""
    cpu_time: int | None = None
    """Milliseconds."""
    wall_time: int | None = None
    """Milliseconds."""
    memory: int | None = None
    """Bytes."""


class PistonResponse(BaseModel):
    """What became of a program; without `compile` where there is no compiler."""

    language: str
    version: str
    run: Stage


class CompiledResponse(PistonResponse):
    """What became of a program that is compiled first."""

    compile: Stage


class Runtime(BaseModel):
    """A language that is offered."""

    language: str
    version: str
    aliases: tuple[str, ...]


class Refused(BaseModel):
    """Why a request was not taken, in Piston's own form."""

    message: str


def offer_of(request: Request) -> Offer:
    """Return what the executors are known to offer."""
    offer: Offer = request.app.state.offer
    return offer


Offered = Annotated[Offer, Depends(offer_of)]


@router.get("/runtimes", dependencies=[READS])
async def runtimes(executors: Executors, offer: Offered) -> list[Runtime]:
    """List the languages that an executor offers."""
    versions = await offer.versions(executors)
    return [
        Runtime(language=ALIASES[language][0], version=version, aliases=ALIASES[language][1])
        for language, version in versions.items()
    ]


@router.post(
    "/execute",
    dependencies=[SUBMITS],
    response_model=CompiledResponse | PistonResponse,
    responses={400: {"model": Refused}},
)
async def execute(
    executors: Executors,
    offer: Offered,
    request: Annotated[PistonRequest, Body(openapi_examples=examples.PISTON)],
) -> CompiledResponse | PistonResponse | JSONResponse:
    """Run a program of one file with its standard input and arguments, as Piston does."""
    try:
        language_alone(request.language)
    except ValueError as error:
        return _refused(str(error))
    language = _BY_NAME.get(request.language)
    version = (await offer.versions(executors)).get(language) if language else None
    if language is None or version is None or not _fits(request.version, version):
        return _refused(f"{request.language}-{request.version} runtime is unknown")
    if request.image != STANDARD_IMAGE and language is not Language.PYTHON:
        return _refused(f"{request.language} has no Python packages")
    if len(request.files) > 1:
        return _refused("a program is one file here")
    try:
        program = _decoded(request.files[0])
    except (ValueError, binascii.Error):
        return _refused("files[0].content is not text in its encoding")
    memory = request.run_memory_limit if request.run_memory_limit > 0 else _DEFAULT_MEMORY
    limits = limits_for(request.run_timeout / 1000, memory)
    running = Running(
        program=program,
        stdin=request.stdin,
        arguments=request.args,
        language=language,
        image=request.image,
        limits=limits,
    )
    run_seconds = limits.cpu_seconds + limits.idle_seconds
    wait = min(run_seconds + 2 * _QUEUE_SECONDS, MAX_WAIT_SECONDS)
    answer = await ask_one(executors, running, wait)
    name = ALIASES[language][0]
    if not isinstance(answer, RunResult):
        reason = answer.reason if isinstance(answer, Unanswered) else "no answer to this question"
        failed = Stage(status="XX", message=reason)
        return PistonResponse(language=name, version=version, run=failed)
    refused = answer.ending is Ending.COMPILE_ERROR
    if language not in COMPILED:
        # Without a compiler, running is what found that it does not parse.
        run = _compile(answer) if refused else _run(answer)
        return PistonResponse(language=name, version=version, run=run)
    run = Stage() if refused else _run(answer)
    return CompiledResponse(language=name, version=version, run=run, compile=_compile(answer))


def _refused(message: str) -> JSONResponse:
    return JSONResponse(Refused(message=message).model_dump(), 400)


def _fits(wanted: str, version: str) -> bool:
    """Tell whether a version is one of those wanted: `*`, or its first parts."""
    parts = [part for part in wanted.split(".") if part not in ("*", "x")]
    return version.split(".")[: len(parts)] == parts


def _decoded(file: File) -> str:
    if file.encoding == "utf8":
        return file.content
    if file.encoding == "hex":
        return bytes.fromhex(file.content).decode()
    return base64.b64decode(file.content, validate=True).decode()


_STATUS = {
    Ending.TIME_LIMIT_EXCEEDED: "TO",
    Ending.OUTPUT_LIMIT_EXCEEDED: "OL",
    Ending.MEMORY_LIMIT_EXCEEDED: "SG",
    Ending.SIGNALLED: "SG",
}


def _compile(result: RunResult) -> Stage:
    wall = round(result.compile_seconds * 1000)
    if result.ending is not Ending.COMPILE_ERROR:
        return Stage(code=0, wall_time=wall)
    error = result.error
    return Stage(stderr=error, output=error, code=1, status="RE", wall_time=wall)


def _run(result: RunResult) -> Stage:
    killed = result.ending is not Ending.EXITED
    number = result.signal or signal.SIGKILL
    return Stage(
        stdout=result.stdout,
        stderr=result.stderr,
        output=result.stdout + result.stderr,
        code=result.exit_code,
        signal=_signal_name(number) if killed else None,
        message=result.error or None,
        status=_STATUS.get(result.ending, "RE" if result.exit_code else None),
        cpu_time=round(result.usage.cpu_seconds * 1000),
        wall_time=round(result.usage.wall_seconds * 1000),
        memory=result.usage.memory_bytes,
    )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIG{number}"
