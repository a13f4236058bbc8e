"""What the reference program shows of a program test, and what is drawn of that for a candidate."""

import itertools
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
    is_lean: bool = False
    """Whether the reference program passes where its interpreter loads less at its start."""

    def blank(self, change: Change) -> Blank | None:
        """Return the blank in the place of a change, if there is one."""
        inside = (b for b in self.blanks if change.start <= b.start and b.end <= change.end)
        return next(inside, None)

    def drawn(self) -> list[list[tuple[Change, frozenset[str]]]]:
        """Draw what is changed in each of the copies, which are run in this order.

        In the first a literal of every test that is reported by itself, as far as there are
        changes: a right program fails each. In the second one literal of all others. Further ones
        have the rest, in the same way.
        """
        every = list(zip(self.changes, self.fails, strict=True))
        reported: dict[frozenset[str], list[tuple[Change, frozenset[str]]]] = {}
        others: list[list[tuple[Change, frozenset[str]]]] = []
        for change, failed in _RANDOM.sample(every, len(every)):
            if failed:
                reported.setdefault(failed, []).append((change, failed))
            else:
                others.append([(change, failed)])
        tests = itertools.zip_longest(*reported.values())
        copies = [[one for one in copy if one is not None] for copy in tests]
        return [*copies[:1], *others[:1], *copies[1:], *others[1:]]
