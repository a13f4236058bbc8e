"""What the OpenAPI document says of errors and tests; what it does not say is refused."""

import jsonschema_rs
import pytest
from fastapi.testclient import TestClient
from pydantic import ValidationError

from infra.contracts.candidates import NewCandidate, NewGroup, SamplePlan
from infra.contracts.inline import ExecuteRequest
from infra.contracts.problems import CallTest, Limits, ProgramTest, StdioTest
from infra.contracts.ranking import HeartbeatRequest, Lease, LeaseRequest, NewCheckpoint
from infra.contracts.views.api import CheckAgain
from infra.db.unit_of_work import Database
from services.api.app import BORROWED, MODULES, create_app
from services.api.problem_details import MEDIA_TYPE

_OF_GROUPS = "cursor, id, limit, newest_first, policy, problem, problem_id, since, state, until"
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


@pytest.mark.parametrize("name", ["CallTest", "StdioTest", "AssertTest", "ProgramTest"])
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
        ("/v1/groups?stat=ranked", _OF_GROUPS),
        ("/v1/groups?limit=5&Limit=6", _OF_GROUPS),
        ("/v1/caller?x", "none"),
    ],
)
def test_parameters_that_would_be_ignored_are_refused(app, path, known):
    refused = TestClient(app).get(path)

    assert refused.status_code == 422
    assert f"but these: {known}" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("method", "path", "methods"),
    [
        ("GET", "/v1/groups/bulk", "POST"),
        ("GET", "/v1/training-batches/lease", "POST"),
        ("OPTIONS", "/v1/problems", "GET, POST"),
        ("PUT", "/v1/groups/x", "GET"),
        ("DELETE", "/run_code", "POST"),
    ],
)
def test_a_method_that_a_path_has_not_is_answered_with_those_it_has(app, method, path, methods):
    refused = TestClient(app).request(method, path)

    assert (refused.status_code, refused.headers["allow"]) == (405, methods)
    assert refused.json()["code"] == "method_not_allowed"


NUMBERS = {"integer": (False, "1"), "number": (True, "1"), "boolean": (0, "true")}
"""What is none of a type, and could be taken for one."""


@pytest.mark.parametrize(
    "model",
    [CheckAgain, NewCandidate, SamplePlan, NewGroup, ExecuteRequest, Limits, CallTest, StdioTest,
     ProgramTest, LeaseRequest, Lease, HeartbeatRequest, NewCheckpoint],
)  # fmt: skip
def test_what_is_no_number_is_not_taken_for_one(model):
    tried = 0
    for name, schema in model.model_json_schema()["properties"].items():
        types = {one.get("type") for one in (schema, *schema.get("anyOf", ()))}
        for wrong in (wrong for kind in types & NUMBERS.keys() for wrong in NUMBERS[kind]):
            with pytest.raises(ValidationError) as refused:
                model.model_validate({name: wrong})
            assert (name,) in [error["loc"] for error in refused.value.errors()], (name, wrong)
            tried += 1
    assert tried


def test_a_whole_number_may_be_written_with_a_fraction():
    assert Limits.model_validate({"memory_bytes": 1e9}).memory_bytes == 10**9


def test_every_bound_has_the_name_that_json_schema_knows(document):
    def keys(part):
        if isinstance(part, dict):
            yield from part
        for inner in part.values() if isinstance(part, dict) else part:
            if isinstance(inner, dict | list):
                yield from keys(inner)

    assert not {"ge", "gt", "le", "lt", "multiple_of"} & set(keys(document["paths"]))
    for schema in document["components"]["schemas"].values():
        for one in schema.get("properties", {}).values():
            assert not {"ge", "gt", "le", "lt"} & set(keys(one)), one


CALL = {"kind": "call", "function": "f", "expected": 1}
MAIN = {"kind": "program", "source": "main();"}
STUDENT = {"author": "student", "program": "x"}
PLAN = {"author": "student", "backend": "replay", "num_samples": 1}


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (NewGroup, {}),
        (NewGroup, {"candidates": [], "samples": []}),
        (NewGroup, {"candidates": [STUDENT]}),
        (NewGroup, {"candidates": [], "samples": [PLAN]}),
        (ExecuteRequest, {"programs": ["x"]}),
        (ExecuteRequest, {"programs": ["x"], "problem": None}),
        (ExecuteRequest, {"programs": ["x"], "problem": "a", "tests": [], "image": "std"}),
        (ExecuteRequest, {"programs": ["x"], "problem": "a", "limits": Limits().model_dump()}),
        (ExecuteRequest, {"programs": ["x"], "problem": "a", "limits": {"cpu_seconds": 1}}),
        (ExecuteRequest, {"programs": ["x"], "problem": "a", "tests": [CALL]}),
        (ExecuteRequest, {"programs": ["x"], "problem": "a", "entry_point": "f"}),
        (ExecuteRequest, {"programs": ["x"], "problem": None, "tests": [CALL]}),
        (ExecuteRequest, {"programs": ["x"], "language": "c", "tests": [MAIN]}),
        (ExecuteRequest, {"programs": ["x"], "language": "c", "tests": [{"source": "x"}]}),
        (
            ExecuteRequest,
            {"programs": ["x"], "language": "c", "tests": [MAIN | {"files": {"a.h": "x"}}]},
        ),
        (
            ExecuteRequest,
            {"programs": ["x"], "language": "c", "tests": [MAIN | {"files": {"ä": "x"}}]},
        ),
    ],
)
def test_the_document_states_rules_across_fields(document, model, fields):
    schema = {"$ref": f"#/components/schemas/{model.__name__}", **document}
    try:
        model.model_validate(fields)
        is_taken = True
    except ValidationError:
        is_taken = False

    assert jsonschema_rs.is_valid(schema, fields) is is_taken


def test_parameters_of_borrowed_interfaces_are_ignored_as_there(app):
    assert TestClient(app).get("/v1/ping?x=1").json() == "pong"
