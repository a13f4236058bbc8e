"""Programs that forge verdicts from within the process of the tests."""

import os
import re
from pathlib import Path

import pytest

from executor.judging.judge import Judge
from infra.contracts.base import Integrity, Label
from tests.hostile.shared_suites import OWN, attacked

FOLDER = Path(__file__).parent / "forgeries"
EVERY = bool(os.environ.get("EVERY_FORGERY"))
"""Whether each program attacks every suite; two in turn otherwise."""
_PRELUDE = (FOLDER / "prelude.txt").read_text()


def forgeries():
    """Yield each program with its number, `NAME` standing for what it has to define."""
    number = 0
    for path in sorted(FOLDER.glob("*.txt")):
        if path.stem == "prelude":
            continue
        for text in re.split("^#: ", path.read_text(), flags=re.MULTILINE)[1:]:
            name, _, body = text.partition("\n")
            yield pytest.param((number, body), id=f"{path.stem}: {name}")
            number += 1


FORGERIES = list(forgeries())


@pytest.fixture(scope="module")
def suites(data_dir):
    """All suites, with those of published sets."""
    return [*OWN, *attacked(data_dir)]


@pytest.fixture(scope="module")
def judges(slot, suites):
    """A judge of each suite, which has seen what its reference program does."""
    judges = {one.name: Judge(slot.sandbox, one.suite(), slot.version) for one in suites}
    for name, judge in judges.items():
        (guard,) = judge.asserts.guards
        assert guard is not None, name
        assert guard.protected == guard.pattern.sites, name
    return judges


def forged(body, one):
    return _PRELUDE + body.replace("NAME", one.entry_point)


def in_turn(position, suites):
    if EVERY:
        return suites
    return [suites[(position + step) % len(suites)] for step in (0, 7)]


@pytest.mark.data
@pytest.mark.parametrize("slot", ["cell"], indirect=True)
@pytest.mark.parametrize("forgery", FORGERIES)
def test_no_forgery_passes(forgery, suites, judges):
    position, body = forgery
    for one in in_turn(position, suites):
        verdict = judges[one.name].judge(forged(body, one))
        assert verdict.label is not Label.ALL_PASS, one.name


@pytest.mark.data
@pytest.mark.parametrize("slot", ["cell"], indirect=True)
def test_right_programs_pass_again_and_again(suites, judges):
    for one in suites:
        for _ in range(3):
            verdict = judges[one.name].judge(one.reference)
            assert (verdict.label, verdict.integrity) == (Label.ALL_PASS, Integrity.SHARED), (
                one.name
            )


@pytest.mark.parametrize("slot", ["cell"], indirect=True)
def test_many_of_them_would_pass_if_nothing_guarded_the_tests(slot):
    plain = OWN[4]
    judge = Judge(slot.sandbox, plain.suite(with_reference=False), slot.version)
    bodies = [body for forgery in FORGERIES for _, body in forgery.values]
    labels = [judge.judge(forged(body, plain)).label for body in bodies]

    assert labels.count(Label.ALL_PASS) >= len(labels) / 5
