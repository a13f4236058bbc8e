"""The list of attacks in the documents names tests that there are."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
HOSTILE = ROOT / "tests/hostile"
NAME = re.compile(r"`([a-z0-9_/]+(?:\.py)?)`")


def rows():
    text = (ROOT / "infra/docs/attacks.md").read_text()
    table = text.partition("| tried by |")[2].partition("\n## ")[0]
    return [line.strip("|").split("|") for line in table.splitlines()[2:] if line.startswith("|")]


def kinds(row):
    is_category = row[0].strip().startswith("**")
    return 0 if is_category else row[0].count(";") + 1


def test_each_kind_is_there_and_each_test_exists():
    missing = [
        name
        for *_, tried in rows()
        for name in NAME.findall(tried)
        if not any((HOSTILE / f"{name}{suffix}").exists() for suffix in ("", ".txt"))
    ]

    assert missing == []
    assert sum(map(kinds, rows())) == 54
