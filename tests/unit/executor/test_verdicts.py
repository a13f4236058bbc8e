"""The label rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.judging import verdicts
from infra.contracts.base import Integrity, Label, Outcome
from infra.contracts.execution import Usage

P, W, R = Outcome.PASSED, Outcome.WRONG_ANSWER, Outcome.RUNTIME_ERROR
T, N = Outcome.TIME_LIMIT_EXCEEDED, Outcome.NOT_RUN


@pytest.mark.parametrize(
    ("outcomes", "label"),
    [
        ([P, P], Label.ALL_PASS),
        ([P, W], Label.PARTIAL_PASS),
        ([P, T], Label.PARTIAL_PASS),
        ([W, W], Label.PARTIAL_PASS),
        ([W, R], Label.RUNTIME_ERROR),
        ([T, N], Label.RUNTIME_ERROR),
        ([P, N], Label.PARTIAL_PASS),
        ([N], Label.PARTIAL_PASS),
    ],
)
def test_label_of(outcomes, label):
    assert verdicts.label_of(outcomes) is label


@given(st.lists(st.sampled_from(Outcome), min_size=1, max_size=8))
def test_all_pass_means_every_test_passed(outcomes):
    everything_passed = set(outcomes) == {Outcome.PASSED}

    assert (verdicts.label_of(outcomes) is Label.ALL_PASS) == everything_passed


def test_no_tests_are_no_label():
    with pytest.raises(ValueError, match="without tests"):
        verdicts.label_of([])


def test_output_is_made_fit_for_the_database():
    assert verdicts.printable(b"a\x00\xff" + b"x" * 99, limit=4) == "a\ufffd\ufffdx"
    assert "\ud800" not in verdicts.result(Outcome.PASSED, "\ud800\x00").detail


def looked(outcomes, **fields):
    tests = [verdicts.result(outcome, outcome.value) for outcome in outcomes]
    return verdicts.judged(tests, Usage(cpu_seconds=len(outcomes)), "test", **fields)


OUTCOMES = st.lists(st.sampled_from(Outcome), min_size=3, max_size=3) | st.lists(
    st.sampled_from(Outcome), min_size=1, max_size=4
)


@given(OUTCOMES, OUTCOMES)
def test_two_looks_are_never_better_than_either(one, other):
    looks = looked(one), looked(other)
    order = list(Label)

    joined = verdicts.worst(*looks)

    for look in looks:
        assert order.index(joined.label) <= order.index(look.label)
        assert joined.pass_fraction <= look.pass_fraction
        if len(one) == len(other):
            for test, found in zip(look.tests, joined.tests, strict=True):
                assert test.outcome is Outcome.PASSED or found.outcome is not Outcome.PASSED
    assert joined.unstable == (one != other)
    assert joined.label is verdicts.label_of([test.outcome for test in joined.tests])


def test_two_looks_that_do_not_both_compile_are_a_compile_error():
    refused = verdicts.compile_error("no", 2, "test")

    for looks in ((looked([P, P]), refused), (refused, looked([P, P]))):
        joined = verdicts.worst(*looks)
        assert (joined.label, joined.unstable) == (Label.COMPILE_ERROR, True)


def test_two_looks_of_which_one_was_shared_are_shared():
    shared = looked([P, W], integrity=Integrity.SHARED)

    assert verdicts.worst(looked([W, P]), shared).integrity is Integrity.SHARED
