"""Which image has what sources import."""

import re

import pytest

from infra import errors
from infra.images.pinned import Pinned, imported, infer, not_there, read, shipped


def image(name, *modules):
    return Pinned(name, "", frozenset(modules), ())


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("import json, os.path\nfrom collections import abc", "std"),
        ("import numpy as np", "numpy"),
        ("from numpy.linalg import norm", "numpy"),
        ("def f():\n    import numpy", "numpy"),
        ("import pandas", "science"),
        ("import numpy, scipy.stats", "science"),
        ("from sklearn import svm", "science"),
        ("np = __import__('numpy')", "numpy"),
        ("import importlib\nnp = importlib.import_module('numpy.linalg')", "numpy"),
        ("import pytest\npytest.importorskip('numpy')", "numpy"),
        ("import pytest, unittest", "std"),
        ("from . import beside\nfrom .beside import f", "std"),
        ("try:\n    import torch\nexcept ImportError:\n    torch = None", "std"),
        (
            "try:\n    import torch\nexcept (OSError, ModuleNotFoundError):\n    import numpy",
            "numpy",
        ),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch", "std"),
        ("import typing\nif not typing.TYPE_CHECKING:\n    import numpy", "numpy"),
        ("try:\n    import numpy\nfinally:\n    pass", "numpy"),
        ("this is no Python", "std"),
        ("", "std"),
    ],
)
def test_the_smallest_image_with_all_imports_is_inferred(source, wanted):
    assert infer(source) == wanted


@pytest.mark.parametrize(
    ("program", "test", "wanted"),
    [
        ("def f(name): return importlib.import_module(name)", "f('numpy')", "numpy"),
        ("def f(name): return importlib.util.find_spec(name)", "f('pandas')", "science"),
        ("def f(name): return __import__(name)", "f('numpy of others')", "std"),
        ("def f(name): return name.upper()", "f('numpy')", "std"),
        ("def f(): return __import__('json')", "f('numpy')", "std"),
    ],
)
def test_a_text_counts_where_something_is_imported_by_name(program, test, wanted):
    assert infer(program, test) == wanted


@pytest.mark.parametrize(
    ("patched", "wanted"),
    [("numpy.random.rand", "numpy"), ("numpy", "std"), ("os.path", "std"), ("game.dice", "std")],
)
def test_what_is_patched_is_imported(patched, wanted):
    assert infer(f"from unittest import mock\n@mock.patch('{patched}')\ndef f(_): pass") == wanted


def test_imports_of_all_sources_count():
    assert infer("import json", "import numpy", "import pandas") == "science"


@pytest.mark.parametrize("source", ["import torch", "import numpy, torch.nn"])
def test_what_no_image_has_is_named(source):
    with pytest.raises(errors.InvalidInput, match="`torch`") as raised:
        infer(source)

    assert "numpy" not in raised.value.detail
    assert "rrtf images build" in raised.value.detail


def test_what_only_several_images_have_together_is_named():
    images = {"a": image("a", "one"), "b": image("b", "two")}

    with pytest.raises(errors.InvalidInput, match="no image has all of `one`, `two`"):
        infer("import one, two", images=images)


def test_images_of_users_are_chosen_from():
    images = {**shipped(), "mine": image("mine", "numpy", "torch")}

    assert infer("import torch, numpy", images=images) == "mine"
    assert infer("import numpy", images=images) == "numpy"


def test_modules_beside_the_tests_need_no_image():
    assert infer("import solution\nfrom queen import f", beside=("solution", "queen")) == "std"


def test_a_name_counts_up_to_its_first_dot():
    assert imported("import a.b.c as d\nfrom e.f import g") == {"a", "e"}


def test_what_is_written_is_read_again():
    pinned = Pinned(
        "mine", "a==1 \\\n    --hash=sha256:00\nb==2\n", frozenset({"a", "c"}), ("c.d",)
    )

    assert read("mine", pinned.text()) == pinned
    assert pinned.packages == ("a", "b")
    assert pinned.named == ("c",)


@pytest.mark.parametrize("name", ["notebook", "numpy", "science"])
def test_what_the_suite_ships_is_pinned_by_version_and_hash(name):
    pinned = shipped()[name]
    entries = re.split(r"\n(?! )", pinned.requirements.strip())

    assert len(entries) >= len(pinned.packages) > 0
    for entry in entries:
        assert re.match(r"[a-z0-9.-]+==[0-9][^ ]*( ;[^\\]*)? \\\n", entry), entry
        assert "--hash=sha256:" in entry
    assert set(pinned.named) <= pinned.modules


def test_an_image_holds_what_it_is_known_for():
    modules = shipped()["science"].modules

    assert modules >= {
        "numpy", "pandas", "scipy", "sklearn", "sympy", "matplotlib", "networkx",
        "sortedcontainers", "pytest", "hypothesis", "pytest_asyncio", "pytest_mock",
    }  # fmt: skip
    assert shipped()["std"].modules == frozenset()


@pytest.mark.parametrize(
    ("module", "image"), [("numpy.linalg", "numpy"), ("pandas", "science"), ("zmq", "notebook")]
)
def test_what_is_missing_is_said_to_be_in_the_smallest_image(module, image):
    assert not_there([module]) == f"not there: {module}; the image `{image}` has it"


def test_the_image_of_notebooks_is_that_of_science_with_a_kernel():
    notebook, science = shipped()["notebook"], shipped()["science"]

    def pins(image):
        return {line for line in image.requirements.splitlines() if "==" in line}

    # A condition falls away where a package of the kernel needs the same one always.
    assert {pin.split()[0] for pin in pins(science)} <= {pin.split()[0] for pin in pins(notebook)}
    assert notebook.modules >= science.modules | {"ipykernel", "jupyter_client", "IPython"}
    assert set(science.warm) <= set(notebook.warm)
