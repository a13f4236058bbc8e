"""Who passes fewer tests never ranks above who passes more, unless by the paper's own rule."""

import random
from fractions import Fraction
from itertools import combinations
from uuid import UUID

import pytest

from infra.contracts.base import Author, Label, Language
from infra.contracts.ranking import Judged, RankedGroup, Response
from ranker.ranking import Preset, Rules, rank
from trainer.batches.encoding import encode_group
from trainer.models.tokenizer import byte_tokenizer
from trainer.modes.config import LossConfig, PairMode

NUM_GROUPS = 10_000
LABELS = list(Label)
TELLING = [preset for preset in Preset if preset is not Preset.LINEAR]
"""Presets that tell shares of tests apart."""
EMPTY = ("", " \n\t", "# a comment\n", "\ufeff")


def judged(number, author, passed, total, label=None, **more):
    if label is None:
        label = Label.ALL_PASS if passed == total else Label.PARTIAL_PASS
    given = {"program": f"x = {number}", "pass_fraction": passed / total} | more
    return Judged(candidate_id=UUID(int=number), author=author, label=label, **given)


def random_group(chance):
    """Some candidates of one problem, and how many of its tests each passes."""
    total = chance.choice((1, 2, 7, 20, 21, 164, chance.randint(1, 200)))
    group, passed = [], {}
    for number in range(1, chance.randint(2, 12)):
        label = chance.choice(LABELS)
        count = {Label.ALL_PASS: total, Label.PARTIAL_PASS: chance.randrange(total)}.get(label, 0)
        more = {}
        if chance.random() < 0.1:
            more = chance.choice(({"completion": chance.choice(EMPTY)}, {"program": EMPTY[0]}))
        author = chance.choice(list(Author))
        group.append(judged(number, author, count, total, label, **more))
        passed[UUID(int=number)] = count
    return group, passed


def random_rules(chance):
    return Rules(
        preset=chance.choice(TELLING),
        tie_bonus=chance.choice((0.0, 0.05, 0.0999)),
        all_pairs=chance.random() < 0.5,
        min_best=chance.choice(LABELS),
    )


def test_nobody_ranks_above_who_passes_more_tests_in_ten_thousand_groups():
    chance = random.Random(18)
    num_pairs = 0
    for _ in range(NUM_GROUPS):
        group, passed = random_group(chance)
        ranking = rank(group, random_rules(chance))

        order = [entry.candidate_id for entry in ranking.order]
        counts = [passed[one] for one in order]
        assert counts == sorted(counts, reverse=True)
        by_id = {one.candidate_id: one for one in group}
        for pair in ranking.pairs:
            assert passed[pair.better_id] >= passed[pair.worse_id]
            better, worse = by_id[pair.better_id], by_id[pair.worse_id]
            if better.label is worse.label and passed[pair.better_id] == passed[pair.worse_id]:
                assert (better.author, worse.author) == (Author.TEACHER, Author.STUDENT)
        wrote = [one for one in order if has_text(by_id[one])]
        assert ranking.best_id == (wrote[0] if wrote else None)
        assert {side for p in ranking.pairs for side in (p.better_id, p.worse_id)} <= set(wrote)
        num_pairs += len(ranking.pairs)
    assert num_pairs > NUM_GROUPS


def has_text(candidate):
    return candidate.program not in EMPTY and candidate.completion not in EMPTY


def test_the_papers_own_rule_tells_labels_apart_and_puts_the_teacher_first_within_one():
    chance = random.Random(21)
    num_pairs = num_fewer = 0
    for _ in range(NUM_GROUPS // 10):
        group, passed = random_group(chance)
        rules = random_rules(chance).model_copy(update={"preset": Preset.LINEAR})
        ranking = rank(group, rules)

        by_id = {one.candidate_id: one for one in group}
        places = [
            (LABELS.index(entry.label), entry.author is Author.TEACHER, passed[entry.candidate_id])
            for entry in ranking.order
        ]
        assert places == sorted(places, reverse=True)
        for pair in ranking.pairs:
            better, worse = by_id[pair.better_id], by_id[pair.worse_id]
            if better.label is worse.label:
                assert (better.author, worse.author) == (Author.TEACHER, Author.STUDENT)
                assert pair.gap == rules.tie_bonus
                num_fewer += passed[pair.better_id] < passed[pair.worse_id]
        num_pairs += len(ranking.pairs)
    assert num_pairs > NUM_GROUPS // 10
    assert num_fewer


@pytest.mark.parametrize("preset", TELLING)
@pytest.mark.parametrize("total", [7, 20, 200])
def test_one_test_more_outweighs_the_teachers_bonus(preset, total):
    for passed in range(total):
        group = [
            judged(1, Author.TEACHER, passed, total),
            judged(2, Author.STUDENT, passed + 1, total),
        ]

        ranking = rank(group, Rules(preset=preset, tie_bonus=0.0999))

        assert [entry.candidate_id.int for entry in ranking.order] == [2, 1]
        assert (ranking.pairs, ranking.dropped_pairs) == ((), 1)


def test_equal_shares_tie_however_they_were_rounded():
    teacher = judged(1, Author.TEACHER, 3, 10)
    student = judged(2, Author.STUDENT, 3, 10, pass_fraction=0.1 * 3)
    assert teacher.pass_fraction < student.pass_fraction

    (pair,) = rank([teacher, student], Rules()).pairs

    assert (pair.better_id.int, pair.gap) == (1, 0.05)


@pytest.mark.parametrize("preset", TELLING)
def test_the_bonus_is_the_gap_of_a_tie_and_part_of_no_score(preset):
    teacher = judged(1, Author.TEACHER, 3, 9)
    equal, fewer = judged(2, Author.STUDENT, 1, 3), judged(3, Author.STUDENT, 2, 9)

    ranking = rank([teacher, equal, fewer], Rules(preset=preset))

    scores = [entry.score for entry in ranking.order]
    assert scores[0] == scores[1]
    gaps = {pair.worse_id.int: pair.gap for pair in ranking.pairs}
    assert gaps[2] == 0.05
    assert gaps.get(3, 0.0) == scores[1] - scores[2]


@pytest.mark.parametrize("author", Author)
@pytest.mark.parametrize("all_pairs", [True, False])
@pytest.mark.parametrize(
    "empty",
    [
        *({"program": text} for text in EMPTY),
        {"program": "// nothing\n/* here */", "language": Language.JAVA},
        {"program": "#!/bin/bash\n# nothing\n", "language": Language.BASH},
        {"program": "/* a */ // b\n/+ c + d +/\n", "language": Language.D},
        {"program": "#lang racket\n; a\n#| b | c |#\n", "language": Language.RACKET},
        # The prompt alone is a program that compiles and does nothing.
        *({"program": "def f():\n    'a prompt'\n", "completion": text} for text in EMPTY),
        {"program": "def f():\n    'a prompt'\n", "completion": "```python\n```\n"},
    ],
)
def test_where_nothing_was_written_nothing_is_learnt(author, all_pairs, empty):
    group = [
        judged(1, author, 9, 9, **empty),
        judged(2, Author.TEACHER, 3, 9),
        judged(3, Author.STUDENT, 2, 9),
    ]

    ranking = rank(group, Rules(all_pairs=all_pairs))

    assert [entry.candidate_id.int for entry in ranking.order] == [1, 2, 3]
    assert ranking.best_id == UUID(int=2)
    assert [(pair.better_id.int, pair.worse_id.int) for pair in ranking.pairs] == [(2, 3)]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("# c\nx = 1", Language.PYTHON),
        ("```python\nx = 1\n```", Language.PYTHON),
        ("#include <stdio.h>", Language.C),
        ("/* a */ int x;", Language.CPP),
        ("// a\n1", Language.JAVASCRIPT),
        ("/", Language.GO),
        ("/+ a +/ int x;", Language.D),
        ("#lang racket\n#t", Language.RACKET),
    ],
)
def test_a_program_with_some_code_is_learnt(text, language):
    group = [
        judged(1, Author.TEACHER, 9, 9, program=text, language=language),
        judged(2, Author.STUDENT, 2, 9, language=language),
    ]

    assert rank(group, Rules()).best_id == UUID(int=1)


@pytest.mark.parametrize("mode", [PairMode.ALL, PairMode.TEACHER_OVER_STUDENT])
@pytest.mark.parametrize("preset", Preset)
def test_pairs_that_a_trainer_makes_keep_the_order_too(preset, mode):
    chance = random.Random(7)
    config = LossConfig(pairs=mode, tie_bonus=0.05)
    tokenizer = byte_tokenizer()
    ties = 0
    for _ in range(200):
        group, passed = random_group(chance)
        group = [one for one in group if has_text(one)]
        ranking = rank(group, Rules(preset=preset))
        if len(group) < 2:
            continue
        by_id = {one.candidate_id: one for one in group}
        ranked = as_sent(ranking, by_id)

        encoded = encode_group(ranked, tokenizer, 512, 512, config)

        number = {f"x = {one.int}": one for one in by_id}
        for better, worse, gap in encoded.pairs:
            one, other = (
                number[tokenizer.decode(encoded.responses[index][:-1])] for index in (better, worse)
            )
            assert passed[one] >= passed[other]
            if by_id[one].label is by_id[other].label and passed[one] == passed[other]:
                ties += 1
                assert by_id[one].author is Author.TEACHER
                assert by_id[other].author is Author.STUDENT
                assert gap == 0.05
    assert ties


def as_sent(ranking, by_id):
    """The group as a batch holds it."""
    return RankedGroup(
        group_id=UUID(int=0),
        problem_slug="t",
        prompt="Say x.",
        responses=tuple(
            Response(
                **dict(entry),
                pass_fraction=by_id[entry.candidate_id].pass_fraction,
                program=by_id[entry.candidate_id].program,
                finished=True,
            )
            for entry in ranking.order
        ),
        pairs=(),
        best=0,
    )


def test_every_share_of_up_to_two_hundred_tests_is_told_apart():
    shares = sorted({Fraction(passed, total) for total in range(1, 201) for passed in range(total)})
    chance = random.Random(3)

    for low, high in chance.sample(list(combinations(shares[:200], 2)), 500):
        group = [
            judged(1, Author.TEACHER, low.numerator, low.denominator, Label.PARTIAL_PASS),
            judged(2, Author.STUDENT, high.numerator, high.denominator, Label.PARTIAL_PASS),
        ]
        assert rank(group, Rules()).best_id == UUID(int=2)
