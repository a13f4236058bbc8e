"""Operations on text and on lists of words, and those on lists of any kind."""

from functools import partial

from services.exercises.operations import Kind, Operation, Parameters, keeping, mapping, operation

_LENGTHS: tuple[Parameters, ...] = tuple((k,) for k in range(2, 9))
_LETTERS: tuple[Parameters, ...] = tuple((k,) for k in "abcdefghilmnoprstu")
_COUNTS: tuple[Parameters, ...] = tuple((k,) for k in range(1, 7))
_STEPS: tuple[Parameters, ...] = tuple((k,) for k in range(2, 6))
_SEPARATORS: tuple[Parameters, ...] = tuple((k,) for k in "-+/:;_|.")
_ENDINGS: tuple[Parameters, ...] = tuple((k,) for k in ("s", "ed", "er", "ly", "ing", "!", "?"))
_SWAPS: tuple[Parameters, ...] = tuple((k, m) for k in "aeiort" for m in "aeouxyz_" if k != m)


def _words(
    name: str,
    phrases: tuple[str, ...],
    right: str,
    wrong: dict[str, float],
    parameters: tuple[Parameters, ...] = ((),),
    gives: Kind = Kind.WORDS,
) -> Operation:
    return operation(name, Kind.WORDS, gives, phrases, right, wrong, parameters)


_filter = partial(keeping, Kind.WORDS)
_map = partial(mapping, Kind.WORDS)


def _last(
    name: str,
    title: str,
    returns: str,
    phrase: str,
    right: str,
    wrong: dict[str, float],
    parameters: tuple[Parameters, ...] = ((),),
) -> Operation:
    return operation(
        name,
        Kind.WORDS,
        Kind.RESULT,
        (phrase,),
        right,
        wrong,
        parameters,
        returns=returns,
        title=title,
    )


FIRSTS = (
    operation(
        "split",
        Kind.TEXT,
        Kind.WORDS,
        ("split the text into words", "take the words of the text"),
        "{v}.split()",
        {"{v}.split(' ')": 0.3},
    ),
    operation(
        "split_at",
        Kind.TEXT,
        Kind.WORDS,
        ("split the text at each {k!r}",),
        "{v}.split({k!r})",
        {"{v}.split()": 0.2},
        tuple((k,) for k in ",;:|/-"),
    ),
    operation(
        "lines",
        Kind.TEXT,
        Kind.WORDS,
        ("split the text into lines",),
        "{v}.splitlines()",
        {"{v}.split()": 0.25},
    ),
)

FILTERS = (
    _filter(
        "starts",
        ("keep those that start with {k!r}", "drop those that do not start with {k!r}"),
        "{x}.startswith({k!r})",
        {"{x}[0] == {k!r}": 0.3},
        _LETTERS,
    ),
    _filter(
        "starts_any_case",
        ("keep those that start with {k!r} in either case",),
        "{x}.lower().startswith({k!r})",
        {"{x}.startswith({k!r})": 0.6},
        _LETTERS,
    ),
    _filter(
        "ends",
        ("keep those that end with {k!r}",),
        "{x}.endswith({k!r})",
        {"{x}[-1] == {k!r}": 0.3},
        _LETTERS,
    ),
    _filter(
        "contains",
        ("keep those that contain {k!r}",),
        "{k!r} in {x}",
        {"{k!r} not in {x}": 0.05},
        _LETTERS,
    ),
    _filter(
        "lacks",
        ("drop those that contain {k!r}",),
        "{k!r} not in {x}",
        {"{k!r} in {x}": 0.25},
        _LETTERS,
    ),
    _filter(
        "longer",
        ("keep those of more than {k} letters", "keep those longer than {k} letters"),
        "len({x}) > {k}",
        {"len({x}) >= {k}": 0.15},
        _LENGTHS,
    ),
    _filter(
        "long",
        ("keep those of at least {k} letters", "keep those of {k} letters or more"),
        "len({x}) >= {k}",
        {"len({x}) > {k}": 0.6},
        _LENGTHS,
    ),
    _filter(
        "short",
        ("keep those of at most {k} letters", "keep those of {k} letters or fewer"),
        "len({x}) <= {k}",
        {"len({x}) < {k}": 0.35},
        _LENGTHS,
    ),
    _filter(
        "exactly",
        ("keep those of exactly {k} letters",),
        "len({x}) == {k}",
        {"len({x}) >= {k}": 0.05},
        _LENGTHS,
    ),
    _filter(
        "palindromes",
        ("keep those that read the same backwards",),
        "{x} == {x}[::-1]",
        {"{x} == reversed({x})": 0.35},
    ),
    _filter(
        "capitalised",
        ("keep those that start with a capital",),
        "{x}[:1].isupper()",
        {"{x}.isupper()": 0.1, "{x}[0].isupper()": 0.5},
    ),
)

MAPS = (
    _map("upper", ("put each into upper case",), "{x}.upper()", {"{x}.lower()": 0.05}),
    _map("lower", ("put each into lower case",), "{x}.lower()", {"{x}.upper()": 0.05}),
    _map(
        "capital",
        ("put the first letter of each into upper case and leave the rest",),
        "{x}[:1].upper() + {x}[1:]",
        {"{x}.capitalize()": 0.6},
    ),
    _map("backwards", ("reverse each",), "{x}[::-1]", {"reversed({x})": 0.2}),
    _map(
        "head",
        ("cut each after {k} letters", "take the first {k} letters of each"),
        "{x}[:{k}]",
        {"{x}[:{j}]": 0.2},
        _LENGTHS,
    ),
    _map(
        "tail",
        ("take the last {k} letters of each",),
        "{x}[-{k}:]",
        {"{x}[{k}:]": 0.3},
        _LENGTHS,
    ),
    _map(
        "without_head",
        ("remove the first {k} letters of each",),
        "{x}[{k}:]",
        {"{x}[:{k}]": 0.15},
        _LENGTHS,
    ),
    _map("append", ("append {k!r} to each",), "{x} + {k!r}", {"{k!r} + {x}": 0.1}, _ENDINGS),
    _map("repeat", ("repeat each {k} times",), "{x} * {k}", {"{x} + {k}": 0.1}, _STEPS),
    _map(
        "swap",
        ("replace {k!r} by {m!r} in each",),
        "{x}.replace({k!r}, {m!r})",
        {"{x}.replace({m!r}, {k!r})": 0.1},
        _SWAPS,
    ),
    _map(
        "lengths",
        ("replace each by its length",),
        "len({x})",
        {},
        gives=Kind.NUMBERS,
    ),
    _map(
        "occurrences",
        ("replace each by how often it contains {k!r}",),
        "{x}.count({k!r})",
        {"{k!r} in {x}": 0.3},
        _LETTERS,
        gives=Kind.NUMBERS,
    ),
    _map(
        "vowels",
        ("replace each by its number of vowels",),
        "sum(c in 'aeiouAEIOU' for c in {x})",
        {"sum(c in 'aeiou' for c in {x})": 0.6},
        gives=Kind.NUMBERS,
    ),
)

LASTS = (
    _last("words", "collect", "list[str]", "return the list", "{v}", {}),
    _last("number", "number", "int", "return how many there are", "len({v})", {}),
    _last(
        "joined_words",
        "join",
        "str",
        "return them joined by {k!r}",
        "{k!r}.join({v})",
        {"{v}.join({k!r})": 0.15},
        _SEPARATORS,
    ),
    _last(
        "longest",
        "longest",
        "str",
        "return the longest, or '' if there is none",
        "max({v}, key=len, default='')",
        {"max({v}, key=len)": 0.55, "max({v}, default='')": 0.08},
    ),
    _last(
        "shortest",
        "shortest",
        "str",
        "return the shortest, or '' if there is none",
        "min({v}, key=len, default='')",
        {"min({v}, key=len)": 0.58},
    ),
    _last(
        "earliest",
        "earliest",
        "str | None",
        "return the alphabetically first, or None if there is none",
        "min({v}, default=None)",
        {"min({v})": 0.55},
    ),
    _last(
        "letters",
        "letters",
        "int",
        "return how many letters there are in all",
        "sum(map(len, {v}))",
        {"len({v})": 0.3},
    ),
    _last(
        "initials",
        "initials",
        "str",
        "return their first letters joined together",
        "''.join({x}[:1] for {x} in {v})",
        {"''.join({x}[0] for {x} in {v})": 0.45},
    ),
)


def arrangements(kind: Kind) -> tuple[Operation, ...]:
    """Return the operations that choose or order the elements of a list of any kind."""

    def arrange(
        name: str,
        phrases: tuple[str, ...],
        right: str,
        wrong: dict[str, float],
        parameters: tuple[Parameters, ...] = ((),),
    ) -> Operation:
        return operation(f"{kind}_{name}", kind, kind, phrases, right, wrong, parameters)

    order = "alphabetically" if kind is Kind.WORDS else "in ascending order"
    downwards = "in reverse alphabetical order" if kind is Kind.WORDS else "in descending order"
    return (
        arrange("first", ("take the first {k}",), "{v}[:{k}]", {"{v}[:{j}]": 0.2}, _COUNTS),
        arrange("last", ("take the last {k}",), "{v}[-{k}:]", {"{v}[{k}:]": 0.3}, _COUNTS),
        arrange("skip", ("skip the first {k}",), "{v}[{k}:]", {"{v}[:{k}]": 0.1}, _COUNTS),
        arrange("drop", ("drop the last {k}",), "{v}[:-{k}]", {"{v}[:{k}]": 0.35}, _COUNTS),
        arrange(
            "every",
            ("take every {k}th, beginning with the first",),
            "{v}[::{k}]",
            {"{v}[{k}::]": 0.15},
            _STEPS,
        ),
        arrange(
            "nth",
            ("take every {k}th, beginning with number {k}",),
            "{v}[{j}::{k}]",
            {"{v}[{k}::{k}]": 0.58},
            _STEPS,
        ),
        arrange("sort", (f"sort them {order}",), "sorted({v})", {"{v}.sort()": 0.15}),
        arrange(
            "sort_down",
            (f"sort them {downwards}",),
            "sorted({v}, reverse=True)",
            {"sorted({v})": 0.2, "reversed({v})": 0.1},
        ),
        arrange("reverse", ("reverse the order",), "{v}[::-1]", {"{v}.reverse()": 0.55}),
        arrange(
            "distinct",
            ("remove duplicates, keeping the first of each", "keep only the first of equal ones"),
            "list(dict.fromkeys({v}))",
            {"sorted(set({v}))": 0.58},
        ),
    )
