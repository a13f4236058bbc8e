"""Notebooks, as SandboxFusion's interface has them: cells that one kernel runs.

Shapes: https://bytedance.github.io/SandboxFusion/docs/api/run-code-in-jupyter-run-jupyter-post. As
there, a cell that raises is no failure of the notebook, and the cells of one that fails are not
told.
"""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Body, Request
from pydantic import BaseModel, Field

from infra.contracts.base import NOTEBOOK_IMAGE, ImageName, state_keys
from infra.contracts.inline import (
    MAX_CELLS,
    MAX_RUN_FILES,
    MAX_RUN_SECONDS,
    MAX_WAIT_SECONDS,
    FileName,
    Running,
    RunResult,
)
from infra.contracts.problems import Text
from services.api.compatible.sandbox_fusion import (
    MEBIBYTE,
    QUEUE_SECONDS,
    CommandRunResult,
    RunStatus,
    decoded,
    limits_of,
    run_result_of,
    why_not,
)
from services.api.documents import examples
from services.api.keys import SUBMITS
from services.api.quota import SPENDS_ONE
from services.api.routers.execute import Executors, ask_one, while_connected

router = APIRouter(tags=["SandboxFusion"])


class RunJupyterRequest(BaseModel):
    """A notebook to run; fields that are not known are not read."""

    cells: list[Text] = Field(max_length=MAX_CELLS)
    """Run one after the other in one IPython kernel, whatever becomes of each."""
    image: ImageName = NOTEBOOK_IMAGE
    """Packages that cells have, among them ipykernel; no field of SandboxFusion's."""
    cell_timeout: float = Field(0, allow_inf_nan=False)
    """Seconds after which a cell is interrupted; 0 or less for never."""
    total_timeout: float = Field(45, gt=0, le=MAX_RUN_SECONDS)
    """Seconds from its start, that of the kernel included."""
    memory_limit_MB: int = -1  # noqa: N815 - the interface's own name
    """Mebibytes, from 32 to 8192; 0 or less for 1024."""
    kernel: Literal["python3"] = "python3"
    files: dict[FileName, str] = Field(
        default_factory=dict, max_length=MAX_RUN_FILES, json_schema_extra=state_keys
    )
    """Files that lie in its working directory, in base 64."""
    fetch_files: list[FileName] = Field([], max_length=MAX_RUN_FILES)
    """Files to return when all cells have run, 32 MiB together."""


class CellRunResult(BaseModel):
    """What one cell has shown."""

    stdout: str
    stderr: str
    display: list[dict[str, Any]]
    """Of each thing displayed its forms, by MIME type."""
    error: list[dict[str, Any]]
    """The exception that ended it, if one did: `ename`, `evalue` and `traceback`."""


class RunJupyterResponse(BaseModel):
    """What became of a notebook."""

    status: RunStatus
    message: str = ""
    driver: CommandRunResult | None = None
    """What became of the process that ran it."""
    cells: list[CellRunResult] = Field(default_factory=list)
    """Empty unless all of them have run."""
    executor_pod_name: str | None = None
    files: dict[str, str] = Field(default_factory=dict)


@router.post("/run_jupyter", dependencies=[SUBMITS, SPENDS_ONE])
async def run_jupyter(
    executors: Executors,
    http: Request,
    request: Annotated[RunJupyterRequest, Body(openapi_examples=examples.RUN_JUPYTER)],
) -> RunJupyterResponse:
    """Run the cells of a notebook in one kernel, as SandboxFusion does."""
    try:
        files = decoded(request.files)
    except ValueError as error:
        return _refused(f"a file is not in base 64: {error}")
    running = Running(
        cells=tuple(request.cells),
        cell_seconds=min(max(0.0, request.cell_timeout), MAX_RUN_SECONDS),
        files=files,
        taken=tuple(dict.fromkeys(request.fetch_files)),
        image=request.image,
        wall_seconds=request.total_timeout,
        limits=limits_of(request.memory_limit_MB * MEBIBYTE),
    )
    wait = min(request.total_timeout + QUEUE_SECONDS, MAX_WAIT_SECONDS)
    answer = await while_connected(http, ask_one(executors, running, wait))
    if not isinstance(answer, RunResult):
        return _refused(why_not(answer))
    driver = run_result_of(answer)
    if answer.cells is None:
        return RunJupyterResponse(status=RunStatus.FAILED, driver=driver)
    return RunJupyterResponse(
        status=RunStatus.SUCCESS,
        driver=driver,
        cells=[CellRunResult(**cell.model_dump()) for cell in answer.cells],
        files=answer.files,
    )


def _refused(message: str) -> RunJupyterResponse:
    return RunJupyterResponse(status=RunStatus.SANDBOX_ERROR, message=message)
