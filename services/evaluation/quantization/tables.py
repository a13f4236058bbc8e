"""The tables of a study of quantization, as text."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any, NamedTuple

from services.evaluation.tables import Table, points
from services.statistics import Estimate


class Section(NamedTuple):
    """One study as it is shown."""

    title: str
    words: tuple[str, ...]
    """Paragraphs."""
    tables: tuple[Table, ...]


def sections(studies: Sequence[Mapping[str, Any]]) -> Iterator[Section]:
    """Yield what is shown of each study."""
    for study in studies:
        rows = study["rows"]
        tables = [_sizes(rows), _changes(rows)]
        if any(row["flips"] for row in rows):
            tables.append(_flips(rows))
        yield Section(
            f"Quantization: {study['name']} on {study['benchmark']}",
            tuple(_words(study)),
            tuple(tables),
        )


def _words(study: Mapping[str, Any]) -> Iterator[str]:
    rows = study["rows"]
    first = rows[0]
    versions = ", ".join(
        f"{name} {version}"
        for name, version in first["versions"].items()
        if version != "not installed"
    )
    yield (
        f"{study['model']} on {study['processor']}, {first['threads']} of them used; {versions}."
        f" {len(study['problems'])} problems, greedy. Differences are to {first['variant']}."
    )
    yield (
        "The weights' error is a root mean square, as a share of the weights'. Noise adds normal"
        " numbers of just that size, matrix by matrix, to the weights in fp32. A margin is the"
        " logit of the likeliest token less that of the next one, in fp32."
    )
    yield (
        f"Times are the middle one of {study['turns']} turns, in each of which all were measured"
        f" one after another, and in brackets the least and the most; {study['new_tokens']} tokens"
        f" alone, and of {study['batch']} completions at once. Times as fast: beside"
        f" {first['variant']} in the same turn, alone and at once. Meanwhile"
        f" {_range(study['load'])} processes wanted {study['processors']} processors, this one"
        " among them."
    )
    for name, why in study["not_measured"].items():
        yield f"Not measured: {name} {why}."


def _sizes(rows: Sequence[Mapping[str, Any]]) -> Table:
    head = (
        *("", "on disk", "in memory", "ms a token", "tokens a second", "times as fast"),
        *("pass@1", "points", "McNemar's p", "perplexity of references"),
    )
    return Table(head, tuple(_size(row) for row in rows))


def _size(row: Mapping[str, Any]) -> tuple[str, ...]:
    perplexity = row["perplexity"]["perplexity"]
    return (
        row["variant"],
        _bytes(row["disk_bytes"]),
        _bytes(row["memory_bytes"]),
        "{:.3g} [{:.3g}, {:.3g}]".format(*row["speed"]["ms_per_token"]),
        "{:,.0f} [{:,.0f}, {:,.0f}]".format(*row["speed"]["tokens_per_second"]),
        "{:.2f} and {:.2f}".format(*row["speed"]["as_fast"]),
        str(Estimate(**row["pass_at_1"])),
        points(Estimate(**row["difference"])),
        f"{row['mcnemar_p']:.3g}",
        "" if perplexity is None else f"{perplexity:.4f}",
    )


def _changes(rows: Sequence[Mapping[str, Any]]) -> Table:
    head = (
        *("", "weights' error", "newly solved", "newly failed", "the same by noise"),
        *("noise that flips as many", "noise that gains as much", "other texts"),
        *("margin where they differ first", "margins move by"),
    )
    return Table(head, tuple(_change(row) for row in rows[1:]))


def _change(row: Mapping[str, Any]) -> tuple[str, ...]:
    first, noise = row["first_differences"], row["noise"]
    middle, of_all = first["median_margin"], first["median_margin_of_all"]
    flips = row["newly_right"] + row["newly_wrong"]
    gain = row["newly_right"] - row["newly_wrong"]
    as_many = sum(one["newly_right"] + one["newly_wrong"] >= flips for one in noise)
    as_much = sum(one["newly_right"] - one["newly_wrong"] >= gain for one in noise)
    return (
        row["variant"],
        f"{row['relative_error']:.2%}",
        str(row["newly_right"]),
        str(row["newly_wrong"]),
        " and ".join(_mean(noise, key) for key in ("newly_right", "newly_wrong")) if noise else "",
        f"{as_many} of {len(noise)} seeds" if noise else "",
        f"{as_much} of {len(noise)} seeds" if noise else "",
        str(row["other_texts"]),
        "" if middle is None else f"{middle:.3g}; of all tokens {of_all:.3g}",
        f"{row['shifts']['moved']:.2g}",
    )


def _mean(noise: Sequence[Mapping[str, int]], key: str) -> str:
    every = [one[key] for one in noise]
    return f"{fmean(every):.1f} [{min(every)}, {max(every)}]"


def _flips(rows: Sequence[Mapping[str, Any]]) -> Table:
    head = ("", "problem", "becomes", "first other token", "its margin in fp32", "noise does it")
    return Table(
        head,
        tuple(
            (
                row["variant"],
                flip["task_id"],
                "right" if flip["right"] else "wrong",
                "" if flip["token"] is None else str(flip["token"]),
                "" if flip["margin"] is None else f"{flip['margin']:.3g}",
                f"{flip['noise']} of {len(row['noise'])} seeds",
            )
            for row in rows
            for flip in row["flips"]
        ),
    )


def _range(values: Sequence[float]) -> str:
    low, high = f"{min(values):.1f}", f"{max(values):.1f}"
    return low if low == high else f"{low} to {high}"


def _bytes(number: int) -> str:
    return f"{number / 1e9:.2f} GB" if number >= 1e8 else f"{number / 1e6:.2f} MB"
