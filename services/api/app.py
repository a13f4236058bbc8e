"""The REST API: one code path to the database with the workers, run in the server's threads."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import Depends, FastAPI, Security
from fastapi.security import HTTPBearer

from infra.db.unit_of_work import Database
from services.api import dashboard, keys, problem_details
from services.api.backlog import Backlog
from services.api.compatible import fusion_notebooks, fusion_problems, piston, sandbox_fusion
from services.api.compatible.runtimes import Runtimes
from services.api.dashboard import GuardedFiles
from services.api.dependencies import refuse_unknown_parameters
from services.api.documents import pages
from services.api.documents.openapi import ERRORS, Documented
from services.api.inline_requests import InlineRequests
from services.api.keys import KeyRing
from services.api.methods import KnownMethods
from services.api.middleware import BodyLimit, Measure, RateLimit, RequireKey
from services.api.routers import (
    candidates,
    evaluations,
    execute,
    groups,
    models,
    problems,
    quarantine,
    rankings,
    sampling,
    training,
)
from services.api.routers.monitoring import events, live, slow, stats, timeline

MODULES = (
    problems,
    groups,
    candidates,
    rankings,
    events,
    execute,
    training,
    evaluations,
    quarantine,
    sampling,
    keys,
    stats,
    live,
    timeline,
    models,
    slow,
)
"""The modules of our own interface; its endpoints need a key."""
BORROWED = (sandbox_fusion, fusion_notebooks, fusion_problems, piston)
"""Those of other projects' interfaces, which need one too, and ignore what they do not know."""
# Tells readers of the OpenAPI document how to send the key; `RequireKey` is what checks it.
_DOCUMENTED_KEY = Security(
    HTTPBearer(auto_error=False, description="An API key, or `RRTF_API_KEY`")
)


def create_app(
    database: Database,
    redis_url: str,
    key: str | None,
    max_body_bytes: int,
    max_waiting: int = 1_000_000,
    max_waiting_per_key: int = 500_000,
    max_inline: int = 1_024,
    max_rate: float = 0,
    metrics_key: str = "",
) -> FastAPI:
    """Build the application over an open database; without a key it is open to everybody.

    Args:
        database: where everything is.
        redis_url: asked for the lengths of queues, and the way of inline work to executors.
        key: the key that may do everything.
        max_body_bytes: the largest body taken.
        max_waiting: most candidates that may be without a label.
        max_waiting_per_key: most of one API key.
        max_inline: most programs of inline work that may be under way.
        max_rate: requests a second of one API key; 0 for no limit.
        metrics_key: what readers of metrics must send; empty for nothing.
    """
    inline_requests = InlineRequests(redis_url, max_inline)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await inline_requests.close()
        database.close()

    app = Documented(
        title="RRTF suite",
        version="1",
        description="Problems in; labels, rankings and training batches out.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.database = database
    app.state.redis_url = redis_url
    app.state.backlog = Backlog(database, max_waiting, max_waiting_per_key)
    app.state.inline_requests = inline_requests
    app.state.suites = execute.StoredSuites(database)
    app.state.installed = Runtimes()
    app.state.streams = events.Streams()
    app.state.watch = live.Watch(database, redis_url)
    app.state.metrics_key = metrics_key
    app.state.exposition = stats.Exposition(database, redis_url)
    problem_details.install(app)
    # The one added last is outermost.
    app.add_middleware(KnownMethods, modules=(*MODULES, *BORROWED))
    app.add_middleware(BodyLimit, max_bytes=max_body_bytes)
    if max_rate:
        app.add_middleware(RateLimit, rate=max_rate)
    app.add_middleware(RequireKey, ring=KeyRing(database, key))
    app.add_middleware(Measure)
    for module in MODULES:
        strict = [_DOCUMENTED_KEY, Depends(refuse_unknown_parameters)]
        app.include_router(module.router, dependencies=strict, responses=ERRORS)
    for module in BORROWED:
        app.include_router(module.router, dependencies=[_DOCUMENTED_KEY], responses=ERRORS)
    app.include_router(stats.open_router)
    for page in (dashboard, pages):
        app.include_router(page.router)
    app.mount("/dashboard", GuardedFiles(dashboard.FOLDER, dashboard.HEADERS))
    app.mount("/docs/files", GuardedFiles(pages.FOLDER, pages.HEADERS))
    return app
