"""Random requests of every operation of the OpenAPI document, well-formed and not."""

import random
from collections import Counter

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.errors import InvalidSchema
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

WAITS = "wait_seconds"
_TURNS = 50
_CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)


class Fuzz:
    """Sends requests and counts the answers; each must be one that the document tells of."""

    def __init__(self, url, key, existing):
        """Take the API's address, a key, and values of path parameters that exist."""
        self._url = url
        self._existing = existing
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {key}"
        document = self._session.get(f"{url}/openapi.json", timeout=30).json()
        schema = schemathesis.openapi.from_dict(document)
        self.operations = [found.ok() for found in schema.get_all_operations()]
        self.answers = Counter()
        """Number of answers by (operation, status)."""

    def run(self, cases, number):
        """Send at least so many requests, the same ones for the same number."""
        modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
        untried = {operation.label for operation in self.operations}
        while (left := cases - self.answers.total()) > 0:
            # Operations without parameters can be asked in one way only; the others make up for it.
            each = -(-left // (len(self.operations) * len(modes)))
            for operation in self.operations:
                for mode in modes:
                    self._run_one(operation, mode, each, number)
            number += 1_000
        untried -= {label for label, _ in self.answers}
        assert not untried, f"no request could be made for {untried}"

    def _run_one(self, operation, mode, most, number):
        goal = self.answers.total() + most
        for turn in range(_TURNS):
            try:
                self._turn(operation, mode, goal - self.answers.total(), number + turn)
            except Unsatisfiable:
                return  # Nothing is wrong that could be asked of it: it has no parameters.
            except InvalidSchema:
                # schemathesis cannot carry out every change of a nested list that it decides on;
                # what it has made so far was sent, and another beginning makes the rest.
                if self.answers.total() < goal:
                    continue
            return

    def _turn(self, operation, mode, most, number):
        chance = random.Random(number)

        @seed(number)
        @settings(
            max_examples=most,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def send(case):
            self._send(case, chance)

        send()

    def _send(self, case, chance):
        if isinstance(case.body, dict) and isinstance(case.body.get(WAITS), int | float):
            case.body[WAITS] = min(case.body[WAITS], 1)
        # A stream of what exists does not end.
        if chance.random() < 0.5 and not case.path.endswith("/events"):
            for name in case.path_parameters or ():
                case.path_parameters[name] = self._existing.get(name, "unknown")
        answer = case.call(base_url=self._url, session=self._session, timeout=120)
        self.answers[case.operation.label, answer.status_code] += 1
        case.validate_response(answer, checks=_CHECKS)
        if answer.status_code >= 400 and "/api/v2" not in case.path:
            assert answer.headers["content-type"] == ["application/problem+json"], case.path

    def report(self):
        """Say in lines what was answered."""
        by_operation = {}
        for (operation, status), count in sorted(self.answers.items()):
            by_operation.setdefault(operation, []).append(f"{status} x {count}")
        return [f"{name:<50} {', '.join(found)}" for name, found in by_operation.items()]
