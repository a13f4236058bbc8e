"""What the reference program shows of a program test, and what is drawn of that for a candidate."""

import random
from typing import Final, NamedTuple

from executor.judging.programs.blanks import Blank
from executor.judging.programs.changing import Change

_RANDOM: Final = random.SystemRandom()


class Learnt(NamedTuple):
    """What the reference program has shown of one test."""

    names: tuple[str, ...] = ()
    """Of its tests, where their framework reports them."""
    changes: tuple[Change, ...] = ()
    """Those that it compiles with and fails."""
    sites: int = 0
    """Literals of what is expected, each of which may be changed."""
    fails: tuple[frozenset[str], ...] = ()
    """The name of the one test that it fails with each change; none where that is not reported."""
    blanks: tuple[Blank, ...] = ()
    """Those that are filled in when the program is compiled, in the order of the test code."""
    counts: tuple[int, ...] = ()
    """How often each of them is found in the compiled reference program."""

    def blank(self, change: Change) -> Blank | None:
        """Return the blank in the place of a change, if there is one."""
        inside = (b for b in self.blanks if change.start <= b.start and b.end <= change.end)
        return next(inside, None)

    def drawn(self) -> list[list[tuple[Change, frozenset[str]]]]:
        """Draw what is changed in each of the copies that are run, one or two.

        In one of them a literal of every test that is reported by itself, as far as there are
        changes: a right program fails each. In the other one literal of all others.
        """
        every = list(zip(self.changes, self.fails, strict=True))
        reported: dict[frozenset[str], tuple[Change, frozenset[str]]] = {}
        others = []
        for change, failed in _RANDOM.sample(every, len(every)):
            if failed:
                reported.setdefault(failed, (change, failed))
            else:
                others.append((change, failed))
        return [copy for copy in (list(reported.values()), others[:1]) if copy]
