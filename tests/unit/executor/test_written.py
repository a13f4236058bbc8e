"""Values behind names: a check that only compares with one has it outside of the process."""

import pytest

from tests.unit.executor.derived_tests import EVERY, HEAD, derived

MOVED = """
WANTED = 131
def test_it(): assert half(262) == WANTED
---
WANTED = [131, 24]
def test_it(): assert words("a b") == WANTED
def test_other(): case.assertEqual(words("b a"), WANTED)
---
class TestIt:
    wanted = {"a": 131}
    def test_it(self): assert words("a b") == self.wanted
---
class It(unittest.TestCase):
    def setUp(self):
        self.wanted = [131]
    def test_it(self): self.assertEqual(words("a b"), self.wanted)
---
@pytest.fixture
def wanted(): return [131]
def test_it(wanted): assert words("a b") == wanted
---
ROWS = [(1, 131), (2, 242)]
def test_it():
    for n, wanted in ROWS: assert half(n) == wanted
---
ROWS = {1: 131, 2: 242}
def test_it():
    for n, wanted in ROWS.items(): assert half(n) == wanted
"""
KEPT = """
WANTED = [131]
def test_it():
    change(WANTED)
    assert words("a b") == WANTED
---
WANTED = 131
def test_it():
    global WANTED
    WANTED = 4
    assert half(8) == WANTED
---
WANTED = 131
def test_it(monkeypatch):
    monkeypatch.setattr("tests.WANTED", 4)
    assert half(8) == WANTED
---
WANTED = 131
def test_it(WANTED): assert half(8) == WANTED
---
class It(unittest.TestCase):
    def setUp(self): self.wanted = [131]
    def test_it(self):
        self.wanted.append(2)
        self.assertEqual(words("a b"), self.wanted)
---
class It(unittest.TestCase):
    def setUp(self): self.wanted = 131
class TestThat(It):
    def setUp(self): self.wanted = 4
    def test_it(self): self.assertEqual(half(8), self.wanted)
---
@pytest.fixture(params=[1, 2])
def wanted(): return 131
def test_it(wanted): assert half(8) == wanted
---
ROWS = [([2, 1], 131), ([4, 3], 131)]
def test_it():
    for row, wanted in ROWS: assert change(row) == wanted
def test_other():
    for row, wanted in ROWS: assert change(row) == wanted
"""


@pytest.mark.parametrize("test", MOVED.split("---\n"))
def test_what_a_name_stands_for_is_nowhere_in_the_process(test):
    found = derived(HEAD + test)

    text = "".join(part for part in found.parts if isinstance(part, str))
    assert found.outside
    assert "131" not in text + "".join(item.text for item in found.items)


@pytest.mark.parametrize("test", KEPT.split("---\n"))
def test_a_name_that_may_stand_for_something_else_by_then_stays(test):
    found = derived(HEAD + test)

    assert all(one.is_learnt for one in found.outside.values())
    assert "131" in "".join(part for part in found.parts if isinstance(part, str))


def test_rows_behind_a_name_are_changed_in_copies():
    test = """
ROWS = [(1, 131), (2, 242)]
@pytest.mark.parametrize("n, wanted", ROWS)
def test_it(n, wanted): assert half(n) == wanted
"""
    real, *copies = derived(HEAD + test, inside=EVERY).items

    assert "[(1, 131), (2, 242)]" in real.text
    assert not any("131" in copy.text or "242" in copy.text for copy in copies[:3])
