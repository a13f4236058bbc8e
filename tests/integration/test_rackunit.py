"""Test code for rackunit, whose checks end nothing where they fail."""

import pytest

from executor.installed import look_up
from executor.judging.judge import Judge
from infra.contracts.base import Label, Language
from infra.contracts.execution import Suite
from infra.contracts.problems import ProgramTest

ASKS = "#lang racket\n(require rackunit)\n"
CHECKS = "(define (run) (list (check-equal? (add 1 2) 3) (check-equal? (add 4 5) 9)))\n(run)\n"
NAMED = '(test-equal? "one" (add 1 2) 3)\n[check-= (add 4 5) 9 0]\n'
OWN = "(define (check-same a b) (unless (= a b) (error 'no)))\n(check-same (add 1 2) 3)\n"


@pytest.mark.parametrize("slot", ["cell"], indirect=True)
@pytest.mark.parametrize(
    ("source", "program", "passes"),
    [
        (CHECKS, ASKS + "(define (add a b) (+ a b))", True),
        (CHECKS, ASKS + "(define (add a b) (* a b))", False),
        (CHECKS, "#lang racket\n(define (check-equal? a b) #t)\n(define (add a b) 0)", False),
        (NAMED, ASKS + "(define (add a b) (+ a b))", True),
        (NAMED, ASKS + "(define (add a b) (if (= a 1) 0 9))", False),
        (OWN, "#lang racket\n(define (add a b) (+ a b))", True),
        (OWN, "#lang racket\n(define (add a b) (* a b))", False),
    ],
    ids=["right", "wrong", "own_checks_of_a_candidate", "right_by_name", "wrong_by_name",
         "right_by_own", "wrong_by_own"],
)  # fmt: skip
def test_checks_count_wherever_the_library_was_asked_for(slot, source, program, passes):
    if look_up(Language.RACKET).path is None:
        pytest.skip("racket is not installed here")
    suite = Suite(tests=(ProgramTest(source=source),), language=Language.RACKET)

    verdict = Judge(slot.sandbox, suite, slot.version).judge(program)

    assert (verdict.label is Label.ALL_PASS) is passes, verdict
