"""Benchmarks are run by hand only; what they take from the suite must still be there."""

import importlib
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
MODULES = [
    ".".join(path.relative_to(BENCHMARKS.parents[1]).with_suffix("").parts)
    for path in sorted(BENCHMARKS.rglob("*.py"))
    if path.name not in ("conftest.py", "contenders.py")
]


@pytest.mark.parametrize("name", MODULES)
def test_a_benchmark_can_be_imported(name):
    importlib.import_module(name)
