"""What a jailed process sends is read within bounds."""

import json

import pytest

from executor.sandbox import messages


@pytest.mark.parametrize(
    "value",
    [
        "[],{}" * 1_500_000,
        '\\"[,{' * 3_000_000,
        "\\" * 5_000_001 + '"' + ",[" * 4_000_000,
        list(range(1_000_000)),
        [[n] for n in range(500_000)],
    ],
    ids=["containers in a text", "quotes in a text", "escapes in a text", "numbers", "lists"],
)
def test_large_values_are_read(value):
    assert messages.read(json.dumps({"value": value}).encode())["value"] == value


@pytest.mark.parametrize("part", ["[],", "{},", '["]"],', '"\\"",[],', "1,1,1,1,1,"])
def test_a_value_of_too_many_parts_is_not(part):
    body = b'{"value":[' + part.encode() * 2_100_000 + b"0]}"

    with pytest.raises(messages.TooManyParts):
        messages.read(body)


@pytest.mark.parametrize("body", [b"", b"[]", b"1", b"\xff", b"{", b'{"a":1e999}'])
def test_what_is_no_object_is_refused(body):
    with pytest.raises(ValueError):  # noqa: PT011 - whatever the reader says
        messages.read(body)
