"""The reference programs of real problems pass their own tests in the sandbox."""

import contextlib
from concurrent.futures import ThreadPoolExecutor
from queue import Queue

import pytest

from executor.judging.judge import Judge
from executor.sandbox.slot import Slot
from executor.settings import ExecutorSettings
from infra.contracts.base import Label
from infra.contracts.execution import Suite
from infra.records import importers
from services.starter import load as starter
from tests.samples import spread

SLOW = frozenset({"MBPP/123"})
"""Takes three seconds of plain Python on one machine and over five on another; four are allowed."""


@pytest.fixture(scope="module")
def slots(open_directory):
    settings = ExecutorSettings(home=open_directory / "executor")
    with contextlib.ExitStack() as stack:
        free = Queue()
        for number in range(2):
            free.put(stack.enter_context(contextlib.closing(Slot(settings, number))))
        yield free


def failures(problems, slots):
    """Label every reference program; return those that are not all_pass, with the reason."""

    def label(problem):
        slot = slots.get()
        try:
            limits = problem.limits
            if problem.slug in SLOW:
                limits = limits.model_copy(update={"cpu_seconds": 20.0})
            suite = Suite.of(problem, limits)
            verdict = Judge(slot.sandbox, suite, slot.version).judge(problem.reference_program)
        finally:
            slots.put(slot)
        return problem.slug, verdict

    with ThreadPoolExecutor(2) as pool:
        verdicts = list(pool.map(label, problems))
    assert len(verdicts) == len(problems)
    return {slug: v.error for slug, v in verdicts if v.label is not Label.ALL_PASS}


def test_every_starter_reference_passes(slots):
    assert failures(starter.problems(), slots) == {}


@pytest.mark.data
@pytest.mark.parametrize("share", [25, pytest.param(1, marks=pytest.mark.thorough)])
@pytest.mark.parametrize(
    ("name", "number"), [("HumanEval.jsonl.gz", 164), ("mbpp.jsonl.gz", 974)], ids=["he", "mbpp"]
)
def test_every_reference_of_a_published_set_passes(data_dir, slots, name, number, share):
    problems = list(importers.read_problems(data_dir / name))
    assert len(problems) == number

    assert failures(spread(problems, number // share), slots) == {}
