"""The dashboard at `/`: files, and headers that let nothing else run in them."""

from collections.abc import Mapping
from os import PathLike, stat_result
from pathlib import Path

from fastapi import APIRouter, Response
from fastapi.responses import FileResponse
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER = Path(__file__).parents[1] / "dashboard"
HEADERS = {
    # What a candidate wrote stays text even where we fail to treat it so: nothing inline runs, no
    # string becomes markup (Trusted Types, without any policy), nothing is fetched from elsewhere.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
        " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
        " require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Asked for again every time, which costs a 304; an old page never meets a new API.
    "Cache-Control": "no-cache",
}
router = APIRouter()


@router.get("/", include_in_schema=False)
def get_dashboard() -> FileResponse:
    """Return the page; it asks for an API key itself."""
    return FileResponse(FOLDER / "index.html", headers=HEADERS)


class GuardedFiles(StaticFiles):
    """A folder of scripts, styles and pictures, each with headers."""

    def __init__(self, folder: Path, headers: Mapping[str, str]) -> None:
        super().__init__(directory=folder)
        self._headers = headers

    def file_response(
        self,
        full_path: str | PathLike[str],
        stat_result: stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """Add the headers to a file, or to the answer that it has not changed."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers.update(self._headers)
        return response
