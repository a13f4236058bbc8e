"""Mutants of programs: which there are, and that each is the program with one small change."""

import ast

import pytest

from executor.guest.mutants.programs import mutants


def changed(source, mutant):
    data = source.encode()
    return (data[: mutant.start] + mutant.text.encode() + data[mutant.end :]).decode()


def changes(source, most=1000, runs_main=True):
    return {
        ast.unparse(ast.parse(changed(source, one))) for one in mutants(source, most, runs_main)
    }


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("f(3)", {"f(2)", "f(4)", "pass"}),
        ("x = True", {"x = False"}),
        ("x = a < b", {"x = a <= b"}),
        ("x = a < b == c", {"x = a <= b == c", "x = a < b != c"}),
        ("x = a in b", {"x = a not in b"}),
        ("x = a + b * c", {"x = a - b * c", "x = a + (b + c)"}),
        ("x = a and b", {"x = a or b"}),
        ("x = -a", {"x = a"}),
        ("x += y", {"x -= y", "pass"}),
        ("x = y if a > b else z", {
            "x = y if a >= b else z", "x = y if not a > b else z",
        }),
        ("for i in range(n):\n    pass", {
            "for i in range(n - 1):\n    pass", "for i in range(n + 1):\n    pass",
        }),
        ("x = xs[a:]", {"x = xs[a - 1:]", "x = xs[a + 1:]"}),
        ("x = 'a' + y", set()),
        ("x: int = y", set()),
        ("x = f'{1 + a}'", set()),
        ("'''Some 1 words.'''", set()),
        ("def f(self, a):\n    return b", {
            "def f(self, a):\n    return None", "def f(self, a):\n    return a",
        }),
        ("if not a:\n    b()", {"pass", "if a:\n    b()", "if not a:\n    pass"}),
        ("while True:\n    break", {"while False:\n    break", "while True:\n    pass"}),
        ("x = [a for a in b if c]", {"x = [a for a in b if not c]"}),
    ],
)  # fmt: skip
def test_each_kind_of_change_is_made(source, wanted):
    assert changes(source) == wanted


def test_a_change_meets_its_place_in_text_of_any_width():
    source = "x = 'ü€😀'; y = (a\n     + b); z = 'ü' if a <\\\n b else y\n"

    assert changes(source) == {
        "x = 'ü€😀'\ny = a - b\nz = 'ü' if a < b else y",
        "x = 'ü€😀'\ny = a + b\nz = 'ü' if a <= b else y",
        "x = 'ü€😀'\ny = a + b\nz = 'ü' if not a < b else y",
    }


def test_what_runs_only_as_a_script_is_changed_only_where_it_runs():
    source = "if __name__ == '__main__':\n    f(1)\n"

    assert changes(source, runs_main=False) == set()
    assert "if __name__ == '__main__':\n    f(2)" in changes(source, runs_main=True)


def test_they_are_always_the_same_of_many_kinds_and_places_and_no_more_than_asked():
    lines = [f"def f{n}(a, b):\n    if a < {n}:\n        return a + b\n" for n in range(50)]
    source = "".join(lines)

    found = mutants(source, 20, True)

    assert found == mutants(source, 20, True)
    assert len(found) == 20
    assert len({changed(source, one) for one in found}) == 20
    assert len({one.line for one in found}) > 5
    assert {one.text for one in found} >= {"return None", "pass", "(a - b)"}


def test_a_change_is_shown_on_one_line():
    source = 'def f(a):\n    return [\n        a,\n        """x\n        y""" * 2,\n    ]\n'

    for one in mutants(source, 100, True):
        assert "\n" not in one.before + one.after
        assert one.before != one.after


def test_a_change_of_a_long_statement_is_shown_where_it_is():
    rows = ", ".join(f"'row{number}'" for number in range(100))

    (first, *_) = mutants(f"x = [{rows}, 41, {rows}]\n", 1000, True)

    assert len(first.before) == len(first.after) == 160
    assert first.before.startswith("... ")
    assert (" 41," in first.before, " 41," in first.after) == (True, False)
