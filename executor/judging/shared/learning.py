"""Finds out what guards shared tests: siblings of them are derived, and a reference is run."""

import functools
import secrets
from collections.abc import Sequence
from typing import Any

from executor.judging.metering import Meter
from executor.judging.shared import sharing
from executor.judging.shared.arranging import Arrangement, Pattern
from executor.judging.shared.guarding import Guard, learn
from executor.sandbox.ended import Ended
from executor.sandbox.jail import Sandbox
from infra.contracts.base import Unguarded
from infra.contracts.execution import Guards, Suite, TestResult
from infra.contracts.problems import MAX_WALL_SECONDS, AssertTest, Limits

_READ_BYTES = 64 * 2**20
"""What may be told of test code; it is no value of a candidate."""


def guards(
    sandbox: Sandbox, suite: Suite, limits: Limits, names: Sequence[tuple[str, ...]]
) -> tuple[tuple[Guard | None, ...], Guards]:
    """Return what guards each assert test, None where nothing does, and the same for a reader.

    `names` are the tests of each that the reference program of the suite passes.

    Raises:
        errors.SandboxError: the sandbox failed.
    """
    tests = [test for test in suite.tests if isinstance(test, AssertTest)]
    reference = suite.whole(suite.reference_program or "")
    limits = _generous(limits)
    found: list[Guard | None] = []
    sites, none_because = 0, None
    patterns = _patterns(sandbox, suite, tests, limits)
    for test, pattern, passed in zip(tests, patterns, names, strict=True):
        guard = None
        if pattern is None:
            none_because = Unguarded.UNREADABLE
        else:
            start = sharing.start_of(test, suite, reference)
            guard = learn(pattern, passed, functools.partial(_run, sandbox, limits, start))
            sites += pattern.sites
            none_because = none_because if guard else Unguarded.ORDER
        found.append(guard)
    guarded = sum(guard.protected for guard in found if guard)
    return tuple(found), Guards.of(sites, guarded, none_because)


def widened(limits: Limits, guards: Sequence[Guard | None]) -> Limits:
    """Return limits that leave a candidate's tests the time they have without siblings."""
    most = max((guard.share for guard in guards if guard), default=1.0)
    seconds = min(limits.total_cpu_seconds * most, MAX_WALL_SECONDS / (1 + limits.idle_factor))
    return limits.model_copy(update={"total_cpu_seconds": seconds})


def _run(
    sandbox: Sandbox, limits: Limits, start: dict[str, Any], arrangement: Arrangement
) -> dict[str, TestResult]:
    run = sharing.SharedRun(sandbox, Meter(limits))
    run.run({**start, **sharing.arranged(arrangement)}, None, True)
    return run.told


def _patterns(
    sandbox: Sandbox, suite: Suite, tests: Sequence[AssertTest], limits: Limits
) -> list[Pattern | None]:
    """Have the siblings derived in a jail: it is untrusted code that is read there."""
    start = {
        "role": "guards",
        "tests": [{"source": test.source, "check": test.check} for test in tests],
        "entry_point": suite.entry_point,
        "seed": secrets.token_hex(16),
    }
    with sandbox.jail(start, limits) as jail:
        try:
            answer = jail.receive(jail.budget(limits.total_cpu_seconds, limits.total_idle_seconds))
            return [message and Pattern.of(message) for message in answer["patterns"]]
        except (Ended, KeyError, TypeError, ValueError):
            return [None] * len(tests)


def _generous(limits: Limits) -> Limits:
    """Return limits in which many siblings of each test have their turn."""
    return limits.model_copy(
        update={
            "value_bytes": _READ_BYTES,
            "total_cpu_seconds": MAX_WALL_SECONDS,
            "idle_factor": MAX_WALL_SECONDS / limits.cpu_seconds,
        }
    )
