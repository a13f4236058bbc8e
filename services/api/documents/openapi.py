"""The OpenAPI document: what is answered beside what the endpoints themselves say."""

from typing import Any

from fastapi import FastAPI

from infra.contracts.views.api import ProblemDetails
from services.api.problem_details import MEDIA_TYPE

_SCHEMAS = "#/components/schemas/"
_REFUSALS = (400, 401, 403, 404, 409, 413, 422, 429, 500, 503, 504)

ERRORS: dict[int | str, dict[str, Any]] = {
    # Without `model`, which FastAPI documents as the media type of the answers that succeed.
    status: {"content": {MEDIA_TYPE: {"schema": {"$ref": f"{_SCHEMAS}{ProblemDetails.__name__}"}}}}
    for status in _REFUSALS
}
"""What every endpoint behind the key may answer."""


class Documented(FastAPI):
    """An application whose document has the schema of the errors."""

    def openapi(self) -> dict[str, Any]:
        """Return the document, made once."""
        is_new = self.openapi_schema is None
        document = super().openapi()
        if is_new:
            schema = ProblemDetails.model_json_schema(ref_template=_SCHEMAS + "{model}")
            document["components"]["schemas"][ProblemDetails.__name__] = schema
        return document
