"""What the text of test code tells about its decisions."""

import ast
import time

import pytest

from executor.guest import sites
from executor.guest.deciding import Decisions, Quiet


def decisions(source):
    tree = ast.parse(source)
    return Decisions(tree), tree.body


@pytest.mark.parametrize(
    ("condition", "is_fixed"),
    [
        ("sys.version_info >= (3, 8) and not sys.platform.startswith('win')", True),
        ("hasattr(math, 'lcm')", True),
        ("__name__ == '__main__'", True),
        ("SLOW", True),
        ("os.environ.get('SLOW')", True),
        ("'solution' in sys.modules", False),
        ("hasattr(solution, 'more')", False),
        ("'f' in globals()", False),
        ("changed", False),
        ("items", False),
        ("f", False),
        ("random.random() < 0.5", False),
        ("time.time() > start", False),
    ],
)
def test_a_condition_is_fixed_if_no_candidate_has_a_part_in_it(condition, is_fixed):
    source = (
        "import math, os, random, sys, time, solution\nSLOW = False\nitems = []\n"
        "start = 0\nchanged = 1\nchanged = f()\n"
    )

    found, body = decisions(source + condition)

    assert found.is_fixed(body[-1].value) is is_fixed


@pytest.mark.parametrize(
    ("source", "quiet"),
    [
        ("try: f()\nexcept ValueError: pass", Quiet.YES),
        ("try: r = f()\nexcept ValueError: r = 0\nassert r", Quiet.YES),
        ("try: r = f()\nexcept ValueError: r = 0\nr = 1\nif r: g()", Quiet.YES),
        ("try: r = f()\nexcept ValueError: r = 0\nif r: g()", Quiet.NO),
        ("try: r = f()\nexcept ValueError: r = 0\nassert g(r)", Quiet.NO),
        ("try: r = f()\nexcept ValueError: r = 0\nassert (q := r)", Quiet.NO),
        ("try: g(f())\nexcept ValueError: pass", Quiet.NO),
        ("try: r.a = f()\nexcept ValueError: pass", Quiet.NO),
        ("try: f()\nexcept ValueError: g()", Quiet.NO),
        ("try: f()\nexcept ValueError: pass\nelse: g()", Quiet.NO),
        ("try: [f(n) for n in r]\nexcept ValueError: pass", Quiet.NO),
    ],
)
def test_a_handler_is_quiet_if_nothing_is_left_of_the_exception(source, quiet):
    found, body = decisions(source)

    assert found.quiet(body[0]) is quiet


@pytest.mark.parametrize(
    "following", ["    assert r is None\n", "    if r: assert r\n", "    x = f(r)\n"]
)
def test_many_handlers_are_read_in_a_moment(following):
    block = "    try:\n        r = f(1)\n    except ValueError:\n        r = None\n"

    began = time.process_time()
    sites.instrument("def check(f):\n" + (block + following) * 1000)

    assert time.process_time() - began < 5
