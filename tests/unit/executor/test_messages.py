"""What a jailed process sends is read within bounds."""

import json

import pytest

from executor.sandbox import messages

# Made when they are needed: a process that collects tests would hold them to its end.
LARGE = {
    "containers in a text": lambda: "[],{}" * 1_500_000,
    "quotes in a text": lambda: '\\"[,{' * 3_000_000,
    "escapes in a text": lambda: "\\" * 5_000_001 + '"' + ",[" * 4_000_000,
    "numbers": lambda: list(range(1_000_000)),
    "lists": lambda: [[n] for n in range(500_000)],
}


@pytest.mark.slow
@pytest.mark.parametrize("make", LARGE.values(), ids=LARGE)
def test_large_values_are_read(make):
    value = make()

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
