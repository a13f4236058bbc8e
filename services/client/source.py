"""Writes the client for threads from that for event loops: `python -m services.client.source`."""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import unasync

HERE: Final = Path(__file__).parent
FROM: Final = HERE / "asynchronous.py"
TO: Final = HERE / "synchronous.py"
_NAMES: Final = {
    "AsyncClient": "Client", "asyncio": "time", "aclose": "close", "aread": "read",
    "aiter_lines": "iter_lines",
}  # fmt: skip
_WORDS: Final = {
    "The client for event loops": "The client for threads",
    "for one event loop.": "safe to use from several threads.",
    "`make client-source` writes that for threads, `synchronous.py`, from this file.": (
        "`make client-source` writes it from `asynchronous.py`: change that."
    ),
}


def synchronous() -> str:
    """Return the source of the client for threads."""
    with tempfile.TemporaryDirectory() as folder:
        source, made = Path(folder, "from", FROM.name), Path(folder, "to", FROM.name)
        source.parent.mkdir()
        source.write_text(FROM.read_text())
        rule = unasync.Rule("/from/", "/to/", additional_replacements=_NAMES)
        unasync.unasync_files([str(source)], [rule])
        text = made.read_text()
    for word, other in _WORDS.items():
        if word not in text:
            raise ValueError(f"{FROM.name} no longer says {word!r}")
        text = text.replace(word, other)
    for command in (["check", "--fix", "--unsafe-fixes", "--select", "I,UP"], ["format"]):
        text = _ruff(command, text)
    return text


def _ruff(command: list[str], text: str) -> str:
    line = [sys.executable, "-m", "ruff", *command, "--quiet", "--stdin-filename", str(TO), "-"]
    return subprocess.run(line, input=text, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    TO.write_text(synchronous())
