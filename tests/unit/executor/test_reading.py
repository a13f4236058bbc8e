"""What has been read of test code, kept outside and given to another process."""

import subprocess
import sys

import pytest

from executor.guest import reading

SOURCE = """
import math, unittest

def helper(x):
    return math.floor(other(x))

class TestIt(unittest.TestCase):
    def test_it(self):
        for n in range(3):
            self.assertEqual(solve(n), n)
        with self.assertRaises(ValueError):
            solve(-1)

def check(candidate):
    assert type(helper(candidate)) is int, "text"
"""


def test_what_is_kept_says_the_same_in_another_process():
    test = reading.read(SOURCE)

    kept = reading.kept(test, reading.MOST_KEPT)
    script = (
        "import sys; from executor.guest import reading\n"
        "test = reading.again(sys.stdin.read())\n"
        "print(sorted(test._replace(marked=None)._asdict().items(), key=str) == "
        f"sorted({test._replace(marked=None)._asdict()!r}.items(), key=str))\n"
        "print(len(test.marked.sites), test.marked.code.co_filename, test.marked.sites[0].quiet)"
    )
    found = subprocess.run(
        [sys.executable, "-c", script], input=kept, capture_output=True, text=True, check=True
    ).stdout

    assert found.split() == ["True", "3", "<tests>", str(test.marked.sites[0].quiet)]
    assert reading.again(kept).marked == test.marked


def test_test_code_for_which_there_is_no_room_is_not_kept():
    test = reading.read(SOURCE)
    length = len(reading.kept(test, reading.MOST_KEPT))

    assert reading.kept(test, length) is not None
    assert reading.kept(test, length - 1) is None


def test_test_code_that_imports_what_is_not_there_is_refused():
    with pytest.raises(reading.sites.SuiteFault, match="no_such_package"):
        reading.read("import no_such_package\nassert f(1) == 1")


def test_what_is_kept_has_its_sets_in_their_order():
    kept = 0
    for first in range(200):
        numbers = {first * 37 % 101, first, first * 8, first * 11 % 64, first * 32, 7}
        source = (
            f"assert solve({set(numbers)}) == {first}\nfor n in {numbers}:\n    assert solve(n)"
        )
        test = reading.read(source)
        text = reading.kept(test, 1_000_000)
        if text is not None:
            kept += 1
            orders = [
                [list(item) for item in one.marked.code.co_consts if isinstance(item, frozenset)]
                for one in (test, reading.again(text))
            ]
            assert orders[0] == orders[1] != []

    # Some would come in another order, and are read anew.
    assert 0 < kept < 200
