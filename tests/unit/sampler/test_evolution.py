"""Operators, elimination, likeness and agreement: what decides an evolution, without any model."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.evolution import operators
from sampler.evolution.elimination import Reason, judge
from sampler.evolution.likeness import Index, grams, words_of
from sampler.evolution.testing import agree, read_tests, shape_of

PARENT = "Add up the numbers of a list and return the sum."
CHILD = (
    "Add up those numbers of a list that stand at an even place, and return the sum; an empty list"
    " gives nothing.\n\ndef add_even(values):"
)


def test_all_five_ways_are_used_and_the_rare_one_is_rare():
    chosen = Counter(operators.choose(0, f"task {number}", 1).name for number in range(5000))

    assert len(chosen) == 5
    assert min(chosen, key=chosen.get) == "tighten"
    assert 250 < chosen["tighten"] < 520


def test_the_choice_depends_on_run_task_and_round_and_nothing_else():
    assert operators.choose(1, "a", 1) == operators.choose(1, "a", 1)
    for varied in ([(n, "a", 1) for n in range(40)], [(1, "a", n) for n in range(40)]):
        assert len({operators.choose(*one).name for one in varied}) > 2


@pytest.mark.parametrize("operator", operators.OPERATORS, ids=lambda one: one.name)
def test_a_teacher_is_shown_the_task_the_way_and_the_limit(operator):
    _, user = operators.ask_to_evolve("Add {two} numbers.", operator, 77)

    assert "Add {two} numbers." in user.content
    assert operator.way in user.content
    assert "77 words" in user.content


@pytest.mark.parametrize(
    ("completion", "task"),
    [
        ("<task>\nDo it.\n</task>", "Do it."),
        ("Sure! <task>Do it.</task> Done.", "Do it."),
        ("I will write <task> now.\n<task>\nDo it.\n</task>", "Do it."),
        ("<task>Do it, and never", "Do it, and never"),
        ("Do it.", ""),
        ("<task></task>", ""),
    ],
)
def test_the_task_is_what_stands_between_the_marks(completion, task):
    assert operators.read_task(completion) == task


@pytest.mark.parametrize(
    ("task", "name"),
    [
        ("x\ndef f(a):", "f"),
        ("x\n    def f (a, b=2):\n        return 1", "f"),
        ("wrong:\ndef bad(a): pass\nright:\ndef good(a):", "good"),
        ("write `def f(a):` please", "f"),
        ("define a function", None),
        ("undef f(a)", None),
    ],
)
def test_the_function_is_the_last_that_is_shown(task, name):
    assert operators.signature_of(task) == name


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        (CHILD, None),
        ("", Reason.NO_TASK),
        ("Do it.", Reason.TOO_SHORT),
        ("the a and of to in !!!", Reason.ONLY_STOP_WORDS),
        (CHILD + " more" * 200, Reason.TOO_LONG),
        ("I'm sorry, but as an AI language model I cannot do that.", Reason.REFUSAL),
        ("Like the old task, but with three numbers.\ndef f(a):", Reason.LEAKED_MARKER),
        (CHILD + "\n#Rewritten Task#", Reason.LEAKED_MARKER),
        (PARENT.upper().replace(" ", "\n"), Reason.UNCHANGED),
        ("Multiply all numbers of a list by the largest of them.", Reason.NO_SIGNATURE),
    ],
)
def test_each_rule_names_its_reason(task, reason):
    assert judge(task, PARENT, 250) is reason


def test_a_task_may_be_sorry_further_down():
    assert judge(CHILD + " " + "word " * 20 + "The clerk is sorry.", PARENT, 250) is None


def test_a_task_may_grow_with_its_parent_but_not_beyond_the_limit():
    parent = " ".join(f"word{number}" for number in range(100))
    task = " ".join(f"other{number}" for number in range(200)) + "\ndef f(a):"

    assert judge(task, parent, 250) is None
    assert judge(task, parent, 150) is Reason.TOO_LONG
    assert judge(task, "Add two numbers.", 250) is Reason.TOO_LONG


def test_case_punctuation_and_layout_do_not_count():
    assert words_of("Return-the  SUM,\nof `values_2`!") == words_of("return the sum of values 2")


@given(st.lists(st.sampled_from("abc"), max_size=12), st.integers(1, 5))
def test_every_gram_is_a_run_of_the_words(words, size):
    for gram in grams(words, size):
        assert gram in " ".join(words)
    assert bool(grams(words, size)) == bool(words)


def test_an_index_finds_what_is_alike_and_not_what_is_left_out():
    index = Index(0.6)
    texts = [" ".join(f"w{number * 100 + word}" for word in range(60)) for number in range(300)]
    for text in texts:
        index.add(text)

    for number in range(0, 300, 17):
        changed = texts[number].upper().replace("W1", "x", 3)
        assert index.nearest(changed).number == number
        assert index.nearest(texts[number], but={number}) is None
    assert index.nearest("quite another text about nothing of the kind") is None


def test_an_empty_text_is_like_no_other():
    index = Index(0.6)
    index.add("some words that are there")

    assert index.nearest("") is None


def test_only_asserts_that_compare_a_call_are_read():
    completion = """```python
assert f(1) == 2
  assert f( 1 )  ==  2
assert 2 == f(1), "message"
assert f(1)
assert g(1) == 2
assert (f(1) ==
        2)
assert f('\\d') != f(2)
print(f(1))
x = 1; assert f(1) == 2
assert f(
```
"""

    assert read_tests(completion, "f", 10) == [
        "assert f(1) == 2",
        "assert 2 == f(1), 'message'",
        "assert f('\\\\d') != f(2)",
    ]
    assert read_tests(completion, "f", 1) == ["assert f(1) == 2"]


def test_a_test_counts_only_if_two_different_programs_pass_it():
    same = "def f():\n    return 1\n"
    also = "def f():  # with a comment\n\n    return 1"

    assert shape_of(same) == shape_of(also)
    assert agree([same, also], [frozenset({0, 1})] * 2) is None
    assert agree([same, "def f(): return 2"], [frozenset({0, 1})] * 2).tests == (0, 1)
    assert agree([same, "def f(): return 2"], [frozenset({0}), frozenset({1})]) is None


def test_the_set_that_most_programs_agree_on_wins():
    programs = [f"x = {number}" for number in range(6)]
    majority, minority = frozenset({0, 1, 2}), frozenset({3, 4, 5})
    passed = [majority, majority, majority, minority, minority, frozenset()]

    agreement = agree(programs, passed)

    assert agreement.programs == (0, 1, 2)
    assert agreement.tests == (0, 1, 2)
    assert agreement.num_different == 3


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.frozensets(st.integers(0, 5))), min_size=1, max_size=10
    )
)
def test_whatever_is_agreed_on_has_two_different_programs_that_pass_all_of_it(rows):
    programs = [f"x = {number}" for number, _ in rows]
    passed = [tests for _, tests in rows]

    agreement = agree(programs, passed)

    if agreement is not None:
        assert agreement.tests
        assert len({programs[number] for number in agreement.programs}) >= 2
        assert all(passed[number] == set(agreement.tests) for number in agreement.programs)
    else:
        by_tests = Counter()
        for tests in set(passed) - {frozenset()}:
            by_tests[tests] = len({p for p, t in zip(programs, passed, strict=True) if t == tests})
        assert all(count < 2 for count in by_tests.values())
