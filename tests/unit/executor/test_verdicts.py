"""The label rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.judging import verdicts
from infra.contracts.base import Label, Outcome

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
