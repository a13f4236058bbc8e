"""Assert sites are counted without running anything."""

import pytest

from executor.guest import sites

OWN = "def assert_near(a, b):\n    if a != b:\n        assert abs(a - b) < 1\n"


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("assert f() == 1\nassert f() == 2", 2),
        ("assert True", 0),
        ("def check(c):\n    for i in range(9):\n        assert c(i)", 1),
        ("try:\n    f()\n    assert False\nexcept ValueError:\n    pass", 1),
        ("with pytest.raises(ValueError):\n    f()", 1),
        ("with open('x') as g:\n    assert f()\n    assert g", 2),
        ("class T(TestCase):\n    def test(self):\n        self.assertEqual(f(), 1)", 1),
        ("f()", 0),
        (OWN + "assert_near(f(1), 2)\nassert_near(f(2), 3)", 2),
        ("from numpy.testing import assert_allclose\nassert_allclose(f(1), 2)", 1),
        ("def assert_all():\n    assert f(1)\n    assert f(2)\nassert_all()", 2),
        ("def assert_is(a):\n    if not a: raise AssertionError\nassert_is(f(1))", 1),
        ("def assert_is(a):\n    verify(a)\ndef verify(a):\n    assert a\nassert_is(f(1))", 1),
        (OWN + "list(map(assert_near, f(), g()))", 1),
        (OWN + "assert_near(f(1), 2)\ncheck = assert_near\ncheck(f(2), 3)", 1),
        (OWN + "assert f() == 1", 2),
        (
            "class T(TestCase):\n    def assertNear(self, a, b):\n        self.assertTrue(a == b)\n"
            "    def test(self):\n        self.assertNear(f(), 1)\n        self.assertNear(g(), 1)",
            2,
        ),
        ("async def assert_is(a):\n    assert a\nasync def test_a():\n    await assert_is(f())", 1),
        ("for n in [1, 2, 3]:\n    assert f(n) == n", 3),
        ("for n in [1, 2, 3]:\n    print(n)\n    assert f(n) == n", 1),
        ("for n in [1, 2, 3]:\n    assert f(n) == n\nelse:\n    g()", 1),
        ("for n in [1, *more]:\n    assert f(n) == n", 1),
        ("xs = [1, 2]\nxs.append(3)\nfor n in xs:\n    assert f(n) == n", 1),
        ("xs = [1, 2]\nxs = [1, 2, 3]\nfor n in xs:\n    assert f(n) == n", 1),
        ("def zip(*a): return a\nfor a, b in zip([1, 2], [3, 4]):\n    assert f(a) == b", 1),
        ("xs, ys = [1, 2], [3]\nfor a, b in zip(xs, ys):\n    assert f(a) == b", 1),
        (
            "xs = [1, 2]\nys = [3, 4, 5]\nfor i, (a, b) in enumerate(zip(xs, ys)):\n    assert f()",
            2,
        ),
    ],
)
def test_sites_are_counted(source, count):
    assert len(sites.instrument(source).sites) == count


def test_names_that_tests_take_from_the_candidate_are_found():
    source = (
        "import math\nx = 3\ndef check(c):\n    y = helper(x)\n    assert c(len(y)) == math.pi + Z"
    )

    assert sites.free_names(source) == {"helper", "Z"}


@pytest.mark.parametrize(
    ("source", "attributes"),
    [
        ("math.sqrt(4) + math.pi", {"sqrt", "pi"}),
        ("math.sqrt(math)", None),
        ("def f(): return [math.pi for math in x]", None),
        ("1", set()),
    ],
)
def test_what_test_code_takes_of_a_module_is_found(source, attributes):
    assert sites.attributes_read(source, "math") == attributes


@pytest.mark.parametrize(
    "source",
    [
        "import os\nos.chdir('/tmp')",
        "import os\nos.environ['A'] = '1'",
        "open('x', 'w').write('a')",
        "with open('x') as lines: f(lines.name)",
        "import tempfile\nf(tempfile.mkdtemp())",
        "from pathlib import Path\nPath('x').write_text('a')",
        "from decimal import getcontext\ngetcontext().prec = 3",
        "import warnings\nwith warnings.catch_warnings(record=True) as w: f()",
        "self.assertWarns(UserWarning, f)",
        "with self.assertLogs() as logs: f()",
    ],
)
def test_what_is_done_for_the_candidate_to_see_is_noticed(source):
    assert sites.reaches_in(source)


@pytest.mark.parametrize(
    "source",
    [
        "import random\nrandom.seed(1)\nassert f(random.random())",
        "drive = Drive()\ndrive.mkdir('a')\ndrive.remove('a')\nassert drive.listdir() == []",
        "import os\nassert f() == os.path.join('a', 'b') + os.sep",
    ],
)
def test_what_stays_in_its_own_process_reaches_nobody(source):
    assert not sites.reaches_in(source)
