"""SandboxFusion's data sets, which are the stored problems here: its client reads and submits.

A data set is what the names of problems begin with: `HumanEval/0` is problem `0` of `HumanEval`.
Completions are judged, as by `POST /v1/execute`. Shapes:
https://bytedance.github.io/SandboxFusion/docs/api/submit-submit-post.
"""

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, BeforeValidator, Field
from sqlalchemy import select

from infra import errors
from infra.contracts.base import Label, Outcome
from infra.contracts.execution import TestResult, Verdict
from infra.contracts.inline import ExecuteRequest
from infra.contracts.problems import ProgramText
from infra.contracts.views.api import Scope
from infra.db.tables import ProblemRow
from services.api.compatible.sandbox_fusion import (
    CommandRunResult,
    CommandRunStatus,
    RunCodeResponse,
    RunStatus,
)
from services.api.dependencies import Db
from services.api.documents import examples
from services.api.keys import READS, SUBMITS, CalledBy
from services.api.quota import SPENDS_ONE
from services.api.routers.execute import Executors, Suites, label
from services.scoring.completions import program_in
from services.scoring.truths import Question

router = APIRouter(tags=["SandboxFusion"])
_MOST_PROMPTS = 10_000
_Name = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]


def _not_brought(value: object) -> None:
    if value:
        raise ValueError(
            "problems are those that are stored, and programs taken out as for all of them: import"
            " these, or send tests to /v1/execute"
        )


class TestConfig(BaseModel):
    """How to read a data set; only that none is brought along matters here."""

    provided_data: Annotated[None, BeforeValidator(_not_brought)] = None
    custom_extract_logic: Annotated[None, BeforeValidator(_not_brought)] = None


class _Request(BaseModel):
    dataset: _Name
    """What the names of its problems begin with, before a `/`."""
    config: TestConfig = Field(default_factory=TestConfig)

    def slug(self, rest: str) -> str:
        """Name a problem of the data set."""
        return f"{self.dataset}/{rest}" if self.dataset else rest


class GetPromptsRequest(_Request):
    """Problems of a data set, oldest first."""

    offset: int = Field(0, ge=0, lt=2**31)
    limit: int = Field(1_000_000, ge=0, lt=2**31)


class GetPromptByIdRequest(_Request):
    """A problem of a data set."""

    id: int | _Name


class SubmitRequest(GetPromptByIdRequest):
    """A model's answer to a problem."""

    completion: ProgramText


class Prompt(BaseModel):
    """What a problem asks."""

    id: int | str
    prompt: str
    labels: dict[str, str | None] = Field(default_factory=dict)


class EvalTestCase(BaseModel):
    """What became of one test, said as of a run of its own."""

    passed: bool
    exec_info: RunCodeResponse
    test_info: dict[str, Any] | None = None


class EvalResult(BaseModel):
    """What became of a completion."""

    id: int | str
    accepted: bool
    extracted_code: str
    full_code: str | None = None
    test_code: str | None = None
    tests: list[EvalTestCase]
    extracted_type: str | None = None
    extra: dict[str, Any] | None = None


@router.post("/get_prompts", dependencies=[READS])
def get_prompts(
    db: Db, request: Annotated[GetPromptsRequest, Body(openapi_examples=examples.GET_PROMPTS)]
) -> list[Prompt]:
    """List the problems of a data set."""
    beginning = request.slug("")
    wanted = min(request.limit, _MOST_PROMPTS + 1)
    query = _PROMPTS.where(ProblemRow.slug.startswith(beginning, autoescape=True))
    with db.reading() as session:
        rows = session.execute(query.offset(request.offset).limit(wanted)).all()
    if len(rows) > _MOST_PROMPTS:
        raise errors.InvalidInput(f"there are more than {_MOST_PROMPTS}: give `limit` and `offset`")
    return [_prompt(row, row.slug.removeprefix(beginning)) for row in rows]


@router.post("/get_prompt_by_id", dependencies=[READS])
def get_prompt_by_id(
    db: Db,
    request: Annotated[GetPromptByIdRequest, Body(openapi_examples=examples.GET_PROMPT_BY_ID)],
) -> Prompt:
    """Return a problem's prompt."""
    return _prompt(_found(db, request), request.id)


@router.post("/submit", dependencies=[SUBMITS, SPENDS_ONE])
async def submit(
    db: Db,
    executors: Executors,
    suites: Suites,
    caller: CalledBy,
    http: Request,
    request: Annotated[SubmitRequest, Body(openapi_examples=examples.SUBMIT)],
) -> EvalResult:
    """Judge a completion by a stored problem's tests."""
    row = await run_in_threadpool(_found, db, request)
    asked = ExecuteRequest(problem=row.slug, programs=("",))
    question = Question(row.prompt, row.entry_point, row.language, asked)
    program = await run_in_threadpool(program_in, request.completion, question)
    if program is None:
        return EvalResult(
            id=request.id, accepted=False, extracted_code="", tests=[], extracted_type="empty"
        )
    asked = asked.model_copy(update={"programs": (program,)})
    (result,) = await label(executors, suites, http, asked, Scope.READ in caller.scopes)
    if result.verdict is None:
        raise errors.NotInTime(result.reason)
    return EvalResult(
        id=request.id,
        accepted=result.label is Label.ALL_PASS,
        extracted_code=program,
        tests=list(_tests(result.verdict)),
        extra={"label": result.label, "pass_fraction": result.pass_fraction},
    )


_PROMPTS = select(
    ProblemRow.slug,
    ProblemRow.prompt,
    ProblemRow.entry_point,
    ProblemRow.language,
    ProblemRow.image,
).order_by(ProblemRow.id)


def _found(db: Db, request: GetPromptByIdRequest) -> Any:
    slug = request.slug(str(request.id))
    with db.reading() as session:
        row = session.execute(_PROMPTS.where(ProblemRow.slug == slug)).one_or_none()
    if row is None:
        raise errors.NotFound(f"there is no problem {slug!r}; import it first")
    return row


def _prompt(row: Any, own_id: int | str) -> Prompt:
    labels = {name: getattr(row, name) for name in ("entry_point", "language", "image")}
    return Prompt(id=own_id, prompt=row.prompt, labels=labels)


def _tests(verdict: Verdict) -> Iterator[EvalTestCase]:
    for number, test in enumerate(verdict.tests):
        passed = test.outcome is Outcome.PASSED
        yield EvalTestCase(
            passed=passed,
            exec_info=RunCodeResponse(
                status=RunStatus.SUCCESS if passed else RunStatus.FAILED, run_result=_run(test)
            ),
            test_info={"name": test.name or str(number), "outcome": test.outcome},
        )


def _run(test: TestResult) -> CommandRunResult:
    """Say what became of a test as if it had been a process."""
    late = test.outcome is Outcome.TIME_LIMIT_EXCEEDED
    return CommandRunResult(
        status=CommandRunStatus.TIME_LIMIT_EXCEEDED if late else CommandRunStatus.FINISHED,
        execution_time=test.wall_seconds,
        cpu_time=test.cpu_seconds,
        return_code=None if late else int(test.outcome is not Outcome.PASSED),
        stderr=test.detail,
    )
