"""The judges of recent suites: reading test code costs a jail, so what was read is kept."""

from collections import OrderedDict

from executor.judge import Judge
from executor.run import Asserts
from executor.sandbox import Slot
from infra.contracts.execution import Suite

_MOST = 256


class Judges:
    """The judges that one slot has made, least recently used first."""

    def __init__(self, slot: Slot) -> None:
        self.slot = slot
        self._known: OrderedDict[str, Judge] = OrderedDict()

    def get(self, name: str, suite: Suite, asserts: Asserts | None = None) -> Judge:
        """Return the judge of the suite of this name, made when it is first asked for.

        `asserts` is what another slot has read of the suite's tests.

        Raises:
            SuiteBroken: the test code does not compile, or contains no test.
            errors.SandboxError: the sandbox failed.
        """
        if name not in self._known:
            self._known[name] = Judge(self.slot.sandbox, suite, self.slot.version, asserts)
            if len(self._known) > _MOST:
                self._known.popitem(last=False)
        self._known.move_to_end(name)
        return self._known[name]

    def read(self, name: str) -> Asserts | None:
        """Return what is known of the suite's assert tests, if it was asked for."""
        judge = self._known.get(name)
        return judge.asserts if judge else None
