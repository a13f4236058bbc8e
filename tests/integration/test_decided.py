"""What a check has decided holds for whoever judges, whatever reading or a candidate would say."""

import pytest

from infra.contracts.base import Integrity, IntegrityRule
from tests.integration.judged import judged

TEST = "assert f() == 1"
OBJECT = """
class One:
    def __eq__(self, other):
        return other == 1
def f():
    return One()
"""
PLAIN = "def f():\n    return 1\n"


@pytest.mark.parametrize(
    ("reference", "decided", "candidate", "integrity", "label"),
    [
        (PLAIN, Integrity.SHARED, PLAIN, "shared", "all_pass"),
        (PLAIN, Integrity.ISOLATED, OBJECT, "isolated", "partial_pass"),
        # The reference would have the tests run beside the candidate that fails them apart.
        (OBJECT, None, OBJECT, "shared", "all_pass"),
        (OBJECT, Integrity.ISOLATED, OBJECT, "isolated", "partial_pass"),
    ],
)
def test_nobody_decides_again(cell, reference, decided, candidate, integrity, label):
    verdict = judged(
        cell,
        candidate,
        TEST,
        integrity=IntegrityRule.AUTO,
        reference_program=reference,
        decided=decided,
    )

    assert (verdict.integrity, verdict.label) == (integrity, label)
