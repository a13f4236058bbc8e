"""What the OpenAPI document says of errors and tests; what it does not say is refused."""

import pytest
from fastapi.testclient import TestClient

from infra.contracts.direct import ExecuteRequest
from infra.db.unit_of_work import Database
from services.api.app import BORROWED, MODULES, create_app
from services.api.problem_details import MEDIA_TYPE

REFERENCE = {"$ref": "#/components/schemas/ProblemDetails"}


@pytest.fixture(scope="module")
def app():
    database = Database("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    yield create_app(database, "redis://127.0.0.1:1", None, 1_000)
    database.close()


@pytest.fixture(scope="module")
def document(app):
    return app.openapi()


def test_every_error_has_its_schema_and_its_media_type(document):
    assert document["components"]["schemas"]["ProblemDetails"]["properties"]["code"]
    paths = {route.path for module in (*MODULES, *BORROWED) for route in module.router.routes}
    for path in paths:
        for operation in document["paths"][path].values():
            answers = operation["responses"]
            assert {"400", "401", "422", "500"} <= answers.keys()
            for status, answer in answers.items():
                if status >= "400":
                    assert answer["content"][MEDIA_TYPE]["schema"] == REFERENCE


@pytest.mark.parametrize("name", ["CallTest", "StdioTest", "AssertTest"])
def test_the_kind_of_a_test_must_be_said(document, name):
    schema = document["components"]["schemas"][name]

    assert "kind" in schema["required"]
    assert "default" not in schema["properties"]["kind"]


@pytest.mark.parametrize("value", [{"$range": [0, 1, 0]}, {"$tuple": 1}, {"$nothing": 1}])
@pytest.mark.parametrize("where", ["args", "kwargs", "expected"])
def test_a_malformed_value_is_refused_where_it_comes_in(value, where):
    given = {"args": [value], "kwargs": {"a": value}, "expected": value}[where]
    test = {"kind": "call", "function": "f", where: given}

    with pytest.raises(ValueError, match="no valid value"):
        ExecuteRequest.model_validate({"tests": [test], "programs": ["x"]})


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("/v1/groups?stat=ranked", "cursor, id, limit, newest_first, problem_id, state"),
        ("/v1/groups?limit=5&Limit=6", "cursor, id, limit, newest_first, problem_id, state"),
        ("/v1/caller?x", "none"),
    ],
)
def test_parameters_that_would_be_ignored_are_refused(app, path, known):
    refused = TestClient(app).get(path)

    assert refused.status_code == 422
    assert f"but these: {known}" in refused.json()["detail"]


def test_parameters_of_borrowed_interfaces_are_ignored_as_there(app):
    assert TestClient(app).get("/v1/ping?x=1").json() == "pong"
