"""Operations on lists of integers.

The share beside a wrong way is how many of the corpus's programs write it so. The mistakes are
those that people and models make: a bound in or out, an empty list, a sign, a method that returns
None.
"""

from functools import partial

from services.exercises.operations import Kind, Operation, Parameters, keeping, mapping, operation

# Zero and two are asked for in words of their own: one question must not have two names.
_THRESHOLDS: tuple[Parameters, ...] = tuple((k,) for k in range(-9, 31) if k)
_DIVISORS: tuple[Parameters, ...] = tuple((k,) for k in range(3, 10))
_FACTORS: tuple[Parameters, ...] = tuple((k,) for k in range(2, 10))
_SMALL: tuple[Parameters, ...] = tuple((k,) for k in range(2, 8))
_AMOUNTS: tuple[Parameters, ...] = tuple((k,) for k in range(1, 31))
_RANGES: tuple[Parameters, ...] = tuple(
    (k, m) for k in range(-9, 16, 2) for m in range(k + 4, k + 20, 3)
)
_SEPARATORS: tuple[Parameters, ...] = tuple((k,) for k in "-+/:;_|.")


_filter = partial(keeping, Kind.NUMBERS)
_map = partial(mapping, Kind.NUMBERS)


def _last(
    name: str,
    title: str,
    returns: str,
    phrase: str,
    right: str,
    wrong: dict[str, float],
    parameters: tuple[Parameters, ...] = ((),),
    *,
    modules: dict[str, str] | None = None,
) -> Operation:
    return operation(
        name,
        Kind.NUMBERS,
        Kind.RESULT,
        (phrase,),
        right,
        wrong,
        parameters,
        returns=returns,
        title=title,
        modules=modules,
    )


FILTERS = (
    _filter(
        "even",
        ("keep the even numbers", "drop the odd numbers"),
        "{x} % 2 == 0",
        {"{x} % 2": 0.1},
    ),
    _filter(
        "odd",
        ("keep the odd numbers", "drop the even numbers"),
        "{x} % 2 == 1",
        {"{x} % 2 == 0": 0.1},
    ),
    _filter(
        "positive",
        ("keep the positive numbers", "drop what is not positive"),
        "{x} > 0",
        {"{x} >= 0": 0.58},
    ),
    _filter(
        "above",
        ("keep the numbers above {k}", "keep what is greater than {k}"),
        "{x} > {k}",
        {"{x} >= {k}": 0.15},
        _THRESHOLDS,
    ),
    _filter(
        "at_least",
        ("keep the numbers that are at least {k}", "keep what is {k} or more"),
        "{x} >= {k}",
        {"{x} > {k}": 0.62},
        _THRESHOLDS,
    ),
    _filter(
        "below",
        ("keep the numbers below {k}", "keep what is less than {k}"),
        "{x} < {k}",
        {"{x} <= {k}": 0.15},
        _THRESHOLDS,
    ),
    _filter(
        "at_most",
        ("keep the numbers that are at most {k}", "keep what is {k} or less"),
        "{x} <= {k}",
        {"{x} < {k}": 0.35},
        _THRESHOLDS,
    ),
    _filter(
        "between",
        ("keep the numbers from {k} to {m}, both included",),
        "{k} <= {x} <= {m}",
        {"{k} < {x} < {m}": 0.2, "{k} <= {x} < {m}": 0.45},
        _RANGES,
    ),
    _filter(
        "multiples",
        ("keep the multiples of {k}", "keep what {k} divides"),
        "{x} % {k} == 0",
        {"{x} // {k} == 0": 0.1, "{x} % {k}": 0.08},
        _DIVISORS,
    ),
    _filter(
        "no_multiples",
        ("drop the multiples of {k}", "drop what {k} divides"),
        "{x} % {k} != 0",
        {"{x} % {k} == 0": 0.3},
        _DIVISORS,
    ),
    _filter(
        "last_digit",
        ("keep the numbers whose last digit is {k}",),
        "abs({x}) % 10 == {k}",
        {"{x} % 10 == {k}": 0.65},
        tuple((k,) for k in range(1, 10)),
    ),
)

MAPS = (
    _map(
        "plus",
        ("add {k} to each", "increase each by {k}"),
        "{x} + {k}",
        {"{x} - {k}": 0.05},
        _AMOUNTS,
    ),
    _map(
        "minus",
        ("subtract {k} from each", "decrease each by {k}"),
        "{x} - {k}",
        {"{x} + {k}": 0.05, "{k} - {x}": 0.1},
        _AMOUNTS,
    ),
    _map("times", ("multiply each by {k}",), "{x} * {k}", {"{x} + {k}": 0.05}, _FACTORS),
    _map("square", ("square each",), "{x} ** 2", {"{x} * 2": 0.3}),
    _map("absolute", ("take the absolute value of each",), "abs({x})", {"-{x}": 0.25}),
    _map("negate", ("negate each", "flip the sign of each"), "-{x}", {"abs({x})": 0.2}),
    _map(
        "distance",
        ("replace each by its distance from {k}",),
        "abs({x} - {k})",
        {"{x} - {k}": 0.6},
        _AMOUNTS,
    ),
    _map(
        "remainder",
        ("replace each by its remainder when divided by {k}",),
        "{x} % {k}",
        {"{x} // {k}": 0.15},
        _FACTORS,
    ),
    _map(
        "quotient",
        ("divide each by {k}, rounding down",),
        "{x} // {k}",
        {"{x} / {k}": 0.15, "int({x} / {k})": 0.5},
        _FACTORS,
    ),
    _map(
        "cap",
        ("replace what is above {k} by {k}", "limit each to at most {k}"),
        "min({x}, {k})",
        {"max({x}, {k})": 0.4},
        _AMOUNTS,
    ),
    _map(
        "floor",
        ("replace what is below {k} by {k}", "raise each to at least {k}"),
        "max({x}, {k})",
        {"min({x}, {k})": 0.58},
        _AMOUNTS,
    ),
    _map(
        "digit_sum",
        ("replace each by the sum of its digits",),
        "sum(map(int, str(abs({x}))))",
        {"sum(map(int, str({x})))": 0.62},
    ),
    _map(
        "digits",
        ("replace each by its number of digits",),
        "len(str(abs({x})))",
        {"len(str({x}))": 0.6},
    ),
)

CHANGES = (
    operation(
        "running_totals",
        Kind.NUMBERS,
        Kind.NUMBERS,
        ("replace each by the sum of all up to it", "form the running totals"),
        "[sum({v}[:i + 1]) for i in range(len({v}))]",
        {"[sum({v}[:i]) for i in range(len({v}))]": 0.55},
    ),
    operation(
        "differences",
        Kind.NUMBERS,
        Kind.NUMBERS,
        ("form the differences from each to the next",),
        "[b - a for a, b in zip({v}, {v}[1:])]",
        {"[a - b for a, b in zip({v}, {v}[1:])]": 0.58},
    ),
    operation(
        "largest_few",
        Kind.NUMBERS,
        Kind.NUMBERS,
        ("take the {k} largest, largest first",),
        "sorted({v}, reverse=True)[:{k}]",
        {"sorted({v})[-{k}:]": 0.5, "sorted({v})[:{k}]": 0.1},
        _SMALL,
    ),
    operation(
        "smallest_few",
        Kind.NUMBERS,
        Kind.NUMBERS,
        ("take the {k} smallest, smallest first",),
        "sorted({v})[:{k}]",
        {"sorted({v})[-{k}:]": 0.15},
        _SMALL,
    ),
)

LASTS = (
    _last("numbers", "select", "list[int]", "return the list", "{v}", {}),
    _last("sum", "total", "int", "return the sum", "sum({v})", {"len({v})": 0.05}),
    _last("count", "count", "int", "return how many there are", "len({v})", {"sum({v})": 0.1}),
    _last(
        "product",
        "product",
        "int",
        "return the product",
        "math.prod({v})",
        {"prod({v})": 0.3},
        modules={"math.prod({v})": "math"},
    ),
    _last(
        "largest",
        "largest",
        "int | None",
        "return the largest, or None if there is none",
        "max({v}, default=None)",
        {"max({v})": 0.6},
    ),
    _last(
        "smallest",
        "smallest",
        "int | None",
        "return the smallest, or None if there is none",
        "min({v}, default=None)",
        {"min({v})": 0.58},
    ),
    _last(
        "average",
        "average",
        "float",
        "return the average, or 0 if there is none",
        "sum({v}) / len({v}) if {v} else 0",
        {"sum({v}) / len({v})": 0.55, "sum({v}) // len({v})": 0.1},
    ),
    _last(
        "spread",
        "spread",
        "int",
        "return the largest minus the smallest, or 0 if there is none",
        "max({v}) - min({v}) if {v} else 0",
        {"max({v}) - min({v})": 0.6},
    ),
    _last(
        "any_above",
        "exists",
        "bool",
        "return whether any is above {k}",
        "any({x} > {k} for {x} in {v})",
        {"all({x} > {k} for {x} in {v})": 0.2},
        _THRESHOLDS,
    ),
    _last(
        "all_below",
        "holds",
        "bool",
        "return whether all are below {k}",
        "all({x} < {k} for {x} in {v})",
        {"any({x} < {k} for {x} in {v})": 0.2, "all({x} <= {k} for {x} in {v})": 0.15},
        _THRESHOLDS,
    ),
    _last(
        "joined",
        "render",
        "str",
        "return them as text, joined by {k!r}",
        "{k!r}.join(map(str, {v}))",
        {"{k!r}.join({v})": 0.4},
        _SEPARATORS,
    ),
    _last(
        "first",
        "first",
        "int | None",
        "return the first, or None if there is none",
        "{v}[0] if {v} else None",
        {"{v}[0]": 0.55},
    ),
    _last(
        "last",
        "last",
        "int | None",
        "return the last, or None if there is none",
        "{v}[-1] if {v} else None",
        {"{v}[-1]": 0.55},
    ),
)
