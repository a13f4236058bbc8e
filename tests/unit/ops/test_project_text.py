"""What the project's own text may not contain, and what its Makefile must say."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[3]
# Written in parts, so that this file does not contain what it looks for.
BUILD_MACHINE = re.compile("|".join(("/wor" + "k/", "/tmp/scr" + "atch", "/root/.py" + "env")))  # noqa: S108


def tracked_files() -> list[Path]:
    listing = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z"],  # noqa: S607 - whichever git there is
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [ROOT / name for name in listing.split("\0") if name and (ROOT / name).is_file()]


def test_no_file_names_a_path_of_the_machine_it_was_written_on() -> None:
    files = tracked_files()

    guilty = [
        str(path.relative_to(ROOT))
        for path in files
        if BUILD_MACHINE.search(path.read_bytes().decode("utf-8", "replace"))
    ]

    assert len(files) > 50
    assert guilty == []


def test_make_alone_describes_every_target() -> None:
    text = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z0-9-]+):", text, re.MULTILINE))

    said = subprocess.run(
        ["make", "--no-print-directory", "-C", str(ROOT)],  # noqa: S607 - whichever make there is
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert {line.split()[1] for line in said.splitlines()} == targets
    assert {"demo", "up", "test", "check", "bench", "clean"} <= targets
