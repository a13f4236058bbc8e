"""A page of the documentation as a program: its blocks, one after another.

What a block is stands behind its three quotes: `sh` and `python` are run; `file=NAME` is written;
`sh runs` is a service that is started, and stays until the page ends; `text` says something; and
words in brackets say why a block is not run, and what runs it in its place.
"""

import json
import re
import subprocess
import tomllib
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "infra/docs").glob("**/*.md"))]
WRITTEN_FROM_CODE = ROOT / "infra/docs/reference"
NOTEBOOKS = sorted((ROOT / "infra/docs").glob("**/*.ipynb"))
_BLOCK = re.compile(r"^( *)```(\w*)([^\n]*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
_READY = """
for _ in $(seq 1200); do
    grep -q "The suite is ready" service.log && break
    kill -0 $service 2>/dev/null || { cat service.log >&2; exit 1; }
    sleep 0.1
done
"""
_STOPS = "trap 'kill -INT $service 2>/dev/null; wait $service' EXIT\n"


class Block(NamedTuple):
    """One block of a page."""

    line: int
    language: str
    says: str
    """What stands behind the language."""
    text: str

    @property
    def file(self) -> str | None:
        """The file that the block is the content of."""
        return self.says.removeprefix("file=") if self.says.startswith("file=") else None

    @property
    def reason(self) -> str:
        """Why it is not run."""
        return self.says[1:-1] if self.says.startswith("(") else ""

    @property
    def is_run(self) -> bool:
        """Whether it is a part of the page's program."""
        return bool(self.file) or (self.language in ("sh", "python") and not self.reason)


def blocks_of(page: Path) -> list[Block]:
    """Return the blocks of a page in their order."""
    text = page.read_text()
    return [
        Block(
            text.count("\n", 0, found.start()) + 1,
            found[2],
            found[3].strip(),
            re.sub(rf"^{found[1]}", "", found[4], flags=re.MULTILINE),
        )
        for found in _BLOCK.finditer(text)
    ]


def program_of(notebook: Path) -> str:
    """Return the cells of a notebook that hold code, as one program."""
    cells = json.loads(notebook.read_text())["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


def check(block: Block) -> None:
    """Check what a block says of itself without running it: JSON, TOML, and the shell's syntax."""
    if block.language == "sh":
        subprocess.run(["/bin/bash", "-n"], input=block.text, text=True, check=True)
    if block.language == "json":
        for line in [block.text] if block.file == "group.json" else block.text.splitlines():
            json.loads(line)
    if block.language == "toml":
        tomllib.loads(block.text)


def script_of(page: Path) -> str:
    """Make one shell script of a page; it ends with the first command that fails."""
    parts = ["set -euo pipefail\n"]
    for number, block in enumerate(blocks_of(page)):
        if not block.is_run:
            continue
        end = f"END_OF_BLOCK_{number}"
        here = f"<<'{end}'\n{block.text}{end}\n"
        parts.append(f"echo '== line {block.line}' >&2\n")
        if block.file:
            parts.append(f"cat >{block.file} {here}")
        elif block.language == "python":
            # From a file, for programs that start processes must be importable.
            parts.append(f"cat >block_{number}.py {here}python block_{number}.py\n")
        elif block.says == "runs":
            *before, last = block.text.rstrip().split("\n")
            parts += [line + "\n" for line in before]
            parts.append(f"env {last.partition('#')[0]} >service.log 2>&1 &\nservice=$!\n")
            parts += [_STOPS, _READY]
        else:
            parts.append(block.text)
    return "".join(parts)
