"""Finds out what guards shared tests: siblings of them are derived, and a reference is run."""

import functools
import itertools
import secrets
from collections.abc import Callable, Sequence
from typing import Any

from executor.guest import placing
from executor.judging.limits.allowances import Allowance
from executor.judging.limits.metering import Meter, Spending
from executor.judging.shared import readying, sharing
from executor.judging.shared.arranging import Arrangement, Pattern
from executor.judging.shared.choosing import ALL_SECONDS, NoTime
from executor.judging.shared.guarding import Guard, Ran
from executor.judging.shared.reference import Mistaken, learn
from executor.sandbox.ended import Ended
from executor.sandbox.jail import Sandbox
from infra.contracts.base import Unguarded
from infra.contracts.execution import Guards, Suite
from infra.contracts.problems import MAX_WALL_SECONDS, AssertTest, Limits
from infra.contracts.values.composites import NotPlain

_ATTEMPTS = 5
"""How often it is asked which checks can be made outside, before none is."""
_LOADED = 2.0
"""How many times what the reference program takes to load them is added for siblings."""
_READ_BYTES = 64 * 2**20
"""What may be told of test code; it is no value of a candidate."""


def guards(
    sandbox: Sandbox,
    suite: Suite,
    limits: Limits,
    allowed: Allowance,
    names: Sequence[tuple[str, ...]],
    seconds: float,
) -> tuple[tuple[Guard | None, ...], Guards]:
    """Return what guards each assert test, None where nothing does, and the same for a reader.

    `names` are the tests of each that the reference program of the suite passes, in so many
    `seconds` together; `allowed` is what it may use for each, and for each changed copy.

    Raises:
        errors.SandboxError: the sandbox failed.
    """
    tests = [test for test in suite.tests if isinstance(test, AssertTest)]
    reference = suite.whole(suite.reference_program or "")
    limits = _generous(limits)
    found: list[Guard | None] = []
    sites, none_because = 0, None
    deriver = _Deriver(sandbox, suite, limits)
    for test, passed in zip(tests, names, strict=True):
        if not passed:
            found.append(None)  # Its authors skip all of it here.
            continue
        if placing.decide_outcomes(test.files):
            # What it makes of a copy, nobody knows.
            found.append(None)
            none_because = Unguarded.PLUGINS
            continue
        start = sharing.start_of(test, suite, reference)
        run = functools.partial(_run, sandbox, limits, allowed, start)
        pattern, guard, why_none = deriver.learnt(test, passed, run, seconds)
        sites += pattern.sites if pattern else 0
        none_because = why_none or none_because
        found.append(guard)
    guarded = sum(guard.protected for guard in found if guard)
    return tuple(found), Guards.of(sites, guarded, none_because)


def draws(sandbox: Sandbox, suite: Suite, limits: Limits) -> readying.Draws:
    """Return what runs of a suite's shared tests begin with, none of which is there yet."""
    return readying.Draws(lambda: sharing.sandbox_of(sandbox, suite.image), _generous(limits))


def widened(limits: Limits, guards: Sequence[Guard | None]) -> Limits:
    """Return limits that leave a candidate's tests the time they have without siblings."""
    most = max((guard.share for guard in guards if guard), default=1.0)
    seconds = min(limits.total_cpu_seconds * most, MAX_WALL_SECONDS / (1 + limits.idle_factor))
    return limits.model_copy(update={"total_cpu_seconds": seconds})


def lengthened(allowed: Allowance, limits: Limits, guards: Sequence[Guard | None]) -> Allowance:
    """Return what a test and loading may use, if siblings of it are to have their time as well.

    A test that fails may take much longer than one that passes, as one does of which a framework
    looks for the smallest example.
    """
    slowest = max((guard.slowest for guard in guards if guard), default=0.0)
    seconds = min(limits.cpu_seconds, slowest * (limits.reference_factor or 1.0))
    # What is loaded is long where there are many siblings, and is the same for every candidate.
    load = allowed.load + _LOADED * max((guard.load for guard in guards if guard), default=0.0)
    return allowed._replace(cpu=max(allowed.cpu, seconds), load=load)


def _run(
    sandbox: Sandbox,
    limits: Limits,
    allowed: Allowance,
    start: dict[str, Any],
    arrangement: Arrangement,
) -> Ran:
    meter = Meter(limits, allowed)
    run = sharing.SharedRun(sandbox, meter)
    own = readying.ready(sandbox, limits, start, arrangement).start
    run.run({**start, **own}, None, True, arrangement.comparison())
    return Ran(run.told, run.compared, run.load or 0.0, not meter.has_left(Spending()))


class _Deriver:
    """Has tests and their siblings derived in jails: it is untrusted code that is read there."""

    def __init__(self, sandbox: Sandbox, suite: Suite, limits: Limits) -> None:
        self._sandbox = sandbox
        self._entry_point = suite.entry_point
        self._limits = limits
        self._seed = secrets.token_hex(16)

    def learnt(
        self,
        test: AssertTest,
        passed: Sequence[str],
        run: Callable[[Arrangement], Ran],
        seconds: float,
    ) -> tuple[Pattern | None, Guard | None, Unguarded | None]:
        """Return what there is for a test, with no check outside of which that is not right.

        It takes the reference program so many `seconds`. Without a guard there is a reason.
        """
        inside: frozenset[int] = frozenset()
        for attempt in itertools.count(1):
            pattern = self._pattern(test, inside)
            if pattern is None:
                break
            try:
                guard = learn(pattern, passed, run, seconds)
                return pattern, guard, None if guard else Unguarded.ORDER
            except NoTime:
                return pattern, None, Unguarded.TIME
            except Mistaken as mistaken:
                # Those that are left become fewer each time, and at last there is none.
                inside |= mistaken.checks if attempt < _ATTEMPTS else pattern.outside.keys()
        return None, None, Unguarded.UNREADABLE

    def _pattern(self, test: AssertTest, inside: frozenset[int]) -> Pattern | None:
        start = {
            "role": "guards",
            "test": {"source": test.source, "check": test.check, "inside": sorted(inside)},
            "entry_point": self._entry_point,
            "seed": self._seed,
        }
        limits = self._limits
        with self._sandbox.jail(start, limits) as jail:
            try:
                budget = jail.budget(limits.total_cpu_seconds, limits.total_idle_seconds)
                message = jail.receive(budget)["pattern"]
                return Pattern.of(message) if message else None
            except (Ended, KeyError, TypeError, ValueError, ArithmeticError, NotPlain):
                return None


def _generous(limits: Limits) -> Limits:
    """Return limits in which many siblings of each test have their turn."""
    return limits.model_copy(
        update={
            "value_bytes": _READ_BYTES,
            "total_cpu_seconds": ALL_SECONDS,
            "idle_factor": 1.0,
        }
    )
