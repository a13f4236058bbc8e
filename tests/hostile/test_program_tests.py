"""Test programs of other languages: right programs pass them, and no forgery does."""

import pytest

from executor.installed import look_up
from executor.judging.judge import Judge
from infra.contracts.base import Integrity, Label, Language, Unguarded
from tests.hostile.program_suites import ADDED, attacks
from tests.samples import SLOW_LANGUAGES, is_drawn

ATTACKS = [f"{language}/{name}" for language in ADDED for name in attacks(language)]


def in_both_modes(name, cases, in_cells, in_strict_jails):
    """Run a test with each case in both modes; all but one in so many are thorough."""

    def marks(case, one_in):
        slow = [pytest.mark.slow] if str(case).partition("/")[0] in SLOW_LANGUAGES else []
        return slow if is_drawn(str(case), one_in) else [*slow, pytest.mark.thorough]

    drawn = [
        pytest.param(slot, case, marks=marks(case, one_in))
        for slot, one_in in (("cell", in_cells), ("strict", in_strict_jails))
        for case in cases
    ]
    return pytest.mark.parametrize(("slot", name), drawn, indirect=["slot"])


@pytest.fixture(scope="module")
def judge_of(slot):
    """The judge of each language's suite, made when it is first asked for."""
    judges = {}

    def get(language):
        if look_up(language).path is None:
            pytest.skip(f"{language.value} is not installed here")
        if language not in judges:
            judges[language] = Judge(slot.sandbox, ADDED[language].suite(language), slot.version)
        return judges[language]

    return get


@in_both_modes("language", ADDED, 1, 8)
def test_a_right_program_passes_and_a_wrong_one_does_not(judge_of, language):
    judge, added = judge_of(language), ADDED[language]

    right, wrong = judge.judge(added.right), judge.judge(added.wrong)

    assert right.label is Label.ALL_PASS, right
    assert right.integrity is Integrity.SHARED
    assert right.guards.protected, right.guards
    assert wrong.label in (Label.RUNTIME_ERROR, Label.PARTIAL_PASS), wrong
    assert judge.judge("(( ' {").label in (Label.COMPILE_ERROR, Label.RUNTIME_ERROR)


@in_both_modes("attack", ATTACKS, 12, 120)
def test_no_forgery_passes(judge_of, attack):
    language, _, name = attack.partition("/")
    verdict = judge_of(Language(language)).judge(attacks(Language(language))[name])

    assert verdict.label is not Label.ALL_PASS, verdict


@pytest.mark.parametrize("slot", ["cell"], indirect=True)
def test_without_a_reference_program_a_label_says_that_nothing_guards_it(slot):
    language = next(iter(ADDED))
    added = ADDED[language]

    judge = Judge(slot.sandbox, added.suite(language, with_reference=False), slot.version)
    verdict = judge.judge(added.right)

    assert (verdict.label, verdict.integrity) == (Label.ALL_PASS, Integrity.SHARED)
    assert verdict.guards.none_because is Unguarded.NO_REFERENCE
