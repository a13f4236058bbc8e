"""Which image of packages a record of a published set gets."""

import sys

import pytest

from infra import errors
from infra.images.pinned import infer
from infra.records import importers
from tests.form_records import SAMPLES


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_a_record_of_any_form_may_name_its_image_and_else_needs_none(name):
    record = SAMPLES[name].record

    assert importers.to_problem(record).image == "std"
    assert importers.to_problem({**record, "image": "mine"}).image == "mine"


@pytest.mark.parametrize(
    ("name", "field", "added", "image"),
    [
        ("HumanEval", "test", "\nimport numpy\n", "numpy"),
        ("MBPP", "test_setup_code", "import numpy", "numpy"),
        ("BigCodeBench", "test", "\nimport pandas as pd\n", "science"),
        ("ODEX", "test_start", "\nimport numpy as np\n", "numpy"),
        ("ClassEval", "solution_code", "\nimport scipy\n", "science"),
        ("NaturalCodeBench", "testcases", "\nimport numpy\n", "numpy"),
        ("KodCode", "test", "\nimport sympy\n", "science"),
        ("LeetCodeDataset", "completion", "\nfrom sortedcontainers import SortedList\n", "science"),
        ("CRUXEval", "code", "\nimport numpy\n", "numpy"),
        ("DS-1000", "code_context", "\nimport numpy as np\n", "numpy"),
    ],
)
def test_the_image_follows_from_what_tests_and_reference_import(name, field, added, image):
    record = dict(SAMPLES[name].record)
    before = record.get(field, "")
    record[field] = f"{added}{before}"

    assert importers.to_problem(record).image == image


@pytest.mark.parametrize(("used", "image"), [("", "std"), ("    pad = np.zeros\n", "numpy")])
def test_of_a_header_for_all_programs_only_what_is_used_counts(used, image):
    record = dict(SAMPLES["ClassEval"].record)
    record["import_statement"] = ["import numpy as np"]
    record["solution_code"] = record["solution_code"].rstrip("\n") + "\n" + used

    assert importers.to_problem(record).image == image


def test_a_suite_of_files_gets_its_image_too(tmp_path):
    (tmp_path / "ones.py").write_text(
        'import numpy as np\n\n\ndef ones():\n    """\n    >>> ones()\n    1.0\n    """\n'
        "    return float(np.ones(1)[0])\n"
    )

    (problem,) = importers.read_problems(tmp_path / "ones.py")

    assert problem.image == "numpy"


def test_what_no_image_has_is_named():
    record = dict(SAMPLES["KodCode"].record)
    record["test"] += "\nimport tensorflow\n"

    with pytest.raises(errors.InvalidInput, match="no image has `tensorflow`"):
        importers.to_problem(record)


def test_what_the_standard_library_has_lost_is_said_to_be_lost(monkeypatch):
    monkeypatch.setattr(sys, "stdlib_module_names", sys.stdlib_module_names - {"cgi"})
    record = dict(SAMPLES["KodCode"].record)
    record["test"] += "\nimport cgi\n"

    with pytest.raises(errors.InvalidInput, match="has no `cgi` any more; take an older Python"):
        importers.to_problem(record)


def test_what_the_parser_warns_of_is_read_without_a_word():
    assert infer("import numpy\nDIGITS = '\\d+'\n") == "numpy"  # Warnings are errors here.
