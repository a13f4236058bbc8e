"""`rrtf audit`: finds the database, asks the auditor, lays out what it found."""

import contextlib
from pathlib import Path

from rich.table import Table
from rich.text import Text

from infra.settings import SweepSettings, load
from ranker.batching.batches import MAX_LEASES
from services.audit import Audit, Finding, Maxima, audit
from services.cli.terminal import open_database


def run_audit(home: Path | None, complete: bool) -> Audit:
    """Audit the database of `DATABASE_URL`, or else of the suite that runs in a data directory.

    Raises:
        errors.Unavailable: it cannot be reached.
    """
    maxima = Maxima(max_attempts=load(SweepSettings).max_attempts, max_leases=MAX_LEASES)
    with contextlib.closing(open_database(home)) as database:
        return audit(database, maxima, complete)


def audit_table(found: Audit) -> Table:
    """Lay out what is wrong, what waits, and how much was looked at."""
    table = Table("code", "rows", "what", "the first of them", title_justify="left")
    table.title = Text.assemble(
        f"{len(found.held)} invariants hold, {len(found.findings)} do not: ",
        ("clean", "green") if found.is_clean else ("NOT clean", "red"),
    )
    codes = {finding.code for finding in found.findings}
    for finding in found.findings:
        table.add_row(*_cells(finding, "red"))
    for finding in found.waiting:
        if finding.code not in codes:
            table.add_row(*_cells(finding, "yellow"))
    table.caption = ", ".join(f"{count} {name}" for name, count in found.rows.items())
    table.caption_justify = "left"
    return table


def _cells(finding: Finding, colour: str) -> tuple[Text, str, str, str]:
    code = Text(finding.code, style=colour)
    return code, str(finding.count), finding.says, "\n".join(finding.ids)
