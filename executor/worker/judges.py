"""The judges of recent suites: reading test code costs a jail, so what was read is kept."""

import json
from collections import OrderedDict
from typing import NamedTuple

from executor.judging.judge import Judge
from executor.judging.run import Asserts
from executor.sandbox.slot import Slot
from infra.contracts.base import Integrity
from infra.contracts.execution import Suite

_MOST = 256
_MOST_CHARACTERS = 64 * 2**20
"""Of all the tests kept, unless those of a single suite are more."""


class _Known(NamedTuple):
    """A judge and what it costs to keep."""

    judge: Judge
    decided: Integrity | None
    """Where a check of the problem has decided that its tests run."""
    version: str
    """Of the sandbox, as in a verdict."""
    characters: int


class Judges:
    """The judges that one slot has made, least recently used first."""

    def __init__(self, slot: Slot) -> None:
        self.slot = slot
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._characters = 0

    def get(self, name: str, suite: Suite, asserts: Asserts | None = None) -> Judge:
        """Return the judge of the suite of this name, made when it is first asked for.

        `asserts` is what another slot has read of the suite's tests.

        Raises:
            SuiteBroken: the test code does not compile, or contains no test.
            errors.ImageMissing: the suite's image has not been built here.
            errors.SandboxError: the sandbox failed.
        """
        version = self.slot.version_with(suite.image)
        known = self._known.get(name)
        # Its image was built anew, or its problem has been checked meanwhile.
        if known is not None and (known.version, known.decided) != (version, suite.decided):
            self._characters -= self._known.pop(name).characters
        if name not in self._known:
            judge = Judge(self.slot.sandbox, suite, version, asserts)
            characters = len(json.dumps(suite.model_dump(mode="json")))
            characters += sum(len(read["text"]) for read in judge.asserts.read)
            self._make_room(characters)
            self._known[name] = _Known(judge, suite.decided, version, characters)
            self._characters += characters
        self._known.move_to_end(name)
        return self._known[name].judge

    def _make_room(self, characters: int) -> None:
        while self._known and (
            len(self._known) >= _MOST or self._characters + characters > _MOST_CHARACTERS
        ):
            _, oldest = self._known.popitem(last=False)
            self._characters -= oldest.characters

    def read(self, name: str) -> Asserts | None:
        """Return what is known of the suite's assert tests, if it was asked for."""
        known = self._known.get(name)
        return known.judge.asserts if known else None
