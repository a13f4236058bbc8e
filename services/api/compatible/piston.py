"""The interface of Piston, version 2, for clients that are pointed here by URL.

Shapes: https://github.com/engineer-man/piston/blob/master/docs/api-v2.md.
"""

import base64
import signal
from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Body, Depends, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from infra.contracts.base import ImageName, Language, language_alone
from infra.contracts.inline import (
    MAX_INPUT_CHARACTERS,
    MAX_RUN_FILES,
    MAX_WAIT_SECONDS,
    Ending,
    FileName,
    Running,
    RunResult,
    Unanswered,
)
from services.api.compatible.fusion_languages import COMPILED
from services.api.compatible.runtimes import Runtimes
from services.api.compatible.sandbox_fusion import limits_of
from services.api.documents import examples
from services.api.documents.openapi import ERRORS
from services.api.keys import READS, SUBMITS
from services.api.quota import SPENDS_ONE
from services.api.routers.execute import Executors, ask_one, while_connected

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
    Language.HASKELL: ("haskell", ("hs",)),
    Language.KOTLIN: ("kotlin", ("kt",)),
    Language.R: ("rscript", ("r",)),
    Language.SCALA: ("scala", ("sc",)),
    Language.D: ("d", ()),
    Language.RACKET: ("racket", ("rkt",)),
    Language.CSHARP: ("csharp.mono", ("mono", "mono-csharp", "csharp", "cs", "c#")),
    Language.VERILOG: ("iverilog", ("verilog",)),
}
"""Piston's name of each language, and the other names it goes by."""
_BY_NAME = {
    name: language for language, (first, others) in ALIASES.items() for name in (first, *others)
}
_QUEUE_SECONDS = 30.0


class File(BaseModel):
    """The program, whose name does not matter, or a file that lies beside it under its name."""

    name: FileName | None = None
    content: Annotated[str, Field(max_length=MAX_INPUT_CHARACTERS)]
    encoding: Literal["utf8", "base64", "hex"] = "utf8"


class PistonRequest(BaseModel):
    """A program to run; fields for what is not offered are not read."""

    language: Annotated[str, Field(max_length=50)]
    version: Annotated[str, Field(max_length=50)]
    """`*`, or the beginning of a version, such as `3` or `3.11.x`."""
    image: ImageName | None = None
    """Packages that Python has beside the standard library, absent the largest of the suite's own
    images that the executor has; no field of Piston's."""
    files: tuple[File, ...] = Field(min_length=1, max_length=MAX_RUN_FILES)
    """The program, then what it reads or includes."""
    stdin: Annotated[str, Field(max_length=MAX_INPUT_CHARACTERS)] = ""
    args: tuple[Annotated[str, Field(max_length=10_000, pattern=r"^[^\x00]*$")], ...] = Field(
        (), max_length=100
    )
    run_timeout: int = Field(3_000, gt=0, le=60_000)
    """Milliseconds from its start."""
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
    """RE, SG, TO, OL or XX; null if it exited with 0."""
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


class UncompiledResponse(BaseModel):
    """Why a program was not run that is compiled first."""

    language: str
    version: str
    compile: Stage


class Runtime(BaseModel):
    """A language that is offered."""

    language: str
    version: str
    aliases: tuple[str, ...]


class Refused(BaseModel):
    """Why a request was not taken, in Piston's own form."""

    message: str


def runtimes_of(request: Request) -> Runtimes:
    """Return what the executors are known to offer."""
    installed: Runtimes = request.app.state.installed
    return installed


InstalledRuntimes = Annotated[Runtimes, Depends(runtimes_of)]


@router.get("/runtimes", dependencies=[READS])
async def runtimes(executors: Executors, installed: InstalledRuntimes) -> list[Runtime]:
    """List the languages that an executor offers."""
    versions = await installed.versions(executors)
    return [
        Runtime(language=ALIASES[language][0], version=version, aliases=ALIASES[language][1])
        for language, version in versions.items()
    ]


@router.post(
    "/execute",
    dependencies=[SUBMITS, SPENDS_ONE],
    response_model=CompiledResponse | UncompiledResponse | PistonResponse,
    responses={400: ERRORS[400] | {"model": Refused}},
)
async def execute(
    executors: Executors,
    installed: InstalledRuntimes,
    http: Request,
    request: Annotated[PistonRequest, Body(openapi_examples=examples.PISTON)],
) -> CompiledResponse | UncompiledResponse | PistonResponse | JSONResponse:
    """Run a program with its standard input, arguments and further files, as Piston does."""
    try:
        language_alone(request.language)
    except ValueError as error:
        return _refused(str(error))
    language = _BY_NAME.get(request.language)
    version = (await installed.versions(executors)).get(language) if language else None
    if language is None or version is None or not _fits(request.version, version):
        return _refused(f"{request.language}-{request.version} runtime is unknown")
    if request.image is not None and language is not Language.PYTHON:
        return _refused(f"{request.language} has no Python packages")
    try:
        program, *others = map(_decoded, request.files)
        running = Running(
            program=program.decode(),
            stdin=request.stdin,
            arguments=request.args,
            files=_named(request.files[1:], others),
            language=language,
            image=request.image,
            wall_seconds=request.run_timeout / 1000,
            limits=limits_of(request.run_memory_limit),
        )
    except ValueError as error:
        return _refused(f"the files cannot be read in their encodings: {error}")
    wait = min(running.wall_seconds + 2 * _QUEUE_SECONDS, MAX_WAIT_SECONDS)
    answer = await while_connected(http, ask_one(executors, running, wait))
    name = ALIASES[language][0]
    if not isinstance(answer, RunResult):
        reason = answer.reason if isinstance(answer, Unanswered) else "no answer to this question"
        failed = Stage(status="XX", message=reason)
        return PistonResponse(language=name, version=version, run=failed)
    if language not in COMPILED:
        return PistonResponse(language=name, version=version, run=_run(answer))
    if not answer.is_started:
        return UncompiledResponse(language=name, version=version, compile=_run(answer))
    compiled = Stage(code=0, wall_time=round(answer.compile_seconds * 1000))
    return CompiledResponse(language=name, version=version, run=_run(answer), compile=compiled)


def _refused(message: str) -> JSONResponse:
    return JSONResponse(Refused(message=message).model_dump(), 400)


def _fits(wanted: str, version: str) -> bool:
    """Tell whether a version is one of those wanted: `*`, or its first parts."""
    parts = [part for part in wanted.split(".") if part not in ("*", "x")]
    return version.split(".")[: len(parts)] == parts


def _decoded(file: File) -> bytes:
    if file.encoding == "utf8":
        return file.content.encode()
    if file.encoding == "hex":
        return bytes.fromhex(file.content)
    return base64.b64decode(file.content, validate=True)


def _named(files: Sequence[File], contents: Sequence[bytes]) -> dict[str, str]:
    """Return the files beside the program by name; Piston calls those without one by position."""
    return {
        file.name or f"file{number}.code": base64.b64encode(content).decode("ascii")
        for number, (file, content) in enumerate(zip(files, contents, strict=True), 1)
    }


_STATUS = {
    Ending.TIME_LIMIT_EXCEEDED: "TO",
    Ending.OUTPUT_LIMIT_EXCEEDED: "OL",
    Ending.MEMORY_LIMIT_EXCEEDED: "SG",
    Ending.SIGNALLED: "SG",
}


def _run(result: RunResult) -> Stage:
    """Say how a program ended, or the compiler that it did not get past."""
    seconds = result.usage.wall_seconds if result.is_started else result.compile_seconds
    wall = round(seconds * 1000)
    if result.ending is Ending.COMPILE_ERROR:
        return Stage(stderr=result.error, output=result.error, code=1, status="RE", wall_time=wall)
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
        wall_time=wall,
        memory=result.usage.memory_bytes,
    )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"SIG{number}"
