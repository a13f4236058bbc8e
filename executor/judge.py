"""The judge: runs a candidate against a suite and says what it measured."""

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from executor import compare, verdicts
from executor.guest import values
from executor.host import CompileFailed, FunctionHost, Meter, Spending
from executor.jail import Budget, Ended, Jail, Sandbox, describe_status
from infra import errors
from infra.contracts.base import Outcome
from infra.contracts.execution import Suite, TestResult, Verdict
from infra.contracts.problems import AssertTest, CallTest, StdioTest


class SuiteBroken(errors.SuiteError):
    """The tests themselves cannot be run, whatever the candidate."""

    code = "suite_broken"
    status = 422


class Judge:
    """Judges candidates of one suite, one after the other."""

    def __init__(self, sandbox: Sandbox, suite: Suite, version: str) -> None:
        """Count the tests of the suite.

        Raises:
            SuiteBroken: the test code does not compile, or contains no test.
        """
        self._sandbox = sandbox
        self._suite = suite
        self._version = version
        self._limits = suite.limits
        self._asserts = [test for test in suite.tests if isinstance(test, AssertTest)]
        self._sites, self._plain = self._read_asserts()
        self.total = sum(self._sites) + len(suite.tests) - len(self._asserts)
        """Number of tests; each assert site counts as one."""

    def _driver_start(self) -> dict[str, Any]:
        return {
            "role": "driver",
            "tests": [{"source": test.source, "check": test.check} for test in self._asserts],
            "entry_point": self._suite.entry_point,
        }

    def _read_asserts(self) -> tuple[list[int], list[list[dict[str, Any]] | None]]:
        """Have the test code read in a jail: its sites counted, the plain ones described."""
        if not self._asserts:
            return [], []
        start = {**self._driver_start(), "describe": True}
        with self._sandbox.jail(start, self._limits) as driver:
            try:
                return self._receive_sites(driver)
            except Ended as ended:
                raise SuiteBroken(f"the test code cannot be read: {ended.detail}") from ended

    def _receive_sites(self, driver: Jail) -> tuple[list[int], list[list[dict[str, Any]] | None]]:
        limits = self._limits
        first = driver.receive(driver.budget(limits.total_cpu_seconds, limits.total_wall_seconds))
        if "sites" not in first:
            raise SuiteBroken(str(first.get("broken", "the test code cannot be read")))
        sites = [int(count) for count in first["sites"]]
        if not all(sites):
            raise SuiteBroken("an assert test contains no assert")
        return sites, first["plain"]

    def judge(self, source: str) -> Verdict:
        """Label one program.

        Raises:
            errors.SandboxError: the sandbox failed; nothing is known about the program.
        """
        refusal = refuse_bytes(source)
        if refusal:
            return verdicts.compile_error(refusal, self.total, self._version)
        meter = Meter(self._limits)
        results: list[TestResult] = []
        with (
            self._driver() as driver,
            FunctionHost(self._sandbox, source, self._limits, meter) as host,
        ):
            try:
                if any(not isinstance(test, StdioTest) for test in self._suite.tests):
                    self._load(host)
                results = self._run_all(host, source, meter, driver)
            except CompileFailed as failure:
                host.stop()
                return verdicts.compile_error(
                    str(failure), self.total, self._version, meter.usage()
                )
        stdout, stderr = host.stdout, host.stderr
        return verdicts.judged(results, meter.usage(), self._version, stdout, stderr)

    @staticmethod
    def _load(host: FunctionHost) -> None:
        """Compile before any test; failures other than to compile show in the tests."""
        try:
            host.start()
        except Ended:
            return

    @contextlib.contextmanager
    def _driver(self) -> Iterator[Jail | None]:
        """Start the test code's process beside the candidate's, where there is test code."""
        if all(described is not None for described in self._plain):
            yield None
            return
        with self._sandbox.jail(self._driver_start(), self._limits) as driver:
            yield driver

    def _run_all(
        self, host: FunctionHost, source: str, meter: Meter, driver: Jail | None
    ) -> list[TestResult]:
        asserted = self._run_asserts(host, driver)
        results: list[TestResult] = []
        for test in self._suite.tests:
            host.forget_output()
            if isinstance(test, CallTest):
                results.append(self._run_call(host, test, len(results)))
            elif isinstance(test, StdioTest):
                results.append(self._run_stdio(host, source, test, meter))
            else:
                results.extend(next(asserted))
        return results

    # Call tests.

    def _run_call(self, host: FunctionHost, test: CallTest, number: int) -> TestResult:
        spending = Spending()
        request = {
            "op": "call",
            "id": number,
            "function": test.function or self._suite.entry_point,
            "args": list(test.args),
            "kwargs": test.kwargs,
        }
        try:
            answer = host.ask(request, spending)
        except Ended as ended:
            return verdicts.result(ended.outcome, ended.detail, spending.cpu, spending.wall)
        expected = values.decode(test.expected)
        outcome, detail = self._judged(
            answer,
            lambda actual: compare.values_match(actual, expected, test.comparator, test.tolerance),
            f"expected {_brief(expected)}",
        )
        return verdicts.result(outcome, detail, spending.cpu, spending.wall)

    @staticmethod
    def _judged(
        answer: dict[str, Any],
        holds: Callable[[Any], bool],
        wanted: str,
        opaque: Outcome = Outcome.WRONG_ANSWER,
    ) -> tuple[Outcome, str]:
        """Turn the answer to a call into an outcome; `opaque` is that of what is not plain data."""
        raised = answer.get("raised")
        if raised is not None:
            memory = isinstance(raised, dict) and raised.get("memory") is True
            text = str(raised.get("text") if isinstance(raised, dict) else raised)
            return (Outcome.MEMORY_LIMIT_EXCEEDED if memory else Outcome.RUNTIME_ERROR), text
        if "value" not in answer:
            return opaque, str(answer.get("opaque", "the process sent no value"))
        try:
            actual = values.decode(answer["value"])
        except (values.NotPlain, RecursionError) as error:
            return Outcome.RUNTIME_ERROR, f"malformed value: {error}"
        try:
            if holds(actual):
                return Outcome.PASSED, ""
        except (TypeError, OverflowError) as error:
            return Outcome.RUNTIME_ERROR, f"the answer {_brief(actual)}: {error}"
        return Outcome.WRONG_ANSWER, f"got {_brief(actual)}, {wanted}"

    # Standard input and output tests.

    def _run_stdio(
        self, host: FunctionHost, source: str, test: StdioTest, meter: Meter
    ) -> TestResult:
        cpu_left, wall_left = meter.left()
        if cpu_left <= 0 or wall_left <= 0:
            return verdicts.result(
                Outcome.TIME_LIMIT_EXCEEDED, "the candidate's total time is used up"
            )
        start = {"role": "program", "source": source}
        began = time.monotonic()
        with self._sandbox.jail(start, self._limits, test.stdin) as jail:
            try:
                outcome, detail = self._run_program(
                    jail, test, min(self._limits.cpu_seconds, cpu_left)
                )
            except Ended as ended:
                outcome, detail = ended.outcome, ended.detail
            finally:
                meter.add(jail)
                host.stdout = host.stdout or jail.output("stdout")
                host.stderr = host.stderr or jail.output("stderr")
            return verdicts.result(outcome, detail, jail.cpu_seconds(), time.monotonic() - began)

    def _run_program(self, jail: Jail, test: StdioTest, cpu: float) -> tuple[Outcome, str]:
        budget = jail.budget(cpu, self._limits.wall_seconds)
        try:
            compiled = jail.receive(budget)
        except Ended as ended:
            raise CompileFailed(f"the compiler failed: {ended.detail}") from ended
        if "compile_error" in compiled:
            raise CompileFailed(str(compiled["compile_error"]))
        status = jail.wait(budget)
        if status != 0:
            last = verdicts.printable(jail.output("stderr")).strip().rpartition("\n")[2]
            memory = last.startswith("MemoryError")
            outcome = Outcome.MEMORY_LIMIT_EXCEEDED if memory else Outcome.RUNTIME_ERROR
            return outcome, f"{describe_status(status)}: {last}"
        actual = jail.output("stdout").decode("utf-8", "replace")
        if compare.texts_match(actual, test.expected_stdout, test.comparator, test.tolerance):
            return Outcome.PASSED, ""
        return Outcome.WRONG_ANSWER, f"printed {actual[:200]!r}"

    # Assert tests.

    def _run_asserts(self, host: FunctionHost, driver: Jail | None) -> Iterator[list[TestResult]]:
        if driver is not None and self._receive_sites(driver)[0] != self._sites:
            raise errors.SandboxError("the driver counted the tests differently")
        limits = self._limits
        budget: Budget | None = None
        if driver is not None:
            budget = driver.budget(limits.total_cpu_seconds, limits.total_wall_seconds)
        for position, (count, described) in enumerate(zip(self._sites, self._plain, strict=True)):
            if described is not None:
                yield [self._run_plain(host, site, number) for number, site in enumerate(described)]
            elif driver is not None and budget is not None:
                yield _AssertRun(driver, host, budget, count).run(position)

    def _run_plain(self, host: FunctionHost, site: dict[str, Any], number: int) -> TestResult:
        host.forget_output()
        spending = Spending()
        request = {
            "op": "call",
            "id": number,
            **{key: site[key] for key in ("function", "args", "kwargs")},
        }
        try:
            answer = host.ask(request, spending)
        except Ended as ended:
            return verdicts.result(ended.outcome, ended.detail, spending.cpu, spending.wall)
        expected, tolerance = (values.decode(site.get(key)) for key in ("expected", "tolerance"))
        relation = site["relation"]
        outcome, detail = self._judged(
            answer,
            lambda actual: compare.relation_holds(relation, actual, expected, tolerance),
            "expected what is " + (relation if relation in ("true", "false") else _brief(expected)),
            # An object is true, as for the interpreter.
            Outcome.PASSED if relation == "true" else Outcome.WRONG_ANSWER,
        )
        return verdicts.result(outcome, detail, spending.cpu, spending.wall)


class _AssertRun:
    """One assert test: relays what the driver asks to the candidate, and collects its findings."""

    def __init__(self, driver: Jail, host: FunctionHost, budget: Budget, count: int) -> None:
        self._driver = driver
        self._host = host
        self._budget = budget
        self._sites: list[tuple[Outcome, str] | None] = [None] * count
        self._spending = {number: Spending() for number in range(-1, count)}
        self._current = 0

    def run(self, position: int) -> list[TestResult]:
        try:
            self._driver.send({"run": position}, self._budget)
            while self._step(self._driver.receive(self._budget)):
                pass
        except Ended as ended:
            self._driver_ended(ended)
        return [
            verdicts.result(
                *(site or (Outcome.NOT_RUN, "the test code did not reach it")),
                self._spending[number].cpu,
                self._spending[number].wall,
            )
            for number, site in enumerate(self._sites)
        ]

    def _step(self, message: dict[str, Any]) -> bool:
        if "ask" in message:
            site = message.get("site")
            self._current = site if isinstance(site, int) else -1
            self._relay(message["ask"], self._spending[self._current])
            return True
        if "site" in message:
            self._sites[message["site"]] = _finding(message["result"])
            self._host.forget_output()
            return True
        self._sites = [_finding(found) for found in message["done"]]
        return False

    def _relay(self, request: dict[str, Any], spending: Spending) -> None:
        waited = time.monotonic()
        try:
            answer = self._host.ask(request, spending)
        except Ended as ended:
            answer = {"failed": ended.outcome.value, "detail": ended.detail}
        # The driver's clock stands still while the candidate has the turn.
        self._budget.wall_until += time.monotonic() - waited
        self._driver.send(answer, self._budget)

    def _driver_ended(self, ended: Ended) -> None:
        """The test code itself crashed or met a limit: charge the first site without a result."""
        for number, site in enumerate(self._sites):
            if site is None:
                self._sites[number] = (ended.outcome, f"the test code: {ended.detail}")
                return
        self._sites[-1] = (ended.outcome, f"the test code: {ended.detail}")


def _finding(found: Sequence[str]) -> tuple[Outcome, str]:
    return Outcome(found[0]), str(found[1])


def _brief(value: Any) -> str:
    text = repr(value) if not isinstance(value, int) or value.bit_length() < 1000 else hex(value)
    return text if len(text) <= 200 else text[:200] + "..."


def refuse_bytes(source: str) -> str | None:
    """Say why a source cannot be compiled, before any process is started for it.

    Python 3.11 cuts a source file at a NUL byte, so that what runs would not be what was checked.
    """
    if "\x00" in source:
        return "ValueError: source code cannot contain null bytes"
    try:
        source.encode()
    except UnicodeEncodeError as error:
        return f"UnicodeEncodeError: the source is not valid Unicode ({error.reason})"
    return None
