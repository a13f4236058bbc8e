"""What is compiled, how, and what comes of it."""

import re
from typing import Any, NamedTuple

from executor.toolchain_spec import Cache, Toolchain


class NotBrought(Exception):
    """Files that come with a program cannot be put where they are to be."""


def require_brought(answer: dict[str, Any]) -> None:
    """Look whether a guest has written the files that came with its program.

    Raises:
        NotBrought: it says that it could not.
    """
    if "not_brought" in answer:
        raise NotBrought(str(answer["not_brought"]))


class Build(NamedTuple):
    """What is compiled, how, and how it is run; the words are those of a toolchain."""

    files: dict[str, str]
    """Texts by name."""
    command: tuple[str, ...]
    artifact: str
    run: tuple[str, ...]
    file: str
    """The one of the files that is named as the language asks for."""
    main: str = ""
    """The class to run, where that is not found by what is compiled."""
    libraries: tuple[Cache, ...] = ()
    """Of a harness: compiled once, whatever the program."""

    @staticmethod
    def of(toolchain: Toolchain, files: dict[str, str], words: tuple[str, ...] = ()) -> "Build":
        """Build as a toolchain does, with more words for the compiler."""
        command = (*toolchain.compile, *words)
        return Build(files, command, toolchain.artifact, toolchain.run, toolchain.file)

    def without_repeated(self) -> "Build":
        """Keep the last of each words for gcc or rustc of which one alone is said.

        gcc remembers the first of two, and rustc refuses them.
        """
        last = {_kind(word): at for at, word in enumerate(self.command)}
        kept = (w for at, w in enumerate(self.command) if last[_kind(w)] == at or w == _kind(w))
        return self._replace(command=tuple(kept))


def _kind(word: str) -> str:
    """Return what words for gcc or rustc have in common of which one alone is said."""
    found = re.match(r"-std=|-O|--edition=", word)
    return found[0] if found else word


class Compiled(NamedTuple):
    """What leaves the compiler's jail."""

    files: dict[str, bytes]
    """By name."""
    main: str
    """The class to run, where the language has one."""
    run: tuple[str, ...]
