"""The test code's own process: counts its sites, runs it, judges every site by itself.

The candidate is reached through proxies only; what comes back is plain data that this process
compares. The supervisor relays the requests and watches the limits of both sides.
"""

import ast
import functools
import importlib
import random
import sys
import types
import warnings
from collections.abc import Callable
from typing import Any

from executor.guest import sites
from executor.guest.channel import Channel
from executor.guest.compiling import describe
from executor.guest.link import Link
from executor.guest.plain import plain_sites
from executor.guest.proxies import CandidateFailure

Result = list[str]
"""Outcome and detail of one site."""


def serve(fd: int, start: dict[str, Any]) -> None:
    """Count the sites of every test, and run them if asked to."""
    warnings.simplefilter("ignore")
    channel = Channel(fd)
    suites, described = [], []
    for position, test in enumerate(start["tests"]):
        try:
            tree, count = sites.instrument(test["source"])
            described.append(
                plain_sites(test["source"], test.get("check"), start.get("entry_point"), count)
                if start.get("describe")
                else None
            )
            code = compile(tree, "<tests>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
            channel.send({"broken": f"test {position}: {describe(error)}"})
            return
        suites.append((test, code, count))
    channel.send({"sites": [count for _, _, count in suites], "plain": described})
    for position, (test, code, count) in enumerate(suites):
        order = channel.receive()
        if order.get("run") != position:
            return
        _Run(channel, test, count, start.get("entry_point")).run(code)


class _Site:
    """Context manager around one site: records how it ended and lets the test code go on."""

    def __init__(self, run: "_Run", number: int) -> None:
        self._run = run
        self._number = number

    def __enter__(self) -> None:
        self._run.current = self._number

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: object
    ) -> bool:
        self._run.current = None
        self._run.record(self._number, error)
        return not isinstance(error, (KeyboardInterrupt, GeneratorExit))


class _Run:
    """One execution of one test's code."""

    def __init__(
        self, channel: Channel, test: dict[str, Any], count: int, entry_point: str | None
    ) -> None:
        self._channel = channel
        self._test = test
        self._entry_point = entry_point
        self._results: list[Result | None] = [None] * count
        self._requests = 0
        self._link = Link(self._ask)
        self.current: int | None = None

    def run(self, code: types.CodeType) -> None:
        """Run the test's code and send what became of every site."""
        random.seed(0)
        try:
            self._execute(code)
        except BaseException as error:
            self._interrupted(error)
        self._channel.send(
            {
                "done": [
                    result or ["not_run", "the test code did not reach it"]
                    for result in self._results
                ]
            }
        )

    def record(self, number: int, error: BaseException | None) -> None:
        """Keep the first failure of a site, or that it passed."""
        known = self._results[number]
        if known is None or known[0] == "passed":
            result = judge(error)
            self._results[number] = result
            # The supervisor keeps a copy, for the case that this process is killed.
            self._channel.send({"site": number, "result": result})

    def _interrupted(self, error: BaseException) -> None:
        """Charge an exception between sites to the next site, or to the last if none is left."""
        open_sites = [i for i, result in enumerate(self._results) if result is None]
        if self._results:
            number = open_sites[0] if open_sites else len(self._results) - 1
            result = judge(error)
            self._results[number] = (
                result if result[0] != "wrong_answer" else ["runtime_error", result[1]]
            )

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        self._requests += 1
        self._channel.send({"ask": {**request, "id": self._requests}, "site": self.current})
        answer: dict[str, Any] = self._channel.receive()
        if "failed" in answer:
            raise CandidateFailure(answer["failed"], answer["detail"])
        return answer

    def _execute(self, code: types.CodeType) -> None:
        module = types.ModuleType("tests")
        sys.modules["tests"] = module
        namespace = module.__dict__
        namespace[sites.GUARD] = lambda number: _Site(self, number)
        self._bind(namespace)
        exec(code, namespace)  # noqa: S102 - running the test code is what this process is for
        if self._test.get("check"):
            namespace[self._test["check"]](self._link.named(self._entry_point or ""))
        else:
            self._run_test_functions(namespace)

    def _bind(self, namespace: dict[str, Any]) -> None:
        """Give the test code the names it expects to find beside it."""
        wanted = sites.free_names(self._test["source"])
        # A standard module is our own, even if the candidate has something of that name.
        for name in sorted(wanted & sys.stdlib_module_names):
            namespace[name] = importlib.import_module(name)
            wanted.discard(name)
        if self._entry_point and "." not in self._entry_point:
            wanted.discard(self._entry_point)
            namespace[self._entry_point] = self._link.named(self._entry_point)
        if wanted:
            namespace.update(self._link.names(sorted(wanted)))

    def _run_test_functions(self, namespace: dict[str, Any]) -> None:
        """Call what a test runner would: `test*` functions and `TestCase` classes."""
        for name, item in list(namespace.items()):
            if isinstance(item, type) and _is_test_case(item):
                self._guarded(functools.partial(self._run_test_case, item))
            elif (
                name.startswith("test")
                and isinstance(item, types.FunctionType)
                and not item.__code__.co_argcount
                and not _called_at_top(self._test["source"], name)
            ):
                self._guarded(item)

    def _guarded(self, function: Callable[[], object]) -> None:
        # One test function that fails between its sites must not stop the next function.
        try:
            function()
        except BaseException as error:
            self._interrupted(error)

    def _run_test_case(self, kind: type) -> None:
        names = [name for name in dir(kind) if name.startswith("test")]
        kind.setUpClass()  # type: ignore[attr-defined] # a unittest.TestCase
        for name in names:
            case = kind(name)
            case.setUp()
            getattr(case, name)()
            case.tearDown()


def _is_test_case(kind: type) -> bool:
    unittest = sys.modules.get("unittest")
    return unittest is not None and issubclass(kind, unittest.TestCase)


def _called_at_top(source: str, name: str) -> bool:
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
        for statement in ast.parse(source).body
        if not isinstance(statement, (ast.FunctionDef, ast.ClassDef))
        for node in ast.walk(statement)
    )


def judge(error: BaseException | None) -> Result:
    """Turn the end of a site into an outcome."""
    if error is None:
        return ["passed", ""]
    if isinstance(error, CandidateFailure):
        return [error.outcome, error.detail]
    if isinstance(error, AssertionError) and not getattr(error, "from_candidate", False):
        return ["wrong_answer", describe(error)]
    if isinstance(error, MemoryError):
        return ["memory_limit_exceeded", describe(error)]
    return ["runtime_error", describe(error)]
