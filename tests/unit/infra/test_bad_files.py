"""What is said of files of problems that are not as they should be."""

import json

import pytest

from infra import errors
from infra.records import importers
from infra.records.record_files import BadLine

PROBLEM = {"slug": "own/one", "prompt": "", "entry_point": "f", "tests": [{"kind": "call"}]}
PROBLEM["tests"][0]["expected"] = 1


def read(tmp_path, text):
    path = tmp_path / "problems.jsonl"
    path.write_text(text)
    return list(importers.read_problems(path))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"tests": []}, "tests: there are none"),
        ({"slug": "тест/один"}, "slug: 'тест/один' is no name: at most 200 of A-Z"),
    ],
)
def test_a_field_that_cannot_be_used_is_told_in_plain_words(tmp_path, change, told):
    (found,) = read(tmp_path, json.dumps(PROBLEM | change))

    assert isinstance(found, BadLine)
    assert found.reason.startswith(told)


@pytest.mark.parametrize("indent", [2, "\t"])
def test_json_over_several_lines_is_one_complaint_with_what_to_do(tmp_path, indent):
    text = "\n".join(json.dumps(PROBLEM | {"slug": f"a/{n}"}, indent=indent) for n in range(2))

    with pytest.raises(errors.InvalidInput, match="write each object on a line of its own"):
        read(tmp_path, text)


def test_a_broken_first_line_is_one_line_of_many(tmp_path):
    first, second = read(tmp_path, '{"slug": "own/two",\n' + json.dumps(PROBLEM))

    assert first.number == 1
    assert second.slug == "own/one"


def test_a_name_that_comes_again_is_told_with_both_lines(tmp_path):
    other = PROBLEM | {"prompt": "other"}
    first, again = read(tmp_path, "\n".join(map(json.dumps, (PROBLEM, other))))

    assert first.slug == "own/one"
    assert again == BadLine(2, "slug: 'own/one' is that of line 1 already")
