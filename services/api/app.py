"""The REST API: one code path to the database with the workers, run in the server's threads."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import Depends, FastAPI, Request, Response

from infra import metrics
from infra.contracts.api import ProblemDetails
from infra.db.unit_of_work import Database
from services.api import groups, problem_details, problems, stats, training
from services.api.dependencies import BodyLimit, require_key

_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemDetails, "content": {problem_details.MEDIA_TYPE: {}}}
    for status in (401, 404, 409, 413, 422, 503)
}


def create_app(database: Database, redis_url: str, key: str | None, max_body_bytes: int) -> FastAPI:
    """Build the application over an open database."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        database.close()

    app = FastAPI(
        title="RRTF suite",
        version="1",
        description="Problems in; labels, rankings and training batches out.",
        lifespan=lifespan,
    )
    app.state.database = database
    app.state.redis_url = redis_url
    app.state.key = key
    problem_details.install(app)

    @app.middleware("http")
    async def measure(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        began = time.perf_counter()
        response = await call_next(request)
        route = getattr(request.scope.get("route"), "path", "unmatched")
        metrics.REQUEST_SECONDS.labels(route, request.method).observe(time.perf_counter() - began)
        return response

    # Added last, so it is outermost and counts what comes off the wire.
    app.add_middleware(BodyLimit, max_bytes=max_body_bytes)
    for module in (problems, groups, training, stats):
        app.include_router(module.router, dependencies=[Depends(require_key)], responses=_ERRORS)
    app.include_router(stats.open_router)
    return app
