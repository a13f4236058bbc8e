"""What names a language, and what names its packages."""

import pytest
from pydantic import ValidationError

from infra.contracts.base import Language
from infra.contracts.execution import Suite
from infra.contracts.inline import ExecuteRequest
from infra.contracts.problems import Problem, StdioTest

TEST = StdioTest(expected_stdout="1\n")


def problem(**fields):
    return Problem.model_validate({"slug": "p", "prompt": "p", "tests": [TEST]} | fields)


def request(**fields):
    return ExecuteRequest.model_validate({"tests": [TEST], "programs": ["1"]} | fields)


@pytest.mark.parametrize("make", [problem, request])
def test_a_language_with_packages_is_refused_with_what_to_say_instead(make):
    with pytest.raises(ValidationError, match='use "language": "python", "image": "numpy"'):
        make(language="python_numpy")


@pytest.mark.parametrize("make", [problem, request])
def test_only_python_has_packages(make):
    assert make(language="python", image="numpy").image == "numpy"
    with pytest.raises(ValidationError, match="in bash has no Python packages"):
        make(language="bash", image="numpy")


@pytest.mark.parametrize("name", ["", "../x", "A", "a b", "a/b", ".a", "a" * 51, "a\n"])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(ValidationError, match="image"):
        problem(image=name)


def test_the_image_is_part_of_what_a_label_was_made_by():
    suites = [Suite(tests=(TEST,), image=image) for image in ("std", "numpy", "science")]

    assert len({suite.digest() for suite in suites}) == 3


def test_every_problem_has_the_standard_library_alone_unless_it_says_more():
    assert problem().image == "std"
    assert problem().language is Language.PYTHON
