"""Copies of checks in which what they expect does not happen."""

import re

import pytest

from tests.unit.executor.derived_tests import EVERY, derived

VALUES = "def test_value(): assert half(4) == 2\n"
RAISES = "def test_it():\n    with pytest.raises(ValueError): half(-1)\n"


def copies(source, uneventful=True):
    found = derived(source, inside=EVERY).items
    return [item for item in found if item.site == 1 and item.is_uneventful is uneventful]


@pytest.mark.parametrize(
    ("check", "instead"),
    [
        ("with pytest.raises(ValueError): half(-1)", r"raises\(ValueError\):\s+half\(4\)"),
        ("with pytest.raises(ValueError):\n        x = -1\n        half(x)", r"half\(4\)\s+pass"),
        ("case.assertRaises(ValueError, half, -1)", r"assertRaises\(ValueError, half, 4\)"),
        ("case.assertRaisesRegex(ValueError, 'no', half, -1)", r"'no', half, 4\)"),
        ("pytest.raises(ValueError, half, -1)", r"raises\(ValueError, half, 4\)"),
        (
            "try:\n        half(-1)\n        assert False\n    except ValueError: pass",
            r"half\(4\)\s+assert False\s+except ValueError",
        ),
        ("run.assert_called_once()", r"type\(run\)\(\)\.assert_called_once\(\)"),
    ],
)
def test_the_test_expects_as_much_of_what_does_nothing(check, instead):
    texts = [item.text for item in copies(f"{VALUES}def test_it(run=None):\n    {check}\n")]

    assert re.search(instead, texts[0])


def test_a_function_that_makes_the_context_is_over_what_runs_in_it():
    source = (
        VALUES
        + "def refused(kind): return pytest.raises(kind)\n"
        + "def test_it():\n    with refused(ValueError): half(-1)\n"
    )
    texts = [item.text for item in copies(source)]

    assert re.search(r"refused_\0\(ValueError\):\s+half\(4\)", texts[0])


@pytest.mark.parametrize("check", ["pytest.warns(UserWarning)", "case.assertLogs('app')"])
def test_nothing_is_called_where_a_call_may_do_what_is_expected(check):
    texts = [item.text for item in copies(f"{VALUES}def test_it():\n    with {check}: half(3)\n")]

    assert texts
    assert all("half" not in text for text in texts)


def test_every_class_comes_with_both():
    source = VALUES + RAISES
    others = [item.text for item in copies(source, uneventful=False)]
    nothing = [item.text for item in copies(source) if "half(4)" in item.text]
    kinds = re.compile(r"raises\((\w+)\)")

    expected = [kinds.findall(text)[0] for text in others[:3]]
    assert [kinds.findall(text)[0] for text in nothing] == ["ValueError", *expected]


def test_a_copy_relies_on_the_test_of_its_call():
    found = derived(VALUES + RAISES, inside=EVERY).items
    names = {number: item.name for number, item in enumerate(found)}
    relied_on = {names.get(item.relies_on) for item in found if item.is_uneventful}

    assert relied_on == {"test_value", None}
    assert {item.relies_on for item in found if not item.is_uneventful} == {None}


@pytest.mark.parametrize(
    "other",
    [
        "def test_value():\n    n = 4\n    assert half(n) == 2\n",
        "@pytest.mark.parametrize('n', [4])\ndef test_value(n): assert half(n) == 2\n",
        "def test_value(): assert all(half(n) for n in (4, 6))\n",
        "def test_value(): assert True or half(-2) == 2\n",
        "def test_value():\n    with pytest.raises(ValueError): half(-3)\n",
    ],
)
def test_no_call_is_taken_that_needs_its_test_or_may_not_return(other):
    texts = [item.text for item in copies(other + RAISES) if "half" in item.text]

    assert not [text for text in texts if re.search(r"ValueError\):\s+half", text)]


def test_a_fixture_of_the_same_name_is_the_same():
    other = "def test_value(shop): assert shop.half(4) == 2\n"
    mine = "def test_it(shop):\n    with pytest.raises(ValueError): shop.half(-1)\n"

    assert any("shop.half(4)" in item.text for item in copies(other + mine))
    assert not any("shop.half(4)" in item.text for item in copies(other + RAISES))
