"""Both sides of the wire in one process: what they hold together is as if it were one process."""

import contextlib
import json
from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from executor.guest import containers
from executor.guest.functions import _Host
from executor.guest.link import Link
from executor.guest.proxies import CandidateFailure

PROGRAM = """
KEPT = []
def f(op, x=None, y=None, n=0):
    one = KEPT[n % len(KEPT)] if KEPT else None
    if op == 'keep':
        KEPT.append(x)
    elif op == 'drop' and KEPT:
        del KEPT[n % len(KEPT)]
    elif op == 'take':
        return one
    elif op == 'join' and one is not None:
        one.append(x)
    elif op == 'turn':
        x.reverse()
        return [x, y, [x]]
    elif op == 'make':
        made = [n]
        KEPT.append(made)
        return (made, {'made': made}, [x])
    elif op == 'fail':
        x.append(y)
        raise ValueError(n)
    elif op == 'clear':
        x.clear()
    return n
"""


def linked(program):
    """Make the tests' side of a candidate, and list what crosses."""
    namespace, said = {}, []
    exec(program, namespace)  # noqa: S102 - the candidate
    host = _Host(namespace, None)

    def ask(request):
        said.append(json.dumps({**request, "id": 1}))
        said.append(json.dumps(host.answer(json.loads(said[-1])), allow_nan=False))
        return {**json.loads(said[-1]), "generation": 1}

    return Link(ask), said


def form(value, seen):
    """Describe containers, and which of them are the same one."""
    if not isinstance(value, (list, dict, tuple)):
        return value
    if id(value) in seen:
        return f"again {seen[id(value)]}"
    seen[id(value)] = len(seen)
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return [type(value).__name__, [(key, form(item, seen)) for key, item in items]]


def played(f, steps):
    """Carry out the steps; return what the containers are like after each."""
    mine = [[], [1], [2, 3]]
    forms = []
    for op, a, b in steps:
        one, other = mine[a % len(mine)], mine[b % len(mine)]
        if op == "mine joins":
            one.append(other)
        elif op == "mine grows":
            one.append(b)
        elif op == "mine goes":
            mine = [item for item in mine if item is not one] or [[]]
        else:
            try:
                got = f(op, one, y=other, n=b)
            except ValueError as error:
                got = error.args[0]
            if isinstance(got, tuple):
                mine += [got[0], got[2]]
            elif isinstance(got, list):
                mine.append(got)
            # What a call returned is held no longer than the containers that it is in.
            del got
        forms.append(form(mine, {}))
        del one, other
    return forms


OPS = (
    "keep", "drop", "take", "join", "turn", "make", "fail", "clear",
    "mine joins", "mine grows", "mine goes",
)  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(OPS), st.integers(0, 9), st.integers(0, 9)), max_size=25))
@settings(max_examples=400, deadline=None)
def test_two_processes_see_what_one_would(steps):
    alone = {}
    exec(PROGRAM, alone)  # noqa: S102 - the same program in one process
    link, _ = linked(PROGRAM)

    assert played(link.named("f"), steps) == played(alone["f"], steps)


def test_nothing_is_kept_for_a_function_that_keeps_nothing():
    link, said = linked("def f(x): return [x, [1]]")
    f = link.named("f")

    for _ in range(3):
        f([[1], [2]])

    assert json.loads(said[-1])["letter"][2:] == [[], []]
    assert "$seen" not in said[-2]
    assert not link.containers._entries


def test_what_did_not_change_does_not_cross_again():
    link, said = linked("KEPT = []\ndef f(x): KEPT.append(x)\ndef g(): pass\n")
    mine = [["long"] * 100]
    link.named("f")(mine)

    link.named("g")()
    link.named("f")(mine)

    assert "long" in said[0]
    assert "long" not in "".join(said[1:])


def test_only_so_much_is_kept(monkeypatch):
    monkeypatch.setattr(containers, "MAX_KEPT", 5)
    link, _ = linked("KEPT = []\ndef f(x): KEPT.append(x)\ndef g(): return KEPT[-1]\n")
    mine = [[n] for n in range(20)]
    for one in mine:
        link.named("f")(one)

    assert link.named("g")() is mine[-1]
    assert len(link.containers._entries) <= 6


def test_only_so_many_of_one_message_get_numbers(monkeypatch):
    monkeypatch.setattr(containers, "MAX_NEW", 5)
    link, _ = linked("def f(x):\n    x.reverse()\n    return x, x[0]\n")
    mine = [[n] for n in range(20)]
    first = mine[0]

    got, _ = link.named("f")(mine)

    assert got is mine
    assert mine == [[n] for n in reversed(range(20))]
    assert mine[-1] is first


@pytest.mark.parametrize(
    "letter",
    [
        None,
        5,
        {},
        [1],
        [0, 0, [], []],
        [False, True, [], []],
        [False, 7, [], []],
        [False, 0, [], None],
        [False, 0, [5], []],
        [False, 0, [[0]], []],
        [False, 0, [[9, []]], []],
        [False, 0, [[-1, []]], []],
        [False, 0, [[True, []]], []],
        [False, 0, [["0", []]], []],
        [False, 0, [[[], []]], []],
        [False, 0, [[0, {}]], []],
        [False, 0, [[0, {"$tuple": []}]], []],
        [False, 0, [[0, None]], []],
        [False, 0, [[0, [[]]]], []],
        [False, 0, [[0, [{"$seen": 5}]]], []],
        [False, 0, [[0, [{"$seen": True}]]], []],
        [False, 0, [[0, [{"$later": "list"}]]], []],
        [True, 0, [[0, [9]]], [0]],
    ],
)
def test_a_letter_that_is_none_is_refused(letter):
    link, _ = linked("def f(x): return 1")
    honest = link._ask
    link._ask = lambda request: {**honest(request), "letter": letter}
    mine = [1]

    with pytest.raises(CandidateFailure, match="malformed"):
        link.named("f")(mine)

    link._ask = honest
    assert link.named("f")(mine) == 1


def test_no_letter_changes_what_has_not_crossed():
    link, _ = linked("def f(x): return 1")
    honest = link._ask
    wanted, given_up, mine = [1], [2], [[3]]
    link.named("f")(given_up)
    for number in range(200):
        letter = [False, 0, [[number, [666]]], list(range(200))]
        link._ask = lambda request, said=letter: {**honest(request), "letter": said}
        with contextlib.suppress(CandidateFailure, Exception):
            link.named("f")(mine)

    # Only what was given may be changed, as in one process.
    assert (wanted, given_up) == ([1], [2])


def test_a_deque_keeps_its_bound():
    link, _ = linked("def f(x): x.append(3)")
    mine = deque([1, 2], maxlen=2)

    link.named("f")(mine)

    assert (list(mine), mine.maxlen) == ([2, 3], 2)
