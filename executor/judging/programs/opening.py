"""Compiles a program once for its tests and for their changed copies, with blanks in them."""

import re
import struct
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from executor.guest.programs.native import MAX_DIAGNOSTICS
from executor.judging.host import CompileFailed
from executor.judging.native.builds import Compiled
from executor.judging.native.runner import NativeRunner
from executor.judging.programs.blanks import Blank, Form, Places
from executor.judging.programs.composing import composed
from executor.judging.programs.marks import Composed
from executor.sandbox.ended import Ended
from infra.contracts.base import Language
from infra.contracts.problems import ProgramTest

_NOT_INLINED: Final = "-gcflags=-l"
"""Go puts small functions into the tests, and compares what they give of literals there."""

_MAY_KEEP_THE_TIME: Final = {
    # A preprocessor of the candidate's choice, or code that the compiler runs.
    Language.HASKELL: re.compile(
        r"\{-#\s*OPTIONS(?!_GHC(?:\s+-(?:W[\w-]*|w|O\d?|fno-warn[\w-]*),?)*\s*#-\})"
        r"|TemplateHaskell|QuasiQuotes",
        re.IGNORECASE,
    ),
    # A version `1.0.*` counts days and seconds.
    Language.CSHARP: re.compile(r"Version|\\u", re.IGNORECASE),
}
"""What in a program may have its compiler put the time into it. One that knows when it was compiled
would know its first run from the later ones, of which none is its test: it is compiled for each."""


class Opened(NamedTuple):
    """A compiled program with blanks."""

    parts: Composed
    compiled: Compiled
    form: Form
    language: Language
    places: Places
    """Where each blank is in it."""

    @property
    def counts(self) -> tuple[int, ...]:
        """How often each blank is found in it."""
        return tuple(map(len, self.places))

    def bare(self) -> list[bytes]:
        """Return all that does not depend on the stand-ins, or on when it was compiled."""
        files = self.form.bare(self.compiled.files, self.places, self.language)
        return [_timeless(file) for file in files] if self.language is Language.CSHARP else files

    def filled(self, changed: Collection[Blank] = ()) -> Compiled:
        """Return the program with the literals in it, of which some may be the other ones."""
        files = self.form.filled(self.compiled.files, self.places, self.language, changed)
        return self.compiled._replace(files=files)


def _timeless(program: bytes) -> bytes:
    """Return a program of .NET without the time and the identifier of its compilation.

    ECMA-335, parts II.24.2 and II.25.2.2: a field of the PE header, and the heap `#GUID`, whose
    place and size stand before its name, counted from the root of the metadata.
    """
    root, name = program.find(b"BSJB"), program.find(b"#GUID\0\0\0")
    if root < 0 or name < 8:
        return program
    made = bytearray(program)
    at, size = struct.unpack("<II", program[name - 8 : name])
    stamp = int.from_bytes(program[0x3C:0x40], "little") + 8
    for start, end in ((root + at, root + at + size), (stamp, stamp + 4)):
        made[start:end] = bytes(len(made[start:end]))
    return bytes(made)


class Opener:
    """Compiles programs with blanks."""

    def __init__(self, native: NativeRunner, language: Language) -> None:
        self._native = native
        self._language = language

    def open(
        self, test: ProgramTest, program: str, blanks: Sequence[Blank], counts: tuple[int, ...]
    ) -> Opened | None:
        """Compile a program; None where it is to be compiled with the literals themselves.

        That is where a blank is not found as often as in the reference program: of what a compiler
        has worked out by a stand-in, nothing can be said of another value.

        Raises:
            CompileFailed: it does not compile, and no stand-in is at fault.
            Ended: the compiler met a limit.
        """
        keeps_time = _MAY_KEEP_THE_TIME.get(self._language)
        if not blanks or (keeps_time and keeps_time.search(program)):
            return None
        form = Form.of(test.source, blanks)
        try:
            opened = self._build(self._composed(test, program, form), form)
        except CompileFailed as failed:
            told = str(failed)
            is_whole = len(told.encode()) < MAX_DIAGNOSTICS
            if not is_whole or form.is_spoken_of(told):
                return None
            raise
        return opened if opened.counts == counts else None

    def open_reference(
        self, test: ProgramTest, program: str, blanks: Sequence[Blank]
    ) -> Opened | None:
        """Compile the reference program; None where the blanks cannot be filled in afterwards.

        They can where two sets of stand-ins give the same program but for these: then nothing was
        worked out by them, such as a length, a sum or the order of cases.
        """
        form = Form.of(test.source, blanks)
        parts = self._composed(test, program, form)
        again, put = form.again()
        try:
            one = self._build(parts, form)
            files = {name: put(text) for name, text in parts.build.files.items()}
            other = self._build(parts._replace(build=parts.build._replace(files=files)), again)
        except (CompileFailed, Ended):
            return None
        return one if one.bare() == other.bare() else None

    def _composed(self, test: ProgramTest, program: str, form: Form) -> Composed:
        copy = test.model_copy(update={"source": form.source})
        parts = composed(self._language, copy, program)
        if self._language is not Language.GO:
            return parts
        first, second, *words = parts.build.command
        command = (first, second, _NOT_INLINED, *words)
        return parts._replace(build=parts.build._replace(command=command))

    def _build(self, parts: Composed, form: Form) -> Opened:
        compiled = self._native.build(parts.build)
        places = form.places(compiled.files, self._language)
        return Opened(parts, compiled, form, self._language, places)
