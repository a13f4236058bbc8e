"""Programs that try another program on many values at once, and print what came of each: pure.

What is asked in the program's own process costs a hundredth of what is asked from outside. Nothing
rests on its word alone: a program that lies of what it answers only hides, and one that is found
is judged by whole tests afterwards.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sampler.evolution.probes import PROBED

_HEAD = """\
import copy, io, signal, sys

def stop(number, frame):
    raise TimeoutError

def loaded(program):
    names = {{"__name__": "asked"}}
    exec(program, names)
    return names

def tried(function, *values):
    # Processor time of one call: few programs expect values of every type, and some then hang.
    signal.setitimer(signal.ITIMER_VIRTUAL, 0.1)
    try:
        return True, function(*values)
    except BaseException:
        return False, None
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)

signal.signal(signal.SIGVTALRM, stop)
tell, sys.stdout = sys.stdout, io.StringIO()
asked = loaded({program!r})
"""
_PROBING = """
for place, probe in enumerate({probes!r}):
    if tried(exec, probe, {{{name!r}: eval({function!r}, asked)}})[0]:
        print(place, file=tell, flush=True)
"""
_COMPARING = """
known = loaded({known!r})

def shape(value):
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return "number"
    if isinstance(value, (list, tuple, set, dict)):
        inner = value.items() if isinstance(value, dict) else value
        return type(value).__name__, frozenset(map(shape, inner))
    return type(value).__name__

def calls_of(probes):
    calls = []
    for probe in probes:
        tried(exec, probe, {{{name!r}: lambda *values: calls.append(values)}})
    return calls

made_for = {{shape(values) for values in calls_of({known_checks!r})}}

def compare(probes, same, other, is_own):
    for values in calls_of(probes):
        if is_own or shape(values) in made_for:
            ended, wanted = tried(eval({known_function!r}, known), *copy.deepcopy(values))
            answers, got = tried(eval({function!r}, asked), *copy.deepcopy(values))
            if answers and (ended or is_own):
                is_same = ended and tried(lambda: bool(got == wanted))[1]
                print(same if is_same else other, file=tell, flush=True)

compare({own!r}, "s", "o", True)
compare({probes!r}, "S", "O", False)
"""


class Likeness(NamedTuple):
    """On how many values two functions agree."""

    same: int
    other: int

    def is_least(self, share: float) -> bool:
        """Tell whether they agree on so large a share; where nothing was compared, they do."""
        return self.same >= share * (self.same + self.other)


def probing(program: str, function: str, probes: Sequence[str]) -> str:
    """Return a program that prints the places of the probes that a function passes."""
    return (_HEAD + _PROBING).format(
        program=program, function=function, probes=list(probes), name=PROBED
    )


def passed(stdout: str) -> set[int]:
    """Read what `probing` printed."""
    return {int(line) for line in stdout.split() if line.isdecimal()}


def comparing(
    program: str,
    function: str,
    known: str,
    known_function: str,
    known_checks: Sequence[str],
    own: Sequence[str],
    probes: Sequence[str],
) -> str:
    """Return a program that calls two functions with the same values and prints what is the same.

    Args:
        program: The program that is looked at.
        function: Of it.
        known: The program of a benchmark.
        known_function: Of that.
        known_checks: Checks of its problem: they show of which types the values are.
        own: Checks of the problem that the program is of: there, the known one must answer.
        probes: Other checks of so many values. Where either has no answer, nothing is compared.
    """
    return (_HEAD + _COMPARING).format(
        program=program,
        function=function,
        known=known,
        known_function=known_function,
        known_checks=list(known_checks),
        own=list(own),
        probes=list(probes),
        name=PROBED,
    )


def compared(stdout: str) -> tuple[Likeness, Likeness]:
    """Read what `comparing` printed: on the problem's own checks, and on the others."""
    said = stdout.split()
    return Likeness(said.count("s"), said.count("o")), Likeness(said.count("S"), said.count("O"))
