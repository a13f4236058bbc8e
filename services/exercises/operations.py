"""What an exercise is made of: one operation, in words and in code, right and wrong.

A template may name the parameters `{k}` and `{m}`, `{j}` (one less than `k`), the variable `{v}`
and one element of it `{x}`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial


class Kind(StrEnum):
    """What passes from one operation to the next; the value is the variable's name."""

    TEXT = "text"
    WORDS = "words"
    NUMBERS = "numbers"
    RESULT = "result"

    @property
    def annotation(self) -> str:
        """Type of an argument of this kind."""
        return {"text": "str", "words": "list[str]", "numbers": "list[int]"}[self.value]

    @property
    def element(self) -> str:
        """Name of one element in a comprehension."""
        return "w" if self is Kind.WORDS else "n"


@dataclass(frozen=True)
class Way:
    """One way to write an operation."""

    code: str
    """An expression."""
    share: float
    """Share of the programs of the corpus that write the operation this way."""
    module: str = ""
    """Module that the expression needs, imported at the top of the program."""


Parameters = tuple[int | str, ...]


@dataclass(frozen=True)
class Operation:
    """One step of an exercise."""

    name: str
    takes: Kind
    gives: Kind
    phrases: tuple[str, ...]
    """Ways to say it in English, as an order."""
    right: tuple[Way, ...]
    wrong: tuple[Way, ...]
    parameters: tuple[Parameters, ...] = ((),)
    """Every choice of parameters."""
    returns: str = ""
    """Type of the result, for a last operation."""
    title: str = ""
    """Name of a function that ends with it."""


def values(template: str, parameters: Parameters, takes: Kind) -> str:
    """Fill a template."""
    k, m = (*parameters, "", "")[:2]
    j = k - 1 if isinstance(k, int) else ""
    return template.format(k=k, m=m, j=j, v=takes.value, x=takes.element)


def keep(condition: str) -> str:
    """Keep the elements that meet a condition."""
    return "[{x} for {x} in {v} if " + condition + "]"


def each(expression: str) -> str:
    """Replace every element."""
    return "[" + expression + " for {x} in {v}]"


def _elementwise(
    shape: Callable[[str], str],
    takes: Kind,
    name: str,
    phrases: tuple[str, ...],
    right: str,
    wrong: dict[str, float],
    parameters: tuple[Parameters, ...] = ((),),
    gives: Kind | None = None,
) -> Operation:
    """Make an operation whose code is of one shape, `keep` or `each`; code is what is inside."""
    shaped = {shape(code): share for code, share in wrong.items()}
    return operation(name, takes, gives or takes, phrases, shape(right), shaped, parameters)


keeping = partial(_elementwise, keep)
"""Make an operation that keeps the elements of a list for which its code is true."""
mapping = partial(_elementwise, each)
"""Make an operation that makes something of each element of a list."""


def one_of(right: Sequence[str], wrong: dict[str, float], modules: dict[str, str]) -> list[Way]:
    """Return ways whose shares sum up to one: the wrong ones as given, the rest equally."""
    rest = (1.0 - sum(wrong.values())) / len(right)
    shares = dict.fromkeys(right, rest) | wrong
    return [Way(code, share, modules.get(code, "")) for code, share in shares.items()]


def operation(
    name: str,
    takes: Kind,
    gives: Kind,
    phrases: Sequence[str],
    right: str | Sequence[str],
    wrong: dict[str, float],
    parameters: Sequence[Parameters] = ((),),
    *,
    returns: str = "",
    title: str = "",
    modules: dict[str, str] | None = None,
) -> Operation:
    """Make an operation; `wrong` maps code to its share of the corpus."""
    right = [right] if isinstance(right, str) else list(right)
    ways = one_of(right, wrong, modules or {})
    return Operation(
        name=name,
        takes=takes,
        gives=gives,
        phrases=tuple(phrases),
        right=tuple(ways[: len(right)]),
        wrong=tuple(ways[len(right) :]),
        parameters=tuple(parameters),
        returns=returns,
        title=title,
    )
