"""Where the files of a suite lie, as a problem says it."""

import pytest
from pydantic import ValidationError

from executor.guest import placing
from infra.contracts.execution import Suite
from infra.contracts.problems import AssertTest


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"path": "tests/data.txt"}, "path"),
        ({"path": "../test_f.py"}, "below a folder"),
        ({"path": "a.py", "files": {"a.py": ""}}, "`a.py` is in `files` too"),
        ({"data_files": {"a.bin": "/9g"}}, "is no base64"),
        ({"data_files": {"a.bin": "/9g="}, "files": {"a.bin": ""}}, "`a.bin` is a text too"),
        ({"data_files": {"a.py": "/9g="}, "path": "a.py"}, "`a.py` is a text too"),
        ({"candidate_path": "src/f.py"}, "needs the `module`"),
        ({"candidate_path": "src/f.py", "module": "g"}, "is no module `g`"),
        ({"candidate_path": "xf.py", "module": "f"}, "is no module `f`"),
        ({"candidate_path": "f.py", "module": "f", "path": "f.py"}, "are two files"),
    ],
)
def test_a_place_that_cannot_be_is_refused(fields, complaint):
    with pytest.raises(ValidationError, match=complaint):
        AssertTest(source="assert f()", **fields)


def test_a_suite_without_places_has_the_digest_that_it_had_before_there_were_any():
    test = AssertTest(source="assert f() == 1", module="m", files={"a.txt": "x"})

    digest = Suite(tests=(test,), entry_point="f").digest()

    assert digest == "24b9bb602fbbc56e50aa97e60fb67a3fa6c0d8fa13cdbbbd5c00211162f23e83"


@pytest.mark.parametrize(
    ("path", "module", "files", "file", "root"),
    [
        (None, "a", (), "a.py", ""),
        (None, "a.b", (), "a/b.py", ""),
        (None, "a", ("a/c.py",), "a/__init__.py", ""),
        (None, "a", ("a/data.txt",), "a.py", ""),
        ("src/a/b.py", "a.b", (), "src/a/b.py", "/src"),
        ("x/a/__init__.py", "a", (), "x/a/__init__.py", "/x"),
        ("lib/__init__/a.py", "a", (), "lib/__init__/a.py", "/lib/__init__"),
    ],
)
def test_a_candidate_lies_where_its_module_is_found(path, module, files, file, root):
    start = {"candidate_path": path, "files": files}

    found = placing.candidate_file(start, module)

    assert found == (f"{placing.FOLDER}/{file}", f"{placing.FOLDER}{root}")


def test_pytest_is_configured_by_what_speaks_of_it():
    files = {
        "pytest.ini": "",
        "pyproject.toml": "[project]\n",
        "a/setup.cfg": "[tool:pytest]\n",
        "tox.ini": "[tox]\n",
        "my_pytest.ini": "[pytest]\n",
        "conftest.py": "",
    }

    assert placing.configuration(files) == ["a/setup.cfg", "pytest.ini"]
