"""Which methods a path has, for all that is said of it anywhere in the interface."""

import re
from collections import defaultdict
from collections.abc import Iterable
from typing import Protocol

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from services.api.problem_details import respond


class Module(Protocol):
    """A module of endpoints."""

    router: APIRouter


class KnownMethods:
    """Answers 405 where a path does not have the method, and names all methods that it has.

    The router takes the first route that fits: it would name the methods of that one alone, and
    read what has a path of its own, such as `/v1/groups/bulk`, as an id of another.
    """

    def __init__(self, app: ASGIApp, modules: Iterable[Module]) -> None:
        self._app = app
        self._methods: defaultdict[str, set[str]] = defaultdict(set)
        self._patterns: dict[str, re.Pattern[str]] = {}
        for module in modules:
            for route in module.router.routes:
                if isinstance(route, APIRoute):
                    self._methods[route.path].update(route.methods or ())
                    self._patterns[route.path] = route.path_regex

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it."""
        if scope["type"] == "http":
            path, method = scope["path"], scope["method"]
            methods = self._of(path)
            if methods and method not in methods:
                detail = f"{method} {path}: Method Not Allowed"
                headers = {"Allow": ", ".join(sorted(methods))}
                await respond(405, "method_not_allowed", detail, headers=headers)(
                    scope, receive, send
                )
                return
        await self._app(scope, receive, send)

    def _of(self, path: str) -> set[str]:
        if path in self._methods:
            return self._methods[path]
        fitting = (self._methods[own] for own, one in self._patterns.items() if one.match(path))
        return set().union(*fitting)
