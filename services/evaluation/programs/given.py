"""Programs that were written elsewhere, sorted to the benchmarks that they are for."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from infra import errors
from infra.records import importers, samples
from infra.records.record_files import BadLine
from infra.records.samples import NO_NAMES, Names
from services import answers
from services.evaluation.benchmarks import Benchmark
from services.evaluation.plan import GREEDY, Setting

_CARRIED: Final = ("finish_reason", "seed", "num_tokens")
_SHOWN: Final = 5
Record = dict[str, Any]


def models_in(path: Path) -> list[str]:
    """Return the names of the models that a file of candidates says it is of.

    Raises:
        errors.InvalidInput: it cannot be read.
    """
    try:
        rows = [row for _, row in samples.read(path, NO_NAMES)]
    except errors.InvalidInput:
        return []  # Lists without names, which need problems; such a file names no model.
    found = {str(row.get("model") or "") for row in rows if not isinstance(row, BadLine)}
    return sorted(found) if "" not in found else []


def read(
    path: Path, only: str | None, benchmarks: Sequence[Benchmark]
) -> dict[tuple[str, Setting], list[Record]]:
    """Return the programs of a file by benchmark and by how they were drawn, problem by problem.

    Args:
        path: The file or folder, in any form of candidates.
        only: The model whose programs are taken, of a file of several.
        benchmarks: Whose problems they may be for.

    Raises:
        errors.InvalidInput: a line of it is no candidate, or for no problem; or a benchmark has
            programs for some of its problems alone.
    """
    found: dict[tuple[str, Setting], list[Record]] = {}
    strange: set[str] | None = None
    for benchmark in benchmarks:
        slugs = set(benchmark.file_slugs)
        of_file = Names(slugs.__contains__, benchmark.file_slugs)
        known, unknown = _read(path, only, of_file, benchmark)
        strange = unknown if strange is None else strange & unknown
        for setting, records in known.items():
            found[benchmark.name, setting] = _in_order(records, benchmark, path)
    if strange:
        raise errors.InvalidInput(
            f"{path} has programs for problems that no benchmark has: {_some(sorted(strange))}"
        )
    if not found:
        raise errors.InvalidInput(f"{path} has no program for any of the problems")
    return found


def _read(
    path: Path, only: str | None, names: Names, benchmark: Benchmark
) -> tuple[dict[Setting, list[Record]], set[str]]:
    problems = {problem.slug: problem for problem in benchmark.problems}
    found: dict[Setting, list[Record]] = defaultdict(list)
    unknown: set[str] = set()
    for number, record in _records(path, names):
        if only is not None and record.get("model") != only:
            continue
        slug = importers.slug_of(record["task_id"])
        if slug in problems:
            try:
                opened = answers.opened(record, problems)
                program = importers.program_of(dict(opened), problems[slug])
            except errors.InvalidInput as error:
                raise errors.InvalidInput(f"{path}, line {number}: {error.detail}") from None
            carried = {key: record[key] for key in _CARRIED if record.get(key) is not None}
            kept = {"task_id": slug, "program": program, **carried}
            found[_setting(record, f"{path}, line {number}")].append(kept)
        elif not names.has(slug):
            unknown.add(slug)
    return found, unknown


def _records(path: Path, names: Names) -> Iterator[tuple[int, Record]]:
    for number, record in samples.read(path, names):
        if isinstance(record, BadLine):
            raise errors.InvalidInput(f"{path}, line {number}: {record.reason}")
        yield number, record


def _setting(record: Mapping[str, Any], where: str) -> Setting:
    try:
        found = Setting(temperature=record.get("temperature"), top_p=record.get("top_p"))
    except ValueError:
        raise errors.InvalidInput(f"{where}: temperature or top_p is none") from None
    return GREEDY if found.temperature == 0 else found


def _in_order(records: Sequence[Record], benchmark: Benchmark, path: Path) -> list[Record]:
    by_slug: dict[str, list[Record]] = {item.slug: [] for item in benchmark.items}
    for record in records:
        by_slug[record["task_id"]].append(record)
    missing = [slug for slug, programs in by_slug.items() if not programs]
    if missing:
        raise errors.InvalidInput(
            f"{path} has no program for {len(missing)} of the {len(by_slug)} problems of"
            f" {benchmark.name}: {_some(missing)}; a rate of the others alone says something else"
        )
    return [record for programs in by_slug.values() for record in programs]


def _some(names: Sequence[str]) -> str:
    rest = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
