"""A batch is labelled in order, reported as it goes, and handed back when time runs short."""

from uuid import uuid4

import pytest

from executor.judging.asserting import SuiteBroken
from executor.worker.batches import label_batch
from infra import errors
from infra.contracts.base import Label, Outcome
from infra.contracts.execution import ExecutionRequest, Program, Suite, TestResult, Verdict
from infra.contracts.problems import CallTest

SUITE = Suite(tests=(CallTest(args=(1,), expected=1),), entry_point="f")
VERDICT = Verdict(label=Label.ALL_PASS, tests=(TestResult(outcome=Outcome.PASSED),), sandbox="test")


class Judges:
    """Stands where a slot's judges stand; a program that is an exception is raised."""

    def __init__(self, faults=None):
        self.faults = faults or {}
        self.judged = []

    def get(self, name, suite):
        assert (name, suite) == (SUITE.digest(), SUITE)
        return self

    def judge(self, source):
        if source in self.faults:
            raise self.faults[source]
        self.judged.append(source)
        return VERDICT


def request(*sources):
    programs = tuple(Program(candidate_id=uuid4(), attempt=2, source=source) for source in sources)
    return ExecutionRequest(problem_id=uuid4(), suite=SUITE, programs=programs)


def test_every_program_is_reported_once_in_order():
    asked, reports = request("a", "b", "c"), []

    assert label_batch(Judges(), asked, lambda: False, reports.append) is None

    results = [result for report in reports for result in report.results]
    assert [result.candidate_id for result in results] == [p.candidate_id for p in asked.programs]
    assert {result.attempt for result in results} == {2}


def test_what_there_is_no_time_for_is_handed_back():
    asked, reports, judges = request("a", "b", "c"), [], Judges()

    left = label_batch(judges, asked, lambda: True, reports.append)

    assert judges.judged == ["a"]
    assert [result.candidate_id for report in reports for result in report.results] == [
        asked.programs[0].candidate_id
    ]
    assert left == asked.model_copy(update={"programs": asked.programs[1:]})


@pytest.mark.parametrize(
    ("fault", "permanent"),
    [(SuiteBroken("no test in it"), True), (errors.SandboxError("no cell"), False)],
)
def test_a_fault_is_no_label_and_stops_no_other(fault, permanent):
    asked, reports = request("a", "b", "c"), []

    assert label_batch(Judges({"b": fault}), asked, lambda: False, reports.append) is None

    assert sum(len(report.results) for report in reports) == 2
    (failure,) = [failure for report in reports for failure in report.failures]
    assert failure.candidate_id == asked.programs[1].candidate_id
    assert failure.permanent is permanent
    assert failure.reason == fault.detail
