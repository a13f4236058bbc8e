"""The report as Markdown."""

from collections.abc import Iterator, Sequence

from infra.printable import counted
from services.evaluation import cases, tables
from services.evaluation.quantization.tables import Section
from services.evaluation.results import Evaluation
from services.evaluation.tables import Table

INTERVALS = (
    "In brackets: 95 % intervals. Those of rates say what other problems of the kind would give"
    " (Wilson's, where every problem has one program; else bootstrap over problems); those of"
    " another run, what the same model would give on the same problems again."
)


def report(evaluation: Evaluation, ks: Sequence[int], studies: Sequence[Section] = ()) -> str:
    """Return the report, with studies of quantization."""
    return "\n".join(_parts(evaluation, ks, studies)) + "\n"


def section(one: Section) -> str:
    """Return one study of quantization."""
    words = (f"{_plain(words)}\n" for words in one.words)
    return "\n".join((f"## {_plain(one.title)}\n", *words, *map(_table, one.tables)))


def _parts(evaluation: Evaluation, ks: Sequence[int], studies: Sequence[Section]) -> Iterator[str]:
    yield "# Evaluation\n"
    yield INTERVALS + "\n"
    yield _table(tables.overview(evaluation))
    for benchmark, items in evaluation.items.items():
        yield f"## {_plain(benchmark)}: {counted(len(items), 'problem')}\n"
        for table in (
            tables.rates(evaluation, benchmark, ks),
            tables.labels(evaluation, benchmark),
            tables.parts(evaluation, benchmark),
            tables.differences(evaluation, benchmark),
        ):
            if table is not None:
                yield _table(table)
        yield from _cases(evaluation, benchmark)
    yield from map(section, studies)
    yield "## Cost\n"
    yield _table(tables.cost(evaluation))


def _cases(evaluation: Evaluation, benchmark: str) -> Iterator[str]:
    unsolved = list(cases.unsolved(evaluation, benchmark))
    yield f"### Problems that no model solves: {len(unsolved)}\n"
    for one in unsolved:
        yield f"* {_plain(one.item.slug)}{_about(one)}"
    alone = list(cases.alone(evaluation, benchmark))
    if alone:
        yield f"\n### Problems that one model alone solves: {len(alone)}\n"
        for only in alone:
            yield (
                f"* {_plain(only.item.slug)}: {_plain(only.model)}, {only.right} of {only.programs}"
                " programs"
            )
    yield ""


def _about(one: cases.Unsolved) -> str:
    said = f", {_plain(one.item.level)}" if one.item.level else ""
    if one.item.flaw:
        said += f" (known flaw: {_plain(one.item.flaw)})"
    if one.failure:
        where = f" in test {_plain(one.failure.test)}" if one.failure.test else ""
        said += f": {one.times} of {one.programs} programs: {one.failure.outcome}{where}"
    near = ", ".join(f"{_plain(n.model)} {n.passed} of {n.total} tests" for n in one.nearest)
    return said + (f"; nearest: {near}" if near else "")


def _table(table: Table) -> str:
    lines = [table.head, tuple("---" for _ in table.head), *table.rows]
    return "".join("| " + " | ".join(map(_plain, line)) + " |\n" for line in lines)


def _plain(text: str) -> str:
    """Keep what a model, a test or a problem is called from being read as Markdown."""
    flat = " ".join(text.split())
    return "".join(f"\\{one}" if one in "\\`*_|<>[]" else one for one in flat)
