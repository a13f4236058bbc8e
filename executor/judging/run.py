"""One candidate against one suite: runs every test and says what became of it."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from executor.judging import compare, verdicts
from executor.judging.answers import brief, judged
from executor.judging.asserting import AssertRun, Found
from executor.judging.calls import Plain
from executor.judging.checking import Checkers
from executor.judging.host import CompileFailed, FunctionHost, while_compiling
from executor.judging.items import NO_TEST_RAN, OUTSIDE
from executor.judging.limits.allowances import GRACE
from executor.judging.limits.metering import Meter, Spending
from executor.judging.native.runner import judge_output
from executor.judging.programs.learnt import Learnt
from executor.judging.shared import sharing
from executor.judging.shared.guarding import Guard, Ran
from executor.judging.shared.readying import Draws
from executor.judging.shared.sharing import SharedRun
from executor.sandbox.ended import Ended, describe_status
from executor.sandbox.jail import Jail, Sandbox
from infra.contracts.base import Integrity, IntegrityRule, Outcome
from infra.contracts.execution import Guards, Suite, TestResult
from infra.contracts.problems import (
    AssertTest,
    CallTest,
    Limits,
    StdioTest,
    TestCase,
    ValueComparator,
)
from infra.contracts.values import tagged
from infra.contracts.values.encoding import encode


class Asserts(NamedTuple):
    """What is known of the assert tests before any candidate is there."""

    sites: list[int]
    plain: list[Plain]
    read: list[dict[str, Any]]
    """What the process that read a test has found, for those that run it."""
    integrity: Integrity = Integrity.ISOLATED
    found: tuple[Found, ...] = ()
    """Of each test what was found with a reference program that passed."""
    guards: tuple[Guard | None, ...] = ()
    """What guards each of them, None where nothing does; empty if there is no reference program."""
    protection: Guards | None = None
    """The same of all shared tests together, for a reader."""
    programs: tuple[Learnt, ...] = ()
    """What is known of each program test."""


class Run:
    """Runs the tests of a suite against one candidate, once."""

    def __init__(
        self,
        sandbox: Sandbox,
        suite: Suite,
        limits: Limits,
        asserts: Asserts,
        source: str,
        host: FunctionHost,
        checkers: Checkers,
        meter: Meter,
        requests: Mapping[int, list[str]],
        draws: Draws,
    ) -> None:
        """`requests` is what `calls.stretches` makes of the suite; `draws` are of all its runs."""
        self._sandbox = sandbox
        self._suite = suite
        self._limits = limits
        self._asserts = asserts
        self._source = source
        self._host = host
        self._checkers = checkers
        self._meter = meter
        self._requests = requests
        self._draws = draws
        self._meter_of_tests = meter
        """Of test code that runs apart, one assert test after the other until one hangs."""
        self._compiled = False
        self._uncompiled: Ended | None = None
        """The limit that was met before the program was compiled for the first time."""
        self.found: list[Found] = []
        """Of each assert test what was found where its code ran."""

    def results(self) -> list[TestResult]:
        """Run every test.

        Raises:
            CompileFailed: the source does not compile.
            errors.SandboxError: the sandbox failed.
        """
        apart = [at for at, test in enumerate(self._suite.tests) if self._is_apart(test)]
        if apart:
            self._expect(apart[0])
            self._load()
        asserted = self._run_asserts()
        results: list[TestResult] = []
        for at, test in enumerate(self._suite.tests):
            self._host.forget_output()
            self._expect(at)
            if isinstance(test, CallTest):
                results.append(self._run_call(test))
            elif isinstance(test, StdioTest):
                results.append(self._run_stdio(test))
            else:
                results.extend(next(asserted))
        return results

    def _is_apart(self, test: TestCase) -> bool:
        """Tell whether a test calls functions of the candidate from another process."""
        shared = self._asserts.integrity is Integrity.SHARED
        return not isinstance(test, StdioTest) and not (isinstance(test, AssertTest) and shared)

    def _expect(self, at: int) -> None:
        """Prepare for the calls of this test and those after it, if they are known."""
        if at in self._requests:
            self._host.expect(self._requests[at])

    def _load(self) -> None:
        """Compile before any test; failures other than to compile show in the tests."""
        try:
            self._host.start()
        except Ended:
            return

    # Call tests.

    def _run_call(self, test: CallTest) -> TestResult:
        spending = Spending()
        try:
            answer = self._host.ask_next(spending)
            self._host.require_in_time(spending)
        except Ended as ended:
            return verdicts.result(ended.outcome, ended.detail, spending)
        if test.comparator is ValueComparator.CHECKER:
            return self._checked_call(test, answer, spending)
        expected = tagged.decode(test.expected)
        outcome, detail = judged(
            answer,
            lambda actual: compare.values_match(actual, expected, test.comparator, test.tolerance),
            lambda: f"expected {brief(expected)}",
        )
        return verdicts.result(outcome, detail, spending)

    def _checked_call(
        self, test: CallTest, answer: dict[str, Any], spending: Spending
    ) -> TestResult:
        args = [list(test.args), test.expected]

        def write_anew(actual: Any) -> bool:
            # What reaches the checker is ours to vouch for, down to the last byte.
            args.append(encode(actual))
            return True

        outcome, detail = judged(answer, write_anew, lambda: "plain data")
        if outcome is Outcome.PASSED and test.checker is not None:
            outcome, detail = self._checkers.ask(test.checker, args)
        return verdicts.result(outcome, detail, spending)

    # Standard input and output tests.

    def _run_stdio(self, test: StdioTest) -> TestResult:
        if self._uncompiled is not None:
            return verdicts.result(self._uncompiled.outcome, self._uncompiled.detail)
        try:
            cpu_left, _ = self._meter.require_left()
        except Ended as ended:
            return verdicts.result(ended.outcome, ended.detail)
        start = {"role": "program", "source": self._source}
        with self._sandbox.jail(start, self._limits, test.stdin) as jail:
            try:
                cpu = min(self._meter.allowed.cpu, cpu_left)
                outcome, detail = self._run_program(jail, test, cpu)
            except Ended as ended:
                outcome, detail = ended.outcome, ended.detail
            finally:
                self._meter.add(jail)
                self._host.stdout = self._host.stdout or jail.output("stdout")
                self._host.stderr = self._host.stderr or jail.output("stderr")
            return verdicts.result(outcome, detail, Spending.of(jail))

    def _run_program(self, jail: Jail, test: StdioTest, cpu: float) -> tuple[Outcome, str]:
        budget = self._meter.budget(jail, cpu * GRACE, self._meter.allowed.idle)
        try:
            with self._meter.watching(jail):
                compiled = jail.receive(budget)
        except Ended as ended:
            if self._compiled:
                raise
            meant = while_compiling(ended)
            self._uncompiled = meant if isinstance(meant, Ended) else None
            raise meant from ended
        if "compile_error" in compiled:
            raise CompileFailed(str(compiled["compile_error"]))
        self._compiled = True
        with self._meter.watching(jail):
            status = jail.wait(budget)
        self._meter.require_in_time(jail.cpu_seconds(), jail)
        if status != 0:
            last = verdicts.printable(jail.output("stderr")).strip().rpartition("\n")[2]
            memory = last.startswith("MemoryError")
            outcome = Outcome.MEMORY_LIMIT_EXCEEDED if memory else Outcome.RUNTIME_ERROR
            return outcome, f"{describe_status(status)}: {last}"
        return judge_output(jail.output("stdout"), test, self._checkers)

    # Assert tests.

    def _run_asserts(self) -> Iterator[list[TestResult]]:
        if self._asserts.integrity is Integrity.SHARED:
            yield from self._run_shared()
            return
        tests = [test for test in self._suite.tests if isinstance(test, AssertTest)]
        for position, (test, plain) in enumerate(zip(tests, self._asserts.plain, strict=True)):
            if plain is not None:
                self.found.append(Found())
                yield [self._run_plain(site) for site in plain]
            else:
                yield self._run_code(test, position)

    def _run_code(self, test: AssertTest, position: int) -> list[TestResult]:
        read = self._asserts.read[position]
        sandbox, start = self._sandbox, isolated_start(test, self._suite, read)
        if read["framework"]:
            sandbox = sharing.sandbox_of(self._sandbox, self._suite.image)
        known = self._asserts.found[position] if self._asserts.found else None
        # Only the reference program runs before it is known what it passes.
        decides = self._suite.integrity is IntegrityRule.AUTO
        is_reference = known is None and decides and self._suite.reference_program is not None
        if not self._meter_of_tests.has_hung:
            self._meter_of_tests = Meter(self._limits, deadline=self._meter.deadline)
        run = AssertRun(sandbox, self._meter_of_tests, self._host)
        results = run.run(start, known, is_reference)
        self.found.append(run.found)
        return results

    def _run_shared(self) -> Iterator[list[TestResult]]:
        sandbox = sharing.sandbox_of(self._sandbox, self._suite.image)
        tests = [test for test in self._suite.tests if isinstance(test, AssertTest)]
        has_run = False
        for position, test in enumerate(tests):
            if self._asserts.found and not self._asserts.found[position].passed:
                self.found.append(Found())
                yield []  # Its authors skip all of it here.
                continue
            run = SharedRun(sandbox, self._meter)
            results = self._run_guarded(run, position, test)
            has_run = has_run or bool(results)
            if not has_run and position == len(tests) - 1:
                results = [verdicts.result(Outcome.RUNTIME_ERROR, NO_TEST_RAN)]
            self.found.append(Found(run.passed))
            self._host.stdout = self._host.stdout or run.stdout
            self._host.stderr = self._host.stderr or run.stderr
            yield results

    def _run_guarded(self, run: SharedRun, position: int, test: AssertTest) -> list[TestResult]:
        start = sharing.start_of(test, self._suite, self._source)
        guard = self._asserts.guards[position] if self._asserts.guards else None
        own, arrangement = self._draws.next(position, start, guard)
        start |= own
        if guard is None or arrangement is None:
            known = self._asserts.found[position].passed if self._asserts.found else None
            # Only the reference program runs before it is known what it passes.
            is_reference = known is None and self._suite.reference_program is not None
            return run.run(start, known, is_reference)
        run.run(start, guard.known(arrangement), False, guard.comparison(arrangement))
        outside = [run.told[OUTSIDE]] if OUTSIDE in run.told else []
        return guard.results(arrangement, Ran(run.told, run.compared)) + outside

    def _run_plain(self, site: Mapping[str, Any]) -> TestResult:
        self._host.forget_output()
        spending = Spending()
        try:
            answer = self._host.ask_next(spending)
            self._host.require_in_time(spending)
        except Ended as ended:
            return verdicts.result(ended.outcome, ended.detail, spending)
        expected, tolerance = (tagged.decode(site.get(key)) for key in ("expected", "tolerance"))
        relation = site["relation"]
        if relation in ("true", "false") and answer.get("true") is True:
            answer = {"value": True}  # As any object is that says nothing else.
        outcome, detail = judged(
            answer,
            lambda actual: compare.relation_holds(relation, actual, expected, tolerance),
            lambda: (
                "expected what is "
                + (relation if relation in ("true", "false") else brief(expected))
            ),
        )
        return verdicts.result(outcome, detail, spending)


def isolated_start(test: AssertTest, suite: Suite, read: dict[str, Any]) -> dict[str, Any]:
    """Return what a process begins with that runs test code which has been read."""
    return {
        **read,
        "check": test.check,
        "module": test.module,
        "entry_point": suite.entry_point,
    }
