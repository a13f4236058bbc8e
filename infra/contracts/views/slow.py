"""What has taken the executors' time: by problem, by model and by test, hangs first."""

from datetime import datetime

from pydantic import Field

from infra.contracts.base import Contract


class Taken(Contract):
    """What the executions of some candidates took."""

    executions: int
    slot_seconds: float
    """Wall time for which they held a slot."""
    cpu_seconds: float
    hangs: int
    """Executions in which a test met its time limit."""
    hang_seconds: float
    """Slot seconds of those."""


class SlowProblem(Taken):
    """A problem, and what its candidates took."""

    problem: str
    saved_seconds: float | None
    """CPU seconds that tests at their limit would not have used, had it been what the slowest
    test of a program that passes calibrates; null where none passes."""


class SlowModel(Taken):
    """A model, and what its programs took."""

    model: str


class SlowTest(Contract):
    """A test that programs hang in."""

    problem: str
    test: str
    """Its name, or its position from 1."""
    hangs: int
    cpu_seconds: float
    wall_seconds: float


class SlowWork(Contract):
    """Where the executors' time went, those that hung most first."""

    since: datetime
    total: Taken
    problems: tuple[SlowProblem, ...]
    models: tuple[SlowModel, ...]
    tests: tuple[SlowTest, ...]
    is_complete: bool = Field(description="Whether every execution since then was looked at.")
