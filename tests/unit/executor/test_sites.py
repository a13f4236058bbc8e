"""Assert sites are counted without running anything."""

import pytest

from executor.guest import sites


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
