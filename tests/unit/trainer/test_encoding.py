"""From a ranked group to token ids: where prompt, response and end are."""

from dataclasses import replace

import pytest

from infra.contracts.base import Author, Integrity, Label
from infra.prompting.wording import quoted
from tests.unit.trainer.students import BAD, GOOD, ranked_group
from trainer.batches.encoding import encode_group
from trainer.models.tokenizer import byte_tokenizer
from trainer.modes.config import LossConfig, Mode, PairMode
from trainer.modes.groups import OwnPrograms

TOKENIZER = byte_tokenizer()
END = TOKENIZER.eos_token_id


@pytest.mark.parametrize(
    "text", ["", "a", "naïve → 🐍", "\x00\x7f\n\t", " leading", "<|endoftext|x"]
)
def test_the_tokenizer_loses_nothing(text):
    ids = TOKENIZER.encode(text, add_special_tokens=False)

    assert TOKENIZER.decode(ids) == text
    assert len(ids) == len(text.encode())


def test_prompt_and_response_are_encoded_apart():
    group = ranked_group(GOOD, BAD)

    encoded = encode_group(group, TOKENIZER, 512, 512)

    assert TOKENIZER.decode(encoded.prompt) == quoted(group.prompt)
    assert [TOKENIZER.decode(ids[:-1]) for ids in encoded.responses] == [GOOD, BAD]


def test_the_end_is_trained_on_complete_texts():
    encoded = encode_group(ranked_group(GOOD, BAD), TOKENIZER, 512, 512)

    assert [ids.count(END) for ids in encoded.responses] == [1, 1]
    assert [ids[-1] for ids in encoded.responses] == [END, END]
    assert encoded.lengths == [len(GOOD) + 1, len(BAD) + 1]
    assert encoded.best == 0


@pytest.mark.parametrize(
    ("finished", "max_response"),
    [(False, 512), (True, 10), (True, len(GOOD))],
    ids=["the sampler cut it", "it is too long", "only its end does not fit"],
)
def test_a_cut_text_has_no_end_and_is_never_imitated(finished, max_response):
    group = ranked_group(GOOD, BAD, finished=finished)

    encoded = encode_group(group, TOKENIZER, 512, max_response)

    assert all(END not in ids for ids in encoded.responses)
    assert all(len(ids) <= max_response for ids in encoded.responses)
    assert encoded.best is None
    assert encoded.only_best() is None
    assert encoded.pairs == [(0, 1, 0.7)]


def test_a_text_that_just_fits_keeps_its_end():
    encoded = encode_group(ranked_group(GOOD, BAD), TOKENIZER, 512, len(GOOD) + 1)

    assert encoded.responses[0][-1] == END
    assert encoded.best == 0


def test_a_prompt_that_is_too_long_loses_its_beginning():
    group = ranked_group(GOOD, BAD).model_copy(update={"prompt": "ab" * 100})

    encoded = encode_group(group, TOKENIZER, 20, 512)

    assert TOKENIZER.decode(encoded.prompt) == quoted(group.prompt)[-20:]


def test_an_empty_program_is_its_end_alone():
    encoded = encode_group(ranked_group(GOOD, ""), TOKENIZER, 512, 512)

    assert encoded.responses[1] == [END]


def test_pairs_are_the_rankers_unless_another_mode_is_chosen():
    group = ranked_group(GOOD, BAD, "pass\n", pairs=((0, 2, 0.123),))
    all_pairs = LossConfig(pairs=PairMode.ALL)
    teacher = LossConfig(pairs=PairMode.TEACHER_OVER_STUDENT, tie_bonus=0.05)

    ranked = encode_group(group, TOKENIZER, 512, 512)
    of_all = encode_group(group, TOKENIZER, 512, 512, all_pairs)
    of_teacher = encode_group(group, TOKENIZER, 512, 512, teacher)

    assert group.responses[0].author is Author.TEACHER
    assert ranked.pairs == [(0, 1, 0.123)]
    assert TOKENIZER.decode(ranked.responses[1][:-1]) == "pass\n"
    assert of_all.pairs == [(0, 1, pytest.approx(0.7)), (0, 2, pytest.approx(0.7))]
    assert of_teacher.pairs == of_all.pairs


def responses_of(group, *changes):
    """The group with its responses' fields changed, one after the other."""
    changed = [
        one.model_copy(update=fields) for one, fields in zip(group.responses, changes, strict=True)
    ]
    return group.model_copy(update={"responses": tuple(changed)})


def test_rrhf_skips_ties_of_a_teacher_with_a_student_and_a_bonus_breaks_them():
    group = responses_of(ranked_group(GOOD, BAD), {"score": 1.0}, {"score": 1.0})
    rrhf = LossConfig.of(Mode.RRHF)

    skipped = encode_group(group, TOKENIZER, 512, 512, rrhf)
    broken = encode_group(group, TOKENIZER, 512, 512, replace(rrhf, tie_bonus=0.02))

    assert skipped.pairs == []
    assert [TOKENIZER.decode(ids[:-1]) for ids in skipped.responses] == [GOOD]
    assert broken.pairs == [(0, 1, pytest.approx(0.02))]


def test_pairs_made_here_teach_a_program_once_and_nothing_of_an_empty_one():
    group = ranked_group(GOOD, BAD, BAD, GOOD, "", "pass\n")
    scores = ({"score": score} for score in (1.0, 0.3, 0.3, 0.9, 0.0, 0.5))
    config = LossConfig(pairs=PairMode.ALL)

    encoded = encode_group(responses_of(group, *scores), TOKENIZER, 512, 512, config)

    programs = [TOKENIZER.decode(ids[:-1]) for ids in encoded.responses]
    pairs = sorted((programs[better], programs[worse]) for better, worse, _ in encoded.pairs)
    assert pairs == sorted([(GOOD, BAD), (GOOD, "pass\n"), ("pass\n", BAD)])
    assert len(programs) == 3


def test_nothing_is_imitated_where_nothing_was_written():
    encoded = encode_group(ranked_group(" \n", BAD), TOKENIZER, 512, 512)

    assert encoded.best is None


def test_a_group_reduced_to_its_best_keeps_what_is_imitated():
    encoded = encode_group(ranked_group(GOOD, BAD), TOKENIZER, 512, 512)

    best = encoded.only_best()

    assert best is not None
    assert best.responses == [encoded.responses[0]]
    assert (best.best, best.pairs) == (0, [])


@pytest.mark.parametrize(
    ("integrity", "shared"), [(Integrity.SHARED, 1), (Integrity.ISOLATED, 0), (None, 0)]
)
def test_what_the_policy_wrote_is_counted(integrity, shared):
    group = ranked_group(GOOD, BAD, BAD, GOOD)
    passed = group.responses[3].model_copy(update={"label": Label.ALL_PASS})
    responses = (*group.responses[:3], passed)
    given = group.model_copy(update={"responses": responses, "integrity": integrity})

    own = encode_group(given, TOKENIZER, 512, 512).own

    assert own == OwnPrograms(
        count=3, passed=1, shared=shared, distinct=2, characters=2 * len(BAD) + len(GOOD)
    )
