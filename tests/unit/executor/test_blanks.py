"""Literals of test code that are filled in when a program is compiled."""

import struct

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from executor.judging.programs.blanks import Blank, Form
from executor.judging.programs.changing import changes
from infra.contracts.base import Language

SOURCE = 'assert(f(1) == 5); assert(f(2) == 2.5); assert(f(3) == "a longer text, abcdefgh");'


def blanks(language=Language.CPP, source=SOURCE):
    found = changes(source, language, "f")
    return [b for c in found if (b := Blank.of(source, language, *c)) is not None]


def filled(form, compiled, language, changed=()):
    files = {"main": compiled}
    return form.filled(files, form.places(files, language), language, changed)["main"]


def machine_code(word):
    return b"\x3d" + struct.pack("<i", int(word)) + b"\x0f\x94"


def test_stand_ins_take_the_place_of_what_is_expected_and_of_nothing_else():
    form = Form.of(SOURCE, blanks())

    first, second, third = form.words

    assert form.source == (
        f"assert(f(1) == {first}); assert(f(2) == {second}.5);"
        f' assert(f(3) == "a longer text, {third}");'
    )


@pytest.mark.parametrize(
    "literal", ["'c'", '"short"', "0x10", "1e5", "07", "99999999999", '"a\\n"']
)
def test_what_a_compiler_may_write_in_many_ways_has_no_blank(literal):
    assert blanks(source=f"assert(f(1) == {literal});") == []


def test_a_script_has_a_blank_for_every_literal():
    source = "assert.equal(f(1), 'a'); assert.equal(f(2), true); expect(f(3)).toBeTruthy()"

    form = Form.of(source, blanks(Language.TYPESCRIPT, source))
    written = form.source.encode()

    assert [one.kind for one in form.blanks] == ["name"] * 3
    assert filled(form, written, Language.TYPESCRIPT).decode() == source
    changed = filled(form, written, Language.TYPESCRIPT, [form.blanks[1]])
    assert changed.decode() == source.replace("true", "false")


def test_numbers_are_filled_in_as_the_machine_has_them():
    form = Form.of("f() == 5", blanks(source="f() == 5"))
    (blank,), (word,) = form.blanks, form.words

    made = machine_code(word) + struct.pack("<d", float(word)) + b"rest"

    assert [len(places) for places in form.places({"main": made}, Language.CPP)] == [2]
    changed = filled(form, made, Language.CPP, [blank])
    assert filled(form, made, Language.CPP) == machine_code(5) + struct.pack("<d", 5.0) + b"rest"
    assert changed == machine_code(6) + struct.pack("<d", 6.0) + b"rest"


def test_a_negative_number_is_filled_in_as_one():
    form = Form.of("f() == -5", blanks(source="f() == -5"))
    made = struct.pack("<q", -int(form.words[0]))

    assert struct.unpack("<q", filled(form, made, Language.GO)) == (-5,)


def test_a_text_keeps_its_length():
    source = 'f() == "a longer text, abcdefgh"'
    form = Form.of(source, blanks(source=source))
    (blank,), (word,) = form.blanks, form.words

    made = f"a longer text, {word}\0".encode()

    assert filled(form, made, Language.C) == b"a longer text, abcdefgh\0"
    assert len(blank.other) == len(blank.own) == len(word)
    assert blank.other != blank.own


def test_a_complaint_about_a_stand_in_is_known():
    form = Form.of(SOURCE, blanks())

    assert form.is_spoken_of(f"error: overflow in conversion of {form.words[0]}")
    assert not form.is_spoken_of("error: 'g' was not declared")
    assert form.readable(f"{form.words[0]}: no".encode()) == b"5: no"


def numbers():
    digits = st.integers(0, 2**31 - 2).map(str)
    fraction = st.sampled_from(["", "", ".0", ".5", ".25", ".1"])
    return st.builds(lambda own, f: ("number", own, str(int(own) + 1), f), digits, fraction)


def texts():
    letters = st.text("abcXYZ019", min_size=6, max_size=12)
    return letters.map(lambda own: ("text", own, f"{own[:-1]}~", ""))


@st.composite
def layouts(draw):
    """Blanks, and of what a program is made: bytes, each with the form of a blank behind it."""
    kinds = draw(st.lists(st.one_of(numbers(), numbers(), texts()), min_size=1, max_size=8))
    blanks = tuple(Blank(at, at + 1, *kind) for at, kind in enumerate(kinds))
    between = st.tuples(st.binary(max_size=9), st.integers(0, 7), st.integers(0, 12))
    places = st.tuples(between, st.integers(0, len(blanks) - 1), st.integers(0, 3))
    return blanks, draw(st.lists(places, max_size=30))


def laid_out(form, words, places, language):
    """Write what a compiler would; before a stand-in, some have a part of another one."""
    made = b""
    for (filler, other, length), at, kind in places:
        blank, alike = form.blanks[at], other % len(form.blanks)
        forms = list(blank.written(language, words[at]))
        part = next(form.blanks[alike].written(language, form.words[alike]))
        made += filler + part[: min(length, len(part) - 1)] + forms[kind % len(forms)]
    return made


def everywhere(form, content, language):
    """Look for each form of each stand-in at each place."""
    found = []
    for blank, word in zip(form.blanks, form.words, strict=True):
        forms = list(enumerate(blank.written(language, word)))
        at_all = [
            (at, n) for n, w in forms for at in range(len(content)) if content[at:].startswith(w)
        ]
        found.append(sorted(at_all))
    return found


@pytest.mark.slow
@settings(deadline=None)
@given(layouts(), st.sampled_from([Language.CPP, Language.JAVA]))
def test_what_is_filled_in_is_what_a_compiler_would_have_written(layout, language):
    blanks, places = layout
    form = Form.of("." * len(blanks), blanks)
    content = laid_out(form, form.words, places, language)

    found = form.places({"main": content}, language)

    expected = everywhere(form, content, language)
    assert [sorted((one.at, one.form) for one in where) for where in found] == expected
    assume(sum(map(len, expected)) == len(places))  # No stand-in came about by chance.
    own = laid_out(form, [blank.own for blank in blanks], places, language)
    assert filled(form, content, language) == own
    some = blanks[::2]
    words = [blank.other if blank in some else blank.own for blank in blanks]
    assert filled(form, content, language, some) == laid_out(form, words, places, language)


@settings(deadline=None)
@given(st.lists(numbers(), min_size=1, max_size=8), st.sampled_from([Language.C, Language.SCALA]))
def test_stand_ins_for_numbers_are_different_and_none_is_a_part_of_another(kinds, language):
    blanks = [Blank(at, at + 1, *kind) for at, kind in enumerate(kinds)]

    form = Form.of("." * len(blanks), blanks)

    assert len(set(form.words)) == len(blanks)
    written = [
        w for b, word in zip(blanks, form.words, strict=True) for w in b.written(language, word)
    ]
    assert len(set(written)) == len(written)
