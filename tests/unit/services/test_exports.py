"""Rows of exports: in the order of the ranking, with nothing said twice, and every id."""

import random
from datetime import UTC, datetime
from uuid import UUID

import pytest

from infra.contracts.base import Author, Integrity, Label, SkipReason
from infra.contracts.prompting import PromptForm, PromptStyle, Sampled
from infra.contracts.ranking import ADVICE
from infra.prompting.wording import quoted
from infra.records import ranked_files
from ranker.ranking import Preset, Rules
from services.exports.rows import Rows
from services.exports.shapes import Shape
from services.exports.wanted import LeftOut, Wanted
from services.exports.writing import Format
from services.exports.writing import export as write_export
from tests.ranked_groups import PROMPT, STUDENT, TEACHER, candidate, view

NUM_GROUPS = 2_000
ORDER = tuple(Label)


def export(shape, *groups, wanted=None, conversational=False):
    rows = Rows(shape, wanted or Wanted(), conversational)
    return list(rows.of(groups)), rows.left_out


MIXED = view(
    candidate(1, STUDENT, 4),
    candidate(2, STUDENT, 2),
    candidate(3, STUDENT, 0),
    candidate(4, STUDENT, 0, label=Label.RUNTIME_ERROR),
    rules=Rules(all_pairs=True),
)
"""Models m1, m0, m1, m0."""


def pairs(rows):
    return [(UUID(row["chosen_id"]).int, UUID(row["rejected_id"]).int) for row in rows]


def test_no_row_of_random_groups_is_against_the_order_or_imitates_what_passes_nothing():
    chance = random.Random(21)
    presets = [preset for preset in Preset if preset is not Preset.LINEAR]
    num_rows = 0
    for number in range(NUM_GROUPS):
        total = chance.choice((1, 7, 20, 164))
        group = []
        for one in range(1, chance.randint(3, 9)):
            label = chance.choice(ORDER)
            passed = {Label.ALL_PASS: total, Label.PARTIAL_PASS: chance.randrange(total)}
            author = chance.choice(list(Author))
            group.append(candidate(one, author, passed.get(label, 0), total, label))
        rules = Rules(preset=chance.choice(presets), all_pairs=chance.random() < 0.5)
        rows, _ = export(Shape.PREFERENCE, view(*group, rules=rules, number=number))
        for row in rows:
            chosen, rejected = (
                (ORDER.index(row[f"{side}_label"]), row[f"{side}_pass_fraction"])
                for side in ("chosen", "rejected")
            )
            assert chosen >= rejected
            if chosen == rejected:
                assert (row["chosen_author"], row["rejected_author"]) == tuple(Author)
            assert row["chosen_pass_fraction"] > 0
            assert row["gap"] > 0
        num_rows += len(rows)
    assert num_rows > NUM_GROUPS


def test_a_pair_has_the_columns_of_trl_and_says_where_it_comes_from():
    first, *_ = export(Shape.PREFERENCE, MIXED)[0]

    assert (first["prompt"], first["chosen"]) == (PROMPT, "    return 1\n")
    assert first["rejected"] == "    return 2\n"
    assert (first["problem"], first["problem_id"]) == ("p", str(UUID(int=7)))
    assert (first["group_id"], first["policy"]) == (str(UUID(int=1)), "default")
    sides = {
        name: (first[f"chosen_{name}"], first[f"rejected_{name}"])
        for name in ("label", "model", "pass_fraction", "author", "checkpoint_id")
    }
    assert sides == {
        "label": ("all_pass", "partial_pass"),
        "model": ("m1", "m0"),
        "pass_fraction": (1.0, 0.5),
        "author": ("student", "student"),
        "checkpoint_id": (str(UUID(int=9)),) * 2,
    }
    assert first["gap"] == first["margin"] == first["chosen_score"] - first["rejected_score"]


@pytest.mark.parametrize(
    ("shape", "texts"),
    [
        (Shape.COMPLETION, ["completion"]),
        (Shape.PREFERENCE, ["chosen", "rejected"]),
        (Shape.UNPAIRED, ["completion"]),
        (Shape.PROMPT, []),
    ],
)
def test_texts_of_a_conversation_are_its_messages(shape, texts):
    plain, _ = export(shape, MIXED)
    said, _ = export(shape, MIXED, conversational=True)

    assert plain
    for row, conversation in zip(plain, said, strict=True):
        assert conversation["prompt"] == [{"role": "user", "content": PROMPT}]
        for name in texts:
            lists = (row[name], conversation[name])
            both = [lists] if isinstance(row[name], str) else list(zip(*lists, strict=True))
            for text, messages in both:
                assert messages == [{"role": "assistant", "content": text}]
        others = row.keys() - {"prompt", *texts}
        assert {name: row[name] for name in others} == {n: conversation[n] for n in others}


def test_texts_in_a_prompt_form_are_those_that_a_trainer_of_it_learns():
    paper = PromptForm(style="paper")
    chat = PromptForm(style="instruct", system="Be brief.", prefill="```python\n")
    group = MIXED.model_copy(update={"entry_point": "f"})
    first, *others = group.responses
    sampled = {"sampled": Sampled(form=chat), "written": "as it was written"}
    group = group.model_copy(update={"responses": (first.model_copy(update=sampled), *others)})

    (plain, *_) = Rows(Shape.PREFERENCE, Wanted(), prompt_form=paper).of([group])
    (said, *_) = Rows(Shape.PREFERENCE, Wanted(), prompt_form=chat).of([group])

    assert plain["prompt"] == quoted(PROMPT)
    assert (plain["chosen"], plain["rejected"]) == (first.program, others[0].program)
    assert [turn["role"] for turn in said["prompt"]] == ["system", "user", "assistant"]
    assert "`f`" in said["prompt"][1]["content"]
    assert said["chosen"] == [{"role": "assistant", "content": "as it was written"}]
    assert said["rejected"] == [{"role": "assistant", "content": f"{others[0].program}```"}]


def test_unpaired_completions_are_told_by_whether_they_pass_every_test():
    rows, _ = export(Shape.UNPAIRED, MIXED)

    assert [row["label"] for row in rows] == [True, False, False, False]


def test_prompts_come_once_for_each_problem():
    rows, left_out = export(Shape.PROMPT, MIXED, MIXED, view(candidate(5, TEACHER, 4)))

    assert [row["problem"] for row in rows] == ["p"]
    assert left_out.rows == {"there already": 2}


@pytest.mark.parametrize(
    ("wanted", "kept", "reason", "count"),
    [
        (Wanted(), [(1, 2), (1, 3), (1, 4), (2, 3), (2, 4)], "imitated passes no test", 1),
        (Wanted(min_best=Label.ALL_PASS), [(1, 2), (1, 3), (1, 4)], "is below `all_pass`", 3),
        (Wanted(min_gap=0.3), [(1, 3), (1, 4), (2, 4)], "gap below 0.3", 2),
        (Wanted(labels=frozenset({Label.ALL_PASS, Label.RUNTIME_ERROR})), [(1, 4)], "label", 5),
        (Wanted(models=frozenset({"m0"})), [(1, 2), (1, 4), (2, 3), (2, 4)], "another model", 1),
        (Wanted(max_pairs_per_problem=2), [(1, 4), (2, 4)], "more than 2 pairs", 3),
    ],
)
def test_what_is_not_wanted_is_left_out_and_counted_by_reason(wanted, kept, reason, count):
    rows, left_out = export(Shape.PREFERENCE, MIXED, wanted=wanted)

    assert pairs(rows) == kept
    (found,) = [number for words, number in left_out.rows.items() if reason in words]
    assert found == count
    assert len(rows) + left_out.rows.total() == len(MIXED.pairs)


def test_what_passes_nothing_is_imitated_on_request():
    rows, left_out = export(Shape.PREFERENCE, MIXED, wanted=Wanted(min_best=Label.RUNTIME_ERROR))

    assert (3, 4) in pairs(rows)
    assert left_out == LeftOut()


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (Wanted(since=datetime(2026, 1, 3, tzinfo=UTC)), "ranked before 2026-01-03"),
        (Wanted(integrity=Integrity.SHARED), "not `shared`"),
        (Wanted(min_strength=0.5), "tests of strength below 0.5 or unknown"),
    ],
)
def test_groups_that_are_not_wanted_are_counted(wanted, reason):
    rows, left_out = export(Shape.PREFERENCE, MIXED, wanted=wanted)

    assert rows == []
    assert any(line.startswith(f"left out, {reason}") for line in left_out.lines())
    assert export(Shape.PREFERENCE, MIXED, wanted=Wanted(since=MIXED.created_at))[0]


def test_labels_by_tests_that_were_found_unsound_are_never_exported():
    unsound = MIXED.model_copy(update={"skip_reason": SkipReason.UNSOUND_PROBLEM})

    for shape in Shape:
        assert export(shape, unsound) == ([], LeftOut(groups={"tests found unsound": 1}))


def test_groups_without_pairs_say_why_and_what_to_do():
    alone = view(candidate(1, STUDENT, 4), candidate(2, STUDENT, 2))

    rows, left_out = export(Shape.PREFERENCE, alone, MIXED)

    assert rows
    assert left_out.no_pairs == {SkipReason.NO_TEACHER: 1}
    assert f"no pairs in 1 group, no_teacher: {ADVICE[SkipReason.NO_TEACHER]}" in list(
        left_out.lines()
    )


def test_a_pair_of_the_same_texts_comes_once_and_one_of_equal_texts_never():
    same = view(candidate(8, TEACHER, 4, program="x"), candidate(9, STUDENT, 2, program="y"))
    text = same.responses[0].completion
    equal = tuple(one.model_copy(update={"completion": text}) for one in same.responses)

    rows, left_out = export(
        Shape.PREFERENCE, same, same, same.model_copy(update={"responses": equal})
    )

    assert len(rows) == 1
    assert left_out.rows == {"there already": 1, "both say the same beyond the prompt": 1}


@pytest.mark.parametrize("form", Format)
def test_a_ranked_group_is_read_from_a_file_as_it_was_exported(form, tmp_path):
    sampled = Sampled(
        form=PromptForm(style=PromptStyle.INSTRUCT, template={"enable_thinking": False}),
        prompt_token_ids=(1, 2),
        token_ids=(3,),
        logps=(-0.5,),
        answer={"refusal": None, "calls": [1]},
    )
    first = MIXED.responses[0].model_copy(update={"sampled": sampled, "written": "1"})
    group = MIXED.model_copy(update={"responses": (first, *MIXED.responses[1:])})

    write_export([MIXED, group], tmp_path / "out", Shape.RANKED, form, Wanted())

    # What is said twice of a problem is there once.
    assert list(ranked_files.read(tmp_path / "out")) == [MIXED]
    write_export([group], tmp_path / "other", Shape.RANKED, form, Wanted())
    assert list(ranked_files.read(tmp_path / "other")) == [group]
