"""`rrtf project`: problems of a whole project, written to a file that the other commands read."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from infra import errors
from infra.contracts.problems import AssertTest
from infra.forms.project import reading
from infra.printable import counted
from infra.records.importers import reason_of


class ProjectRun:
    """Makes the problems of a project; keeps count, and what went wrong."""

    def __init__(self) -> None:
        self.written = 0
        self.refused: list[str] = []
        self._left_out: dict[str, str] = {}

    def run(self, folder: Path, wanted: reading.Wanted, out: Path) -> Iterator[str]:
        """Write the problems, one a line; yield what each of them is.

        Raises:
            errors.InvalidInput: the folder is no project, or lacks a file that is named.
            OSError: the file cannot be written.
        """
        entries = list(reading.entries(folder, wanted))
        with out.open("w", encoding="utf-8") as file:
            for entry in entries:
                try:
                    made = entry.make()
                except (ValidationError, errors.InvalidInput) as error:
                    self.refused.append(f"{folder}, {entry.name}: {reason_of(error)}")
                    continue
                file.write(made.problem.model_dump_json() + "\n")
                self.written += 1
                self._left_out |= made.left_out
                yield _described(made)

    def left_out(self) -> Iterator[str]:
        """Say which files no problem brings along, and why."""
        for path, why in sorted(self._left_out.items()):
            yield f"left out, {path}: {why}"


def _described(made: reading.Made) -> str:
    tests = [test for test in made.problem.tests if isinstance(test, AssertTest)]
    files = {path for test in tests for path in (*test.files, *(test.data_files or ()))}
    image = made.problem.image
    named = ", ".join(str(test.path) for test in tests)
    image += f" ({made.no_image})" if made.no_image else ""
    return f"{made.problem.slug}  {named}; {counted(len(files), 'file')} beside, image {image}"
