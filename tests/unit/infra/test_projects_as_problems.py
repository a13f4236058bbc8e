"""Whole projects as problems: which files are written again, what tests them, what goes along."""

import json

import pytest

from infra import errors
from infra.composing import composed
from infra.contracts.problems import MAX_FILES, Problem
from infra.forms.project.reading import EVERY, Wanted, entries
from services.cli.local.projecting import ProjectRun

CART = '''"""Carts."""

from .prices import PRICES


def total(names, *, factor=1):
    """Return what some things cost."""
    return factor * sum(PRICES[name] for name in names)


class Cart:
    """A cart."""

    def __init__(self):
        self.names = []

    def add(self, name):
        self.names.append(name)
        return self

    def total(self): return total(self.names)
'''
SHOP = {
    "pyproject.toml": '[project]\nname = "the-shop"\nversion = "1.2"\n\n'
    '[tool.pytest.ini_options]\ntestpaths = ["tests"]\n',
    "README.md": "# Shop\n",
    "src/shop/__init__.py": "from importlib.metadata import version\n\n"
    'from .cart import Cart, total\n\n__version__ = version("the-shop")\n',
    "src/shop/cart.py": CART,
    "src/shop/prices.py": "PRICES = {'pen': 2, 'ink': 5}\n",
    "src/shop/words.txt": "pen ink\n",
    "tests/conftest.py": "import pytest\n\n@pytest.fixture\ndef names():\n    return ['pen']\n",
    "tests/helpers.py": "EXPECTED = 2\n",
    "tests/unused.py": "import nowhere\n",
    "tests/golden/total.txt": "2\n",
    "tests/test_cart.py": "from helpers import EXPECTED\nfrom shop import total\n\n"
    "def test_total(names):\n    assert total(names) == EXPECTED\n",
    "tests/test_version.py": "import shop\n\ndef test_version():\n"
    "    assert shop.__version__ == '1.2'\n",
    "bench/test_speed.py": "from shop.prices import PRICES\n\ndef test_speed(): assert PRICES\n",
}


def write(root, files):
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


@pytest.fixture
def shop(tmp_path):
    return write(tmp_path / "shop", SHOP)


def made(root, **wanted):
    return {
        found.problem.slug: found.problem
        for found in (entry.make() for entry in entries(root, Wanted(**wanted)))
    }


def test_every_file_from_which_tests_take_something_is_a_problem(shop):
    problems = made(shop)

    assert [*problems] == ["shop/src/shop/__init__", "shop/src/shop/cart"]
    cart = problems["shop/src/shop/cart"]
    (test,) = cart.tests
    assert (test.path, test.module, test.candidate_path) == (
        "tests/test_cart.py", "shop.cart", "src/shop/cart.py",
    )  # fmt: skip
    assert cart.reference_program == CART
    assert composed(cart, CART) == CART


def test_a_name_is_followed_to_where_it_is_defined(shop):
    files = {
        "src/shop/__init__.py": "from .all import *\n",
        "src/shop/all.py": "from .cart import *\nfrom .prices import PRICES as prices\n",
        "tests/test_version.py": "import shop as s\n\ndef test_it(): assert s.prices\n",
    }

    assert [*made(write(shop, files))] == ["shop/src/shop/cart", "shop/src/shop/prices"]


def test_modules_that_take_all_names_of_one_another_are_looked_into_once(tmp_path):
    names = [f"m{number}" for number in range(12)]
    stars = "".join(f"from .{name} import *\n" for name in names)
    write(tmp_path, {f"many/{name}.py": stars for name in names})
    write(tmp_path, {"many/__init__.py": stars, "many/last.py": f"{stars}\ndef f(): return 1\n"})
    write(tmp_path, {"many/m5.py": f"{stars}from .last import *\n"})
    write(tmp_path, {"test_many.py": "from many import f, nothing\n\ndef test_f(): assert f()\n"})

    assert "many/last.py" in {entry.name for entry in entries(tmp_path, Wanted())}


def test_a_folder_may_be_a_package_without_saying_so(tmp_path):
    files = {
        "src/shop/cart.py": "def total(): return 1\n",
        "tests/test_cart.py": "from shop.cart import total\ndef test_it(): assert total() == 1\n",
    }

    (problem,) = made(write(tmp_path / "shop", files)).values()

    assert problem.tests[0].module == "shop.cart"


def test_what_is_reached_goes_along_and_no_more(shop):
    (test,) = made(shop)["shop/src/shop/cart"].tests

    assert {*test.files} == {
        "pyproject.toml", "src/shop/__init__.py", "src/shop/prices.py", "src/shop/words.txt",
        "src/the_shop.dist-info/METADATA", "tests/conftest.py", "tests/helpers.py",
        "tests/golden/total.txt",
    }  # fmt: skip
    assert "\nVersion: 1.2\n" in test.files["src/the_shop.dist-info/METADATA"]


def test_a_file_is_shown_without_what_its_functions_do(shop):
    asked = made(shop)["shop/src/shop/cart"].prompt

    assert '    """Return what some things cost."""\n    ...\n' in asked
    assert "def add(self, name):\n        ...\n" in asked
    assert "PRICES[name]" not in asked


def test_a_function_is_put_back_into_its_file(shop):
    problems = made(shop, candidates=["src/shop/cart.py"], functions=["total", "Cart.add"])
    total, add = problems.values()

    assert [*problems] == ["shop/src/shop/cart/total", "shop/src/shop/cart/Cart.add"]
    again = "def total(names, *, factor=1):\n    return 7\n"
    assert CART.replace("factor * sum(PRICES[name] for name in names)", "7").replace(
        '    """Return what some things cost."""\n', ""
    ) in composed(total, again).replace("\n\n\n\n", "\n\n\n")
    program = composed(add, "def add(self, name):\n    return self\n")
    assert "    def add(self, name):\n        return self\n" in program
    compile(program, "cart.py", "exec")
    assert "PRICES[name]" not in total.prompt
    assert "self.names.append" not in add.prompt


def test_every_function_can_be_asked_for_but_one_that_shares_its_line(shop):
    found = list(entries(shop, Wanted(candidates=["src/shop/cart.py"], functions=[EVERY])))

    assert [entry.name.rpartition(", ")[2] for entry in found] == [
        "total", "Cart.__init__", "Cart.add", "Cart.total",
    ]  # fmt: skip
    for entry in found[:3]:
        assert entry.make().problem.tests
    with pytest.raises(errors.InvalidInput, match="shares a line"):
        found[3].make()


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"candidates": ["src/shop/none.py"]}, "no file of Python `src/shop/none.py`"),
        ({"tests": ["tests/none"]}, "no test files `tests/none`"),
        ({"candidates": ["src/shop/cart.py"], "functions": ["none"]}, "no function `none`"),
        ({"candidates": ["tests/unused.py"]}, "no test file imports tests/unused.py"),
    ],
)
def test_what_is_not_there_is_named(shop, wanted, said):
    with pytest.raises(errors.InvalidInput, match=said):
        made(shop, **wanted)


def test_tests_that_are_named_judge_whatever_they_import(shop):
    problems = made(shop, candidates=["src/shop/prices.py"], tests=["bench"])

    (test,) = problems["shop/src/shop/prices"].tests
    assert (test.path, test.module) == ("bench/test_speed.py", "shop.prices")


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("pytest.ini", "[pytest]\npython_files = checks*.py\ntestpaths = src/*/checks\n"),
        ("setup.cfg", "[tool:pytest]\npython_files =\n    checks.py\n    test_*.py\n"),
        ("pyproject.toml", "[tool.pytest]\npython_files = ['checks.py']\n"),
        ("pyproject.toml", "[tool.pytest.ini_options]\npython_files = 'shop/checks/*.py'\n"),
        (".pytest.toml", "[pytest]\npython_files = ['checks.py']\n"),
    ],
)
def test_test_files_are_called_as_pytest_is_told(tmp_path, path, told):
    files = {
        path: told,
        "src/shop/__init__.py": "",
        "src/shop/cart.py": CART,
        "src/shop/prices.py": "PRICES = {}\n",
        "src/shop/checks/checks.py": "from shop.cart import total\n\n"
        "def test_total(): assert total([]) == 0\n",
    }

    problems = made(write(tmp_path / "shop", files))

    assert [*problems] == ["shop/src/shop/cart"]
    (test,) = problems["shop/src/shop/cart"].tests
    assert test.path == "src/shop/checks/checks.py"


def test_data_goes_along_also_if_it_is_no_text_or_is_code_that_nobody_imports(shop):
    write(shop, {"tests/golden/picture.png": b"\xff\xd8", "tests/golden/sample.py": "x = 1\n"})
    write(shop, {"tests/kit/__init__.py": "", "tests/kit/unused.py": "import nowhere\n"})

    (test,) = made(shop, candidates=["src/shop/cart.py"])["shop/src/shop/cart"].tests

    assert test.data_files == {"tests/golden/picture.png": "/9g="}
    assert test.files["tests/golden/sample.py"] == "x = 1\n"
    assert not test.files.keys() & {"tests/unused.py", "tests/kit/unused.py"}


def test_who_imports_what_is_followed_where_packages_do_not_say_that_they_are(tmp_path):
    files = {
        "src/acme/kit/shape.py": "from . import units\nfrom ..more.words import NAME\n\n"
        "def area(a): return units.metres(a)\n",
        "src/acme/kit/units.py": "def metres(x): return x\n",
        "src/acme/more/words.py": "NAME = ''\n",
        "tests/test_shape.py": "from acme.kit.shape import area\n\n"
        "def test_area(): assert area(0) == 0\n",
    }

    problems = made(write(tmp_path / "acme", files))

    assert [*problems] == ["acme/src/acme/kit/shape"]
    (test,) = problems["acme/src/acme/kit/shape"].tests
    assert {*test.files} == {"src/acme/kit/units.py", "src/acme/more/words.py"}


def test_a_package_may_begin_with_an_underscore(shop):
    write(shop, {"src/shop/_kit/__init__.py": "", "src/shop/_kit/words.py": "WORDS = ()\n"})

    (test,) = made(shop, candidates=["src/shop/cart.py"])["shop/src/shop/cart"].tests

    assert "src/shop/_kit/words.py" in test.files


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("pyproject.toml", "[project.entry-points.kits]\nmine = 'shop.cart:Cart'\n"),
        ("setup.cfg", "[options.entry_points]\nkits =\n    mine = shop.cart:Cart\n"),
    ],
)
def test_what_a_project_offers_under_names_is_found(shop, path, told):
    write(shop, {path: (shop / path).read_text() + told if (shop / path).exists() else told})

    (test,) = made(shop, candidates=["src/shop/cart.py"])["shop/src/shop/cart"].tests

    entries = test.files["src/the_shop.dist-info/entry_points.txt"]
    assert entries.replace("    ", "") == "[kits]\nmine = shop.cart:Cart\n"


def test_a_folder_without_tests_is_no_project(tmp_path):
    with pytest.raises(errors.InvalidInput, match="no test files"):
        made(write(tmp_path, {"shop.py": CART}))


def test_what_a_suite_cannot_bring_is_left_out_with_the_reason(shop, tmp_path):
    write(shop, {"tests/golden/a b.txt": "x", "tests/golden/picture.png": b"\xff\xd8"})
    out = tmp_path / "problems.jsonl"
    run = ProjectRun()

    lines = list(run.run(shop, Wanted(candidates=["src/shop/cart.py"]), out))

    assert lines == ["shop/src/shop/cart  tests/test_cart.py; 9 files beside, image std"]
    assert [line.partition(":")[0] for line in run.left_out()] == ["left out, tests/golden/a b.txt"]
    (row,) = map(json.loads, out.read_text().splitlines())
    assert Problem.model_validate(row).slug == "shop/src/shop/cart"


def test_more_files_than_a_test_may_bring_are_refused_with_their_number(shop, tmp_path):
    write(shop, {f"tests/data/{number}.txt": "" for number in range(MAX_FILES)})
    run = ProjectRun()

    list(run.run(shop, Wanted(candidates=["src/shop/cart.py"]), tmp_path / "out.jsonl"))

    (refused,) = run.refused
    assert f"{MAX_FILES + 7} files would go with it" in refused


def test_a_package_that_only_a_fallback_needs_asks_for_no_image(shop):
    source = (
        "try:\n    from unittest.mock import Mock\nexcept ImportError:\n    from mock import Mock\n"
    )
    write(shop, {"tests/test_cart.py": source + SHOP["tests/test_cart.py"]})

    found = [entry.make() for entry in entries(shop, Wanted(candidates=["src/shop/cart.py"]))]

    assert [(one.problem.image, one.no_image) for one in found] == [("std", None)]
