"""Build constraints of Go, read as its tools read them where no tag is given."""

import pytest

from infra import errors
from infra.forms.go_builds import is_built, without_constraints


@pytest.mark.parametrize(
    ("constraint", "is_compiled"),
    [
        ("first", False),
        ("!slice", True),
        ("step2 || (!step1 && !step3)", True),
        ("step2 || !(step1 || !step3)", False),
        ("linux && amd64", True),
        ("windows || darwin", False),
        ("go1.21", True),
        ("ignore", False),
        ("!!linux", True),
        ("linux &&", False),
    ],
)
def test_a_file_is_compiled_as_its_constraint_says(constraint, is_compiled):
    assert is_built(f"//go:build {constraint}\n\npackage p\n") is is_compiled


def test_a_file_without_a_constraint_is_compiled():
    assert is_built("package p\n// go:build ignore\n")


def test_constraints_are_left_out():
    source = "//go:build !slice\n// +build !slice\n\npackage p\n\n//go:noinline\nfunc f() {}\n"

    assert without_constraints(source) == "\npackage p\n\n//go:noinline\nfunc f() {}\n"


@pytest.mark.parametrize("sign", ["!", "("])
def test_a_constraint_without_end_is_refused(sign):
    with pytest.raises(errors.InvalidInput, match="too deeply"):
        is_built(f"//go:build {sign * 100_000}linux\n\npackage p\n")
