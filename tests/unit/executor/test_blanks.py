"""Literals of test code that are filled in when a program is compiled."""

import base64
import struct

import pytest

from executor.judging.programs.blanks import Blank, Form
from executor.judging.programs.changing import changes
from infra.contracts.base import Language

SOURCE = 'assert(f(1) == 5); assert(f(2) == 2.5); assert(f(3) == "a longer text, abcdefgh");'


def blanks(language=Language.CPP, source=SOURCE):
    found = changes(source, language, "f")
    return [b for c in found if (b := Blank.of(source, language, *c)) is not None]


def in_base64(text):
    return {"main": base64.b64encode(text).decode()}


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
    written = in_base64(form.source.encode())

    assert [one.kind for one in form.blanks] == ["name"] * 3
    assert base64.b64decode(form.filled(written, Language.TYPESCRIPT)["main"]).decode() == source
    changed = form.filled(written, Language.TYPESCRIPT, [form.blanks[1]])["main"]
    assert base64.b64decode(changed).decode() == source.replace("true", "false")


def test_numbers_are_filled_in_as_the_machine_has_them():
    form = Form.of("f() == 5", blanks(source="f() == 5"))
    (blank,), (word,) = form.blanks, form.words

    made = in_base64(machine_code(word) + struct.pack("<d", float(word)) + b"rest")

    assert form.counts(made, Language.CPP) == (2,)
    filled = base64.b64decode(form.filled(made, Language.CPP)["main"])
    changed = base64.b64decode(form.filled(made, Language.CPP, [blank])["main"])
    assert filled == machine_code(5) + struct.pack("<d", 5.0) + b"rest"
    assert changed == machine_code(6) + struct.pack("<d", 6.0) + b"rest"


def test_a_negative_number_is_filled_in_as_one():
    form = Form.of("f() == -5", blanks(source="f() == -5"))
    made = in_base64(struct.pack("<q", -int(form.words[0])))

    filled = base64.b64decode(form.filled(made, Language.GO)["main"])

    assert struct.unpack("<q", filled) == (-5,)


def test_a_text_keeps_its_length():
    source = 'f() == "a longer text, abcdefgh"'
    form = Form.of(source, blanks(source=source))
    (blank,), (word,) = form.blanks, form.words

    made = in_base64(f"a longer text, {word}\0".encode())

    assert base64.b64decode(form.filled(made, Language.C)["main"]) == b"a longer text, abcdefgh\0"
    assert len(blank.other) == len(blank.own) == len(word)
    assert blank.other != blank.own


def test_a_complaint_about_a_stand_in_is_known():
    form = Form.of(SOURCE, blanks())

    assert form.is_spoken_of(f"error: overflow in conversion of {form.words[0]}")
    assert not form.is_spoken_of("error: 'g' was not declared")
    assert form.readable(f"{form.words[0]}: no".encode()) == b"5: no"
