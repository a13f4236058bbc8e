"""Writes what an evaluation has found: all numbers, and two forms to read them in."""

from collections.abc import Sequence
from pathlib import Path

from services.evaluation import markdown, page
from services.evaluation.folder import write_json, write_text
from services.evaluation.quantization.reading import PAGE, STUDIES, studies
from services.evaluation.quantization.tables import sections
from services.evaluation.results import Evaluation, numbers


def write(root: Path, ks: Sequence[int]) -> Evaluation:
    """Write `evaluation.json`, `report.md` and `report.html` of a folder; return what it holds.

    Each study of quantization gets a page of its own too.

    Args:
        root: The folder.
        ks: The k of pass@k that are shown, where there are so many programs.

    Raises:
        errors.InvalidInput: it holds nothing complete, or cannot be read.
    """
    ks = sorted(set(ks))
    evaluation = Evaluation(root)
    cells = [numbers(one, ks, evaluation.trained[one.model]) for one in evaluation.found]
    write_json(root / "evaluation.json", {"k": ks, "cells": cells})
    studied = studies(root)
    found = list(sections(studied))
    for study, section in zip(studied, found, strict=True):
        folder = root / STUDIES / study["name"] / study["benchmark"]
        write_text(folder / PAGE, markdown.section(section))
    write_text(root / "report.md", markdown.report(evaluation, ks, found))
    write_text(root / "report.html", page.report(evaluation, ks, found))
    return evaluation
