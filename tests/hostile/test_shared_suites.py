"""Programs that forge verdicts from within the process of the tests."""

import os
import re
from pathlib import Path

import pytest

from executor.judging.judge import Judge
from infra.contracts.base import Integrity, Label
from tests.hostile.shared_suites import OWN, attacked
from tests.samples import is_drawn, spread

FOLDER = Path(__file__).parent / "forgeries"
READERS = {
    # They read the tests, and choose what to answer: from their text, or from their code, by what
    # looks most like all that is to choose from, or at random; or by what most of them say.
    "text": ("text", False),
    "code": ("code", False),
    "code at random": ("code", True),
    "rows": ("rows", False),
}
EVERY = bool(os.environ.get("EVERY_FORGERY"))
"""Whether each program attacks every suite; one in turn otherwise."""
_PRELUDE = (FOLDER / "prelude.txt").read_text()


def forgeries():
    """Yield each program with its number, `NAME` standing for what it has to define."""
    number = 0
    for path in sorted(FOLDER.glob("*.txt")):
        if path.stem == "prelude":
            continue
        for text in re.split("^#: ", path.read_text(), flags=re.MULTILINE)[1:]:
            name, _, body = text.partition("\n")
            yield pytest.param(
                (number, body),
                id=f"{path.stem}: {name}",
                marks=() if is_drawn(name, 3) else pytest.mark.thorough,
            )
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


def reading(reader, one):
    folder = FOLDER.parent / "readers"
    name, at_random = READERS[reader]
    is_class = f"class {one.entry_point}" in one.reference
    last = (folder / "last.txt").read_text().replace("NAME", one.entry_point)
    settings = f"AT_RANDOM, IS_CLASS = {at_random}, {is_class}\n"
    return settings + (folder / f"{name}.txt").read_text() + last


def in_turn(position, suites):
    if EVERY:
        return suites
    return [suites[position % len(suites)]]


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
@pytest.mark.parametrize("reader", READERS)
def test_who_reads_the_tests_and_chooses_hardly_ever_passes(reader, suites, judges):
    passed = {}
    for one in in_turn(list(READERS).index(reader), suites):
        judge, program = judges[one.name], reading(reader, one)
        verdicts = [judge.judge(program) for _ in range(20 if EVERY else 1)]
        passed[one.name] = sum(verdict.label is Label.ALL_PASS for verdict in verdicts)
        (guard,) = judge.asserts.guards
        # What is nowhere in the process is not read there.
        assert not (passed[one.name] and guard.pattern.outside), one.name
    if EVERY:
        assert sum(passed.values()) <= len(passed) * 20 / 10, passed


@pytest.mark.parametrize("slot", ["cell"], indirect=True)
def test_what_most_copies_say_is_not_what_the_test_says(slot):
    rows = next(one for one in OWN if one.name == "rows")
    judge = Judge(slot.sandbox, rows.suite(), slot.version)
    assert judge.judge(rows.reference).label is Label.ALL_PASS

    labels = [judge.judge(reading("rows", rows)).label for _ in range(5)]

    assert Label.ALL_PASS not in labels


@pytest.mark.parametrize("slot", ["cell"], indirect=True)
@pytest.mark.parametrize("name", ["names", "computed"])
def test_no_chameleon_passes_where_expected_values_have_names(slot, name):
    one = next(one for one in OWN if one.name == name)
    judge = Judge(slot.sandbox, one.suite(), slot.version)
    assert judge.judge(one.reference).label is Label.ALL_PASS
    texts = re.split("^#: .*\n", (FOLDER / "chameleons.txt").read_text(), flags=re.MULTILINE)[1:]

    labels = [judge.judge(forged(text, one)).label for text in texts]

    assert Label.ALL_PASS not in labels


@pytest.mark.parametrize("slot", ["cell"], indirect=True)
def test_who_replaces_what_makes_another_value_passes_nothing_that_is_learnt(slot):
    computed = next(one for one in OWN if one.name == "computed")
    judge = Judge(slot.sandbox, computed.suite(), slot.version)
    assert judge.judge(computed.reference).label is Label.ALL_PASS
    texts = re.split("^#: ", (FOLDER / "found_in_memory.txt").read_text(), flags=re.MULTILINE)
    others = [text.partition("\n")[2] for text in texts if "other_than" in text]

    labels = [judge.judge(forged(text, computed)).label for text in others]

    assert len(labels) == 4
    assert Label.ALL_PASS not in labels


@pytest.mark.parametrize("slot", ["cell"], indirect=True)
def test_who_reads_them_passes_where_nothing_is_kept_from_it(slot):
    plain = OWN[4]
    judge = Judge(slot.sandbox, plain.suite(with_reference=False), slot.version)

    assert judge.judge(reading("code", plain)).label is Label.ALL_PASS


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.parametrize("slot", ["cell"], indirect=True)
def test_right_programs_pass_again_and_again(suites, judges):
    for one in suites:
        for _ in range(2):
            verdict = judges[one.name].judge(one.reference)
            assert (verdict.label, verdict.integrity) == (Label.ALL_PASS, Integrity.SHARED), (
                one.name
            )


@pytest.mark.parametrize("slot", ["cell"], indirect=True)
def test_many_of_them_would_pass_if_nothing_guarded_the_tests(slot):
    # A suite of each kind: most attack one framework.
    plain = {
        one: Judge(slot.sandbox, one.suite(with_reference=False), slot.version)
        for one in (OWN[0], OWN[2], OWN[4])
    }
    chosen = FORGERIES if EVERY else spread(FORGERIES, 30)
    bodies = [body for forgery in chosen for _, body in forgery.values]
    passed = [
        any(judge.judge(forged(body, one)).label is Label.ALL_PASS for one, judge in plain.items())
        for body in bodies
    ]

    assert sum(passed) >= len(passed) / 4
