"""The report as one page of HTML that needs nothing else: no script, no network."""

from collections.abc import Iterator, Sequence
from html import escape
from itertools import islice
from pathlib import Path
from typing import Final

from infra.printable import counted
from services.evaluation import cases, charts, tables
from services.evaluation.markdown import INTERVALS
from services.evaluation.quantization.tables import Section
from services.evaluation.results import Evaluation
from services.evaluation.tables import Table

_STYLE: Final = Path(__file__).with_name("report.css")
_MOST_CASES: Final = 200
"""Unsolved problems of one benchmark that are shown in full; the others are named."""
_MOST_CHARACTERS: Final = 6_000
"""Of a prompt or a program."""


def report(evaluation: Evaluation, ks: Sequence[int], studies: Sequence[Section] = ()) -> str:
    """Return the page, with studies of quantization."""
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            # Whatever a model or a test is called or has written, nothing of it is run or loaded.
            '<meta http-equiv="Content-Security-Policy"'
            " content=\"default-src 'none'; style-src 'unsafe-inline'\">",
            "<title>Evaluation</title>",
            f"<style>{_STYLE.read_text('utf-8')}</style></head><body>",
            *_body(evaluation, ks, studies),
            "</body></html>\n",
        ]
    )


def _body(evaluation: Evaluation, ks: Sequence[int], studies: Sequence[Section]) -> Iterator[str]:
    yield "<h1>Evaluation</h1>"
    yield f'<p class="quiet">{escape(INTERVALS)}</p>'
    yield _table(tables.overview(evaluation))
    for benchmark, items in evaluation.items.items():
        yield f"<h2>{escape(benchmark)}: {counted(len(items), 'problem')}</h2>"
        yield _table(tables.rates(evaluation, benchmark, ks))
        found = evaluation.of(benchmark)
        curves = [
            charts.curves(evaluation.of(benchmark, model), f"pass@k of {model}")
            for model in evaluation.models
        ]
        if any(curves):
            yield f'<div class="charts">{"".join(curves)}</div>'
        yield f"<h3>Labels</h3>{charts.bars(found)}"
        for title, table in (
            ("By part", tables.parts(evaluation, benchmark)),
            ("Differences", tables.differences(evaluation, benchmark)),
        ):
            if table is not None:
                yield f"<h3>{title}</h3>{_table(table)}"
        yield from _unsolved(list(cases.unsolved(evaluation, benchmark)))
        yield from _alone(list(cases.alone(evaluation, benchmark)))
    for section in studies:
        yield f"<h2>{escape(section.title)}</h2>"
        yield from (f"<p>{escape(words)}</p>" for words in section.words)
        yield from map(_table, section.tables)
    yield f"<h2>Cost</h2>{_table(tables.cost(evaluation))}"


def _unsolved(found: Sequence[cases.Unsolved]) -> Iterator[str]:
    yield f"<h3>Problems that no model solves: {len(found)}</h3>"
    for one in islice(found, _MOST_CASES):
        level = f" ({escape(one.item.level)})" if one.item.level else ""
        yield f'<div class="case"><p><b>{escape(one.item.slug)}</b>{level}</p>'
        if one.item.flaw:
            yield f"<p>Known flaw: {escape(one.item.flaw)}</p>"
        if one.failure:
            where = f" in test <code>{escape(one.failure.test)}</code>" if one.failure.test else ""
            how = escape(one.failure.outcome) + where
            yield f"<p>{one.times} of {one.programs} programs: {how}</p>"
            if one.failure.detail:
                yield f"<p><code>{escape(one.failure.detail)}</code></p>"
        if one.item.prompt:
            yield _folded("Prompt", one.item.prompt)
        for near in one.nearest:
            said = f"{near.model}, {near.setting}: {near.passed} of {near.total} tests"
            yield _folded(said, near.program) if near.program else f"<p>{escape(said)}</p>"
        yield "</div>"
    rest = ", ".join(escape(one.item.slug) for one in found[_MOST_CASES:])
    if rest:
        yield f"<p>And {rest}</p>"


def _alone(found: Sequence[cases.Alone]) -> Iterator[str]:
    if not found:
        return
    rows = [
        (one.item.slug, one.model, f"{one.right} of {one.programs}", one.item.level)
        for one in found
    ]
    yield f"<h3>Problems that one model alone solves: {len(found)}</h3>"
    yield _table(Table(("", "model", "right programs", "level"), tuple(rows)))


def _folded(summary: str, text: str) -> str:
    shown = text[:_MOST_CHARACTERS] + ("\n..." if len(text) > _MOST_CHARACTERS else "")
    # What cannot be written as UTF-8 must not keep the page from being written.
    shown = shown.encode("utf-8", "replace").decode("utf-8")
    return f"<details><summary>{escape(summary)}</summary><pre>{escape(shown)}</pre></details>"


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in table.head)
    rows = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in table.rows
    )
    return (
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>"
    )
