"""The pages of reference, written from the code: `python -m services.reference FOLDER`."""

import ast
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from prometheus_client.metrics import MetricWrapperBase
from typer.cli import get_docs_for_click

from infra import errors
from infra.db.unit_of_work import Database
from infra.observability import metrics
from services.api.app import BORROWED, MODULES, create_app
from services.api.keys import Needs
from services.cli.main import app as command_line
from services.remedies import REMEDIES

_ROOT = Path(__file__).parents[1]
_ROOMS = ("infra", "executor", "sampler", "ranker", "trainer", "services")
_CODE = '    code = "'
"""How a class says its code; most files need not be parsed for it."""
_SOURCE = "<!-- Written from the code by `make reference`; a test holds it current. -->\n\n"


def pages() -> dict[str, str]:
    """Return every page of reference by its file name."""
    return {
        "api.md": _api(_application()),
        "commands.md": _commands(),
        "errors.md": _errors(),
        "metrics.md": _metrics(),
    }


def _application() -> FastAPI:
    """Build the API over servers that nobody asks anything."""
    return create_app(Database("postgresql://none"), "redis://none", None, 2**26)


def _table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(_cell(text) for text in line)} |\n" for line in lines) + "\n"


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|").strip()


def _api(app: FastAPI) -> str:
    document = app.openapi()
    scopes = {
        (method.lower(), route.path): _scope(route.dependant)
        for module in (*MODULES, *BORROWED)
        for route in module.router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    by_tag: dict[str, list[Sequence[str]]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            row = (
                f"`{method.upper()} {path}`",
                scopes.get((method, path), "no key"),
                operation.get("description", ""),
                _asked(operation),
                _answered(operation),
            )
            by_tag.setdefault(operation["tags"][0], []).append(row)
    text = (
        "# REST API\n\n"
        + _SOURCE
        + "A running API shows the same at `/docs`, with examples to try,"
        " and as OpenAPI 3.1 at `/openapi.json`. Errors are [problem details](errors.md).\n\n"
    )
    for tag, rows in by_tag.items():
        text += f"## {tag}\n\n"
        text += _table(("request", "scope", "", "takes", "answers"), iter(rows))
    return text + _objects(document["components"]["schemas"])


def _scope(dependant: Dependant) -> str:
    found = [
        f"`{one.call.scope.value}`" for one in dependant.dependencies if isinstance(one.call, Needs)
    ]
    return ", ".join(found) or "any"


def _asked(operation: Mapping[str, Any]) -> str:
    asked = [
        f"`{one['name']}`"
        for one in operation.get("parameters", ())
        if one["in"] in ("query", "header") and one["name"] != "authorization"
    ]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    return ", ".join(([_type(body["schema"])] if body else []) + asked)


def _answered(operation: Mapping[str, Any]) -> str:
    answers = []
    for status, answer in operation["responses"].items():
        if status < "3":
            content = answer.get("content", {}).get("application/json", {})
            answers.append(f"{status} {_type(content.get('schema', {}))}".strip())
    return ", ".join(answers)


def _type(schema: Mapping[str, Any]) -> str:
    """Say what a JSON schema takes, in a few words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "const" in schema:
        return f"`{schema['const']}`"
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(_type(one) for one in schema[several])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    named = schema.get("format") or schema.get("type")
    return str(named or "")


def _objects(schemas: Mapping[str, Any]) -> str:
    text = "# Objects\n\n"
    for name, schema in sorted(schemas.items()):
        text += f"## {name}\n\n"
        if schema.get("description"):
            text += schema["description"] + "\n\n"
        if "enum" in schema:
            text += ", ".join(f"`{value}`" for value in schema["enum"]) + "\n\n"
        elif schema.get("properties"):
            text += _table(("field", "type", "default", ""), _fields(schema))
    return text.rstrip() + "\n"


def _fields(schema: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    needed = schema.get("required", ())
    for name, field in schema["properties"].items():
        default = json.dumps(field["default"]) if "default" in field else ""
        shown = "required" if name in needed else default and f"`{default}`"
        yield f"`{name}`", _type(field), shown, field.get("description", "")


def _commands() -> str:
    group = typer.main.get_group(command_line)
    text = get_docs_for_click(obj=group, ctx=typer.Context(group), name="rrtf")
    return _SOURCE + text.rstrip() + "\n"


def _errors() -> str:
    text = (
        "# Errors, and what to do\n\n" + _SOURCE + "Errors of the API are"
        " `application/problem+json` (RFC 9457):"
        " `type`, `title`, `status`, `detail`, `code`, and for `invalid_input` the fields at fault"
        " in `errors`. Match on `code`; texts may change. The command prints the code in brackets"
        " and ends with 1. Those without a status are reasons of what was set aside:"
        " `rrtf quarantine` lists it.\n\n"
    )
    of_api = {one.code: one for one in _below(errors.SuiteError)}
    rows = (
        (
            f"`{code}`",
            str(of_api[code].status) if code in of_api else "",
            said,
            REMEDIES[code],
        )
        for code, said in sorted(codes().items())
    )
    return text + _table(("code", "status", "", "what to do"), rows).rstrip() + "\n"


def _below(kind: type[errors.SuiteError]) -> Iterator[type[errors.SuiteError]]:
    # Other rooms raise narrower ones of their own, some of which share a code.
    if kind.__module__ == errors.__name__:
        yield kind
        for one in kind.__subclasses__():
            yield from _below(one)


def codes() -> dict[str, str]:
    """Return every code of an error in the source, with what its class says of itself."""
    found = {errors.SuiteError.code: errors.SuiteError.__doc__ or ""}
    for room in _ROOMS:
        for path in sorted((_ROOT / room).rglob("*.py")):
            text = path.read_text()
            if _CODE not in text:
                continue
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.ClassDef) and (code := _code_of(node)):
                    found.setdefault(code, ast.get_docstring(node) or "")
    return found


def _code_of(node: ast.ClassDef) -> str | None:
    for line in node.body:
        if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == "code":
            value = ast.literal_eval(line.value)
            return value if isinstance(value, str) else None
    return None


def _metrics() -> str:
    text = (
        "# Metrics\n\n" + _SOURCE + "The API shows them at `/metrics`, every other process at"
        " `RRTF_METRICS_PORT`. Histograms have `_bucket`, `_sum` and `_count`.\n\n"
    )
    rows = []
    for one in vars(metrics).values():
        if isinstance(one, MetricWrapperBase):
            (told,) = one.describe()
            # The library has no public way to ask for the names of labels.
            labels = ", ".join(f"`{label}`" for label in one._labelnames)
            ending = "_total" if told.type == "counter" else ""
            rows.append((f"`{told.name}{ending}`", told.type, labels, told.documentation))
    return text + _table(("name", "kind", "labels", ""), iter(sorted(rows))).rstrip() + "\n"


def main(folder: Path) -> None:
    """Write the pages."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
