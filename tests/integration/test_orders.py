"""Sets and dicts iterate for a candidate as they do in one plain process with the tests."""

import itertools
import json
import os
import random
import subprocess
import sys

import pytest

from infra.contracts.problems import CallTest
from tests.integration.judged import judged, outcomes

WORDS = itertools.count()
"""Of which no two are the same: the compiler arranges sets of texts anew that it has seen."""
CANDIDATE = """
def f(value):
    if isinstance(value, dict):
        return [[key, f(item)] for key, item in value.items()]
    if isinstance(value, (list, tuple, set, frozenset)):
        return [f(item) for item in value]
    return value
def change(value, other):
    value.update(other)
    for item in list(value)[::3]:
        value.pop(item) if isinstance(value, dict) else value.discard(item)
    value.update(other)
    return f(value)
"""  # fmt: skip
LITERALS = [
    "{12, 13, 14, 15, 16}", "{6, 7, 8, 9, 10, 11}", "{1, 2, 3, 4, 5}", "{16, 8, 0}", "{9, 17, 1}",
    "{'bone', 'apple', 'cat', 'dog', 'egg', 'fly'}", "{(1, 2), (3, 4), (5, 6), (7, 8)}", "{1.5}",
    "{64, 32, 0, 96, 128, 33}", "{-1, -2, 7, 15, 23}", "{True, 2, 2.5}", "set()",
    "{'z': 1, 'a': 2, 'm': 3}", "{3: 'c', 1: 'a', 2: 'b'}", "[{5, 21, 37}, {'k': {9, 25, 1}}]",
    "({'ant', 'quail'}, {'xenon', 'yak', 'zebra'})", "{1 + 2, 19, 35, -5 * 3}",
]  # fmt: skip
BUILT = [
    "set(range(1000))", "set('hello world')", "{n * n % 37 for n in range(30)}",
    "frozenset([40, 8, 72, 24])", "frozenset({3, 19, 35, 51, 67})", "set({5, 21, 37}) | {53, 69}",
    "{frozenset([1, 2]), frozenset([17, 33]), frozenset()}", "set({70: 1, 6: 1, 38: 1, 22: 1})",
    "set(map(str, range(200)))", "{33, 1, 65} - {1}", "set(range(100)) & set(range(0, 400, 7))",
    "dict(zip('zyxw', range(4)))", "{**{'b': 1}, 'a': 2}", "{n: {n, n + 16} for n in (9, 2, 5)}",
]  # fmt: skip


def random_literal(rng):
    kind = rng.choice(["small", "large", "words", "pairs", "floats"])
    made = {
        "small": lambda: rng.randrange(64),
        "large": lambda: rng.randrange(-(2**40), 2**40),
        "words": lambda: f"word{next(WORDS)}",
        "pairs": lambda: (rng.randrange(9), rng.randrange(9)),
        "floats": lambda: rng.randrange(2**20) / 1024,
    }[kind]
    return "{" + ", ".join(repr(made()) for _ in range(rng.randint(1, 24))) + "}"


def random_history(rng):
    literal = random_literal(rng)
    steps = [
        f"s = set({literal})", f"s = {literal}\ns |= {random_literal(rng)}",
        f"s = {literal}\nfor item in list(s)[:3]: s.discard(item)",
        f"s = {literal}\ns.pop()\ns.update({random_literal(rng)})",
        f"s = set(list({literal})[::-1])", f"s = {literal} | {random_literal(rng)}",
    ]  # fmt: skip
    return rng.choice(steps)


def plain(sources):
    """Run each source in a plain process, and return what it gives to `found`."""
    # Each is compiled by itself, as it is where it stands alone.
    script = (
        CANDIDATE + "import json\nfound = []\n"
        f"for source in {list(sources)!r}:\n    names = dict(f=f, change=change)\n"
        "    exec(source, names)\n    found.append(names['found'])\nprint(json.dumps(found))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONHASHSEED": "0"},
    )  # fmt: skip
    return json.loads(done.stdout)


def failed(verdict, sources):
    """Name what a test was made of that did not pass."""
    assert len(verdict.tests) == len(sources)
    found = zip(sources, verdict.tests, strict=True)
    return [source for source, test in found if test.outcome.value != "passed"]


def test_a_literal_iterates_as_in_a_plain_process(slot):
    rng = random.Random(7)
    literals = [*LITERALS, *(random_literal(rng) for _ in range(150))]
    wanted = plain(f"found = f({literal})" for literal in literals)
    source = "".join(
        f"assert f({literal}) == {found!r}\n"
        for literal, found in zip(literals, wanted, strict=True)
    )

    for more in ("", "for _ in (): pass\n"):  # As data, and as code that is run.
        verdict = judged(slot, CANDIDATE, source + more)

        assert failed(verdict, literals) == []


def test_what_test_code_builds_iterates_as_in_a_plain_process(slot):
    rng = random.Random(11)
    histories = [f"s = {built}" for built in BUILT]
    histories += [random_history(rng) for _ in range(150)]
    wanted = plain(f"{history}\nfound = f(s)" for history in histories)
    source = "".join(
        f"{history}\nassert f(s) == {found!r}\n"
        for history, found in zip(histories, wanted, strict=True)
    )

    verdict = judged(slot, CANDIDATE, source)

    assert failed(verdict, histories) == []


def test_what_a_candidate_changes_iterates_as_in_a_plain_process(slot):
    rng = random.Random(13)
    changes = [f"s = {random_literal(rng)}\nother = {random_literal(rng)}" for _ in range(60)]
    changes += [
        "s = {'z': 1, 'a': 2, 'm': 3, 'b': 4}\nother = {'c': 5, 'a': 6, 'z': 7}",
        "import collections\ns = collections.OrderedDict(b=1, a=2, d=4)\nother = {'c': 3, 'b': 5}",
    ]
    wanted = plain(f"{change}\nfound = [change(s, other), f(s)]" for change in changes)
    # The tests look for themselves as well.
    here = CANDIDATE.partition("def change")[0].replace("f(", "f_here(")
    source = here + "".join(
        f"{change}\nassert [change(s, other), f_here(s)] == {found!r}\n"
        for change, found in zip(changes, wanted, strict=True)
    )

    assert failed(judged(slot, CANDIDATE, source), changes) == []


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"b": 1, "a": 2}, ["b", "a"]),
        ({"$dict": [[2, "x"], [1, "y"]]}, [2, 1]),
        ({"$ordered": {"b": 1, "a": 2}}, ["b", "a"]),
        ({"$keys": {"$tuple": ["b", "a"]}}, ["b", "a"]),
    ],
)
def test_keys_of_an_argument_come_in_the_order_in_which_they_are_written(slot, given, wanted):
    test = CallTest(args=(given,), expected=wanted)

    assert outcomes(judged(slot, "f = list", test)) == ["passed"]
