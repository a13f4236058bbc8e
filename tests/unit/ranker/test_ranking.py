import random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.contracts.base import Author, Label, SkipReason
from infra.contracts.ranking import Judged
from ranker.ranking import Preset, Rules, rank, score_of

LABELS = list(Label)


def wrote_something(candidate):
    texts = [candidate.program, candidate.completion]
    return all(text is None or (text.strip() and not text.startswith("#")) for text in texts)


@st.composite
def candidates(draw, programs=("a", "bb", "cc", "ddd", " ", "# no\n")):
    label = draw(st.sampled_from(LABELS))
    total = draw(st.integers(1, 40))
    fraction = {Label.ALL_PASS: 1.0, Label.PARTIAL_PASS: draw(st.integers(0, total - 1)) / total}
    return Judged(
        candidate_id=draw(st.uuids()),
        author=draw(st.sampled_from(Author)),
        label=label,
        pass_fraction=fraction.get(label, 0.0),
        program=draw(st.sampled_from(programs)),
        completion=draw(st.sampled_from([None, None, "code", " \n"])),
    )


groups = st.lists(candidates(), max_size=9, unique_by=lambda candidate: candidate.candidate_id)
every_rules = st.builds(
    Rules,
    preset=st.sampled_from(Preset),
    tie_bonus=st.sampled_from([0.0, 0.05, 0.099]),
    all_pairs=st.booleans(),
    min_best=st.sampled_from(LABELS),
)


def judged(number, author, label, fraction=None, program=None):
    default = {Label.ALL_PASS: 1.0, Label.PARTIAL_PASS: 0.5}.get(label, 0.0)
    return Judged(
        candidate_id=UUID(int=number),
        author=author,
        label=label,
        pass_fraction=default if fraction is None else fraction,
        program=f"program {number}" if program is None else program,
    )


def teacher(number, label, fraction=None, program=None):
    return judged(number, Author.TEACHER, label, fraction, program)


def student(number, label, fraction=None, program=None):
    return judged(number, Author.STUDENT, label, fraction, program)


def test_the_default_scores_are_those_that_were_decided():
    rules = Rules()

    assert rules.tie_bonus == 0.05
    assert score_of(Label.COMPILE_ERROR, 0, rules.preset) == 0
    assert score_of(Label.RUNTIME_ERROR, 0, rules.preset) == pytest.approx(1 / 3)
    assert score_of(Label.PARTIAL_PASS, 0.5, rules.preset) == pytest.approx(2.45 / 3)
    assert score_of(Label.ALL_PASS, 1, rules.preset) == 1


@pytest.mark.parametrize(
    ("preset", "scores"),
    [
        (Preset.LINEAR, (0, 1 / 3, 2 / 3, 1)),
        (Preset.CODERL, (-1, -0.6, -0.3, 1)),
        (Preset.RLTF, (-1, -0.6, 0.35, 1)),
    ],
)
def test_the_other_presets_are_as_published(preset, scores):
    fractions = (0, 0, 0.5, 1)
    got = [score_of(*pair, preset) for pair in zip(LABELS, fractions, strict=True)]

    assert got == pytest.approx(scores)


# (teacher, student, gap of the pair, or None where it is dropped); "Golden vectors" of the method
# with the scores of preset `linear`: classes 3 and 1, 2 and 2, 1 and 3.
@pytest.mark.parametrize(
    ("teachers", "students", "bonus", "gap"),
    [
        (Label.ALL_PASS, Label.RUNTIME_ERROR, 0.0, 2 / 3),
        (Label.PARTIAL_PASS, Label.PARTIAL_PASS, 0.0, None),
        (Label.PARTIAL_PASS, Label.PARTIAL_PASS, 0.05, 0.05),
        (Label.RUNTIME_ERROR, Label.ALL_PASS, 0.05, None),
    ],
)
def test_the_golden_vectors_give_their_gaps(teachers, students, bonus, gap):
    rules = Rules(preset=Preset.LINEAR, tie_bonus=bonus)

    ranking = rank([teacher(1, teachers), student(2, students)], rules)

    assert [pair.gap for pair in ranking.pairs] == ([] if gap is None else [pytest.approx(gap)])


def test_a_teacher_below_its_student_is_dropped_and_counted():
    group = [
        teacher(1, Label.RUNTIME_ERROR),
        student(2, Label.ALL_PASS),
        student(3, Label.COMPILE_ERROR),
    ]

    ranking = rank(group, Rules())

    assert [(pair.better_id.int, pair.worse_id.int) for pair in ranking.pairs] == [(1, 3)]
    assert ranking.dropped_pairs == 1
    assert ranking.skip_reason is None


def test_the_bonus_never_lifts_a_failing_teacher_over_a_passing_student():
    group = [teacher(1, Label.PARTIAL_PASS, fraction=0.99), student(2, Label.ALL_PASS)]

    ranking = rank(group, Rules())

    assert ranking.best_id == UUID(int=2)
    assert ranking.skip_reason is SkipReason.TEACHER_BELOW_STUDENT


def test_all_pairs_need_no_teacher():
    group = [student(n, label) for n, label in enumerate(LABELS)]

    ranking = rank(group, Rules(all_pairs=True))

    assert len(ranking.pairs) == 6
    assert ranking.skip_reason is None


def test_the_best_is_the_teachers_then_the_shorter_then_the_smaller_id():
    long = teacher(1, Label.ALL_PASS, program="x" * 9)
    short, same = teacher(3, Label.ALL_PASS, program="x"), teacher(2, Label.ALL_PASS, program="y")
    students = student(0, Label.ALL_PASS, program="")

    ranking = rank([long, short, same, students], Rules(tie_bonus=0.0))

    assert [entry.candidate_id.int for entry in ranking.order] == [2, 3, 1, 0]
    assert ranking.best_id == UUID(int=2)


def test_equal_programs_of_teacher_and_student_teach_nothing():
    group = [teacher(1, Label.ALL_PASS, program="x"), student(2, Label.ALL_PASS, program="x")]

    ranking = rank(group, Rules())

    assert ranking.pairs == ()
    assert ranking.skip_reason is SkipReason.NO_POSITIVE_GAP


def test_a_repeated_program_makes_its_pair_once():
    group = [teacher(1, Label.ALL_PASS)]
    group += [student(number, Label.RUNTIME_ERROR, program="x") for number in (2, 3, 4)]

    ranking = rank(group, Rules())

    assert len(ranking.pairs) == 1
    assert len(ranking.order) == 4


def test_an_empty_program_is_in_the_order_and_in_no_pair():
    group = [
        teacher(1, Label.ALL_PASS),
        student(2, Label.RUNTIME_ERROR, program=" \n"),
        student(3, Label.RUNTIME_ERROR),
    ]

    ranking = rank(group, Rules())

    assert [pair.worse_id.int for pair in ranking.pairs] == [3]
    assert len(ranking.order) == 3


@pytest.mark.parametrize(
    ("group", "rules", "reason"),
    [
        ([], Rules(), SkipReason.TOO_FEW_CANDIDATES),
        ([teacher(1, Label.ALL_PASS)], Rules(), SkipReason.TOO_FEW_CANDIDATES),
        (
            [student(1, Label.ALL_PASS), student(2, Label.COMPILE_ERROR)],
            Rules(),
            SkipReason.NO_TEACHER,
        ),
        (
            [teacher(1, Label.ALL_PASS), teacher(2, Label.COMPILE_ERROR)],
            Rules(),
            SkipReason.NO_STUDENT,
        ),
        (
            [teacher(1, Label.COMPILE_ERROR), student(2, Label.ALL_PASS)],
            Rules(),
            SkipReason.TEACHER_BELOW_STUDENT,
        ),
        (
            [teacher(1, Label.ALL_PASS), student(2, Label.ALL_PASS)],
            Rules(tie_bonus=0.0),
            SkipReason.NO_POSITIVE_GAP,
        ),
        (
            [teacher(1, Label.RUNTIME_ERROR), student(2, Label.COMPILE_ERROR)],
            Rules(),
            SkipReason.BEST_BELOW_MINIMUM,
        ),
        (
            [teacher(1, Label.PARTIAL_PASS), student(2, Label.COMPILE_ERROR)],
            Rules(min_best=Label.ALL_PASS),
            SkipReason.BEST_BELOW_MINIMUM,
        ),
        (
            [teacher(1, Label.RUNTIME_ERROR), student(2, Label.COMPILE_ERROR)],
            Rules(min_best=Label.COMPILE_ERROR),
            None,
        ),
        (
            [teacher(1, Label.PARTIAL_PASS, 0.0), student(2, Label.COMPILE_ERROR)],
            Rules(),
            SkipReason.BEST_BELOW_MINIMUM,
        ),
        (
            [teacher(1, Label.PARTIAL_PASS, 0.0), student(2, Label.COMPILE_ERROR)],
            Rules(min_best=Label.RUNTIME_ERROR),
            None,
        ),
    ],
)
def test_a_group_that_teaches_nothing_says_why(group, rules, reason):
    assert rank(group, rules).skip_reason is reason


@given(groups, every_rules, st.randoms(use_true_random=False))
def test_the_ranking_does_not_depend_on_the_order_of_the_candidates(group, rules, chance):
    shuffled = list(group)
    chance.shuffle(shuffled)

    assert rank(shuffled, rules) == rank(group, rules)


@given(groups, every_rules)
def test_every_pair_has_the_gap_of_its_scores_or_is_a_tie_that_the_teacher_leads(group, rules):
    ranking = rank(group, rules)

    by_id = {candidate.candidate_id: candidate for candidate in group}
    scores = {entry.candidate_id: entry.score for entry in ranking.order}
    for pair in ranking.pairs:
        better, worse = by_id[pair.better_id], by_id[pair.worse_id]
        same_share = better.pass_fraction == worse.pass_fraction or rules.preset is Preset.LINEAR
        if better.label is worse.label and same_share:
            assert (better.author, worse.author) == (Author.TEACHER, Author.STUDENT)
            assert pair.gap == rules.tie_bonus > 0
        else:
            assert pair.gap == scores[pair.better_id] - scores[pair.worse_id] > 0


@given(groups, every_rules.map(lambda rules: rules.model_copy(update={"all_pairs": False})))
def test_a_pair_is_teacher_over_student_of_no_better_label(group, rules):
    by_id = {candidate.candidate_id: candidate for candidate in group}

    for pair in rank(group, rules).pairs:
        better, worse = by_id[pair.better_id], by_id[pair.worse_id]
        assert (better.author, worse.author) == (Author.TEACHER, Author.STUDENT)
        assert LABELS.index(better.label) >= LABELS.index(worse.label)


@given(groups, every_rules)
def test_a_better_label_always_ranks_higher(group, rules):
    by_id = {candidate.candidate_id: candidate for candidate in group}

    order = [LABELS.index(by_id[entry.candidate_id].label) for entry in rank(group, rules).order]

    assert order == sorted(order, reverse=True)


@given(groups, every_rules)
def test_the_best_has_the_highest_score_of_all_that_wrote_something(group, rules):
    ranking = rank(group, rules)
    wrote = {c.candidate_id: wrote_something(c) for c in group}

    scores = {
        entry.candidate_id: entry.score for entry in ranking.order if wrote[entry.candidate_id]
    }
    if scores:
        assert scores[ranking.best_id] == max(scores.values())
    else:
        assert ranking.best_id is None


@given(st.integers(0, 40), st.integers(1, 40), st.sampled_from(Preset))
def test_a_teacher_of_equal_result_always_ranks_higher_by_the_bonus(passed, total, preset):
    label = Label.PARTIAL_PASS if passed < total else Label.ALL_PASS
    fraction = min(passed / total, 1.0)

    ranking = rank([teacher(1, label, fraction), student(2, label, fraction)], Rules(preset=preset))

    (pair,) = ranking.pairs
    assert pair.better_id == UUID(int=1)
    assert pair.gap == 0.05


def test_a_large_group_is_ranked_whole():
    chance = random.Random(0)
    group = [
        judged(number, chance.choice(list(Author)), chance.choice(LABELS)) for number in range(200)
    ]

    ranking = rank(group, Rules())

    assert len(ranking.order) == 200
    teachers = sum(candidate.author is Author.TEACHER for candidate in group)
    assert len(ranking.pairs) + ranking.dropped_pairs == teachers * (200 - teachers)
