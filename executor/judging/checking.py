"""Custom checkers: a program that came with a test decides whether an answer is right."""

import contextlib
from typing import Any

from executor.judging.asserting import CheckerFailed
from executor.judging.host import CompileFailed, FunctionHost
from executor.judging.limits.metering import Meter, Spending
from executor.sandbox.ended import Ended
from executor.sandbox.jail import Sandbox
from infra.contracts.base import Outcome
from infra.contracts.problems import Limits


class Checkers:
    """The checkers that one candidate's tests need, each in a jail of its own; a context manager.

    They are started when they are first asked, and end with the candidate: what one candidate's
    answers do to a checker is no other's trouble.
    """

    def __init__(self, sandbox: Sandbox, limits: Limits) -> None:
        self._sandbox = sandbox
        self._limits = limits
        self._stack = contextlib.ExitStack()
        self._hosts: dict[str, FunctionHost] = {}
        self._asked = 0

    def __enter__(self) -> "Checkers":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def ask(self, source: str, args: list[Any]) -> tuple[Outcome, str]:
        """Ask `check(*args)`, the arguments tagged JSON.

        Raises:
            CheckerFailed: it did not say True or False. Whether the answer is right is not known
                then, whatever the answer was: to be ready for any is the checker's part.
        """
        host = self._hosts.get(source)
        if host is None:
            host = FunctionHost(self._sandbox, source, self._limits, Meter(self._limits))
            self._hosts[source] = self._stack.enter_context(host)
        self._asked += 1
        request = {"op": "call", "id": self._asked, "function": "check", "given": [args, {}]}
        try:
            spending = Spending()
            answer = host.ask(request, spending)
            host.require_in_time(spending)
        except (Ended, CompileFailed) as error:
            raise CheckerFailed(f"the checker failed: {error}") from error
        if "raised" in answer:
            raise CheckerFailed(f"the checker failed: {answer['text']}")
        match answer.get("value"):
            case True:
                return Outcome.PASSED, ""
            case False:
                return Outcome.WRONG_ANSWER, "the checker says no"
        raise CheckerFailed("the checker returned neither True nor False")
