"""The API's documentation at `/docs`: Swagger UI, served from here, so that it needs no network."""

from importlib.resources import files
from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse

from services.api import dashboard

FOLDER = Path(str(files("fastapi_offline") / "static"))
HEADERS = dashboard.HEADERS | {
    # Swagger UI makes markup from strings, and has pictures in its style sheet.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}
router = APIRouter()


@router.get("/docs", include_in_schema=False)
def get_documentation() -> FileResponse:
    """Return the page."""
    return FileResponse(dashboard.FOLDER / "docs.html", headers=HEADERS)
