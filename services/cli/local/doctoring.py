"""`rrtf doctor`: says what this machine offers, and whether it can execute candidates."""

import contextlib
from typing import Any

from rich.table import Table
from rich.text import Text

from executor.installed import survey
from executor.sandbox.slot import Slot
from executor.settings import ExecutorSettings
from executor.worker.probe import REMEDY, examine
from infra.settings import load
from services.cli.local import surveying
from services.cli.local.imaging import images_here, listed, table_of


class Diagnosis:
    """What the probe found, as tables for a reader."""

    def __init__(self) -> None:
        """Run the probe.

        Raises:
            errors.SandboxUnsupported: no jail starts at all.
        """
        self._facts = surveying.survey()
        settings = load(ExecutorSettings)
        # The number past the last slot, so that a worker already running here is not disturbed.
        with contextlib.closing(Slot(settings, number=settings.slots)) as slot:
            self._version = slot.version
            self._findings = list(examine(slot.sandbox))

    @property
    def is_sound(self) -> bool:
        """Whether every control bites."""
        return all(finding.bites for finding in self._findings)

    def data(self) -> dict[str, Any]:
        """Return what was found as data."""
        return {
            "sandbox": self._version,
            "machine": [fact._asdict() for fact in self._facts],
            "sound": self.is_sound,
            "controls": [finding._asdict() for finding in self._findings],
            "languages": languages_here(),
            "images": listed(images_here()),
        }

    def tables(self) -> list[Table | str]:
        """Return what to print."""
        controls = Table("control", "holds", "seen", title="Sandbox")
        for finding in self._findings:
            mark = Text("yes", style="green") if finding.bites else Text("NO", style="red")
            controls.add_row(finding.control, mark, finding.observed)
        toolchains = table_of_languages(languages_here())
        images = table_of(listed(images_here()))
        parts: list[Table | str] = [
            surveying.table_of(self._facts),
            self._version,
            controls,
            toolchains,
            images,
        ]
        if not self.is_sound:
            parts.append(f"Executors refuse to start here: {REMEDY}.")
        return parts


def languages_here() -> dict[str, Any]:
    """Return which languages can be used on this machine, as data."""
    return {
        found.language.value: {"usable": found.path is not None, "told": found.told}
        for found in survey()
    }


def table_of_languages(languages: dict[str, Any]) -> Table:
    """Return what to print."""
    table = Table("language", "usable", "version, or why not", title="Toolchains")
    for name, found in languages.items():
        mark = Text("yes", style="green") if found["usable"] else Text("no", style="yellow")
        table.add_row(name, mark, found["told"])
    return table
