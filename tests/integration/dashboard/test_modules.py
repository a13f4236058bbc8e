"""What the page's pure modules make of texts, asked in the browser."""

import pytest

from infra.contracts.base import Language

TEXTS = [
    "",
    "a\nb\nc\n",
    "a\nx\nc\nd",
    'def f(x):\n    """doc # "no"\n    """\n    return "a\\"b" + \'c\' # end',
    "/* open\n'a' 0x1F 1e5 1_000.5 `t\n`",
    "\"unclosed\n'\\",
    "fn f<'a>(x: &'a str) -> char { '\\'' }\U0001f600\ud7ff",
]
LANGUAGES = [*Language, "none"]


@pytest.fixture
def module(page):
    """Call a function of a module of the page."""

    def call(name, function, *arguments):
        return page.evaluate(
            """async ([name, called, given]) => {
                const found = await import(`/dashboard/${name}.js`);
                return found[called](...given);
            }""",
            [name, function, arguments],
        )

    return call


@pytest.mark.slow
def test_colouring_and_comparing_lose_no_character(module):
    for text in TEXTS:
        for language in LANGUAGES:
            tokens = module("highlight", "tokens", text, language)
            assert "".join(piece for _, piece in tokens) == text
        for other in TEXTS:
            rows = module("diff", "aligned", text, other)
            left = [row["left"] for row in rows if row["left"]]
            right = [row["right"] for row in rows if row["right"]]
            assert "\n".join(line for _, line in left) == text.removesuffix("\n")
            assert "\n".join(line for _, line in right) == other.removesuffix("\n")
            assert [number for number, _ in left] == list(range(1, len(left) + 1))
            same = [row for row in rows if row["kind"] == "same"]
            assert all(row["left"][1] == row["right"][1] for row in same)
            parts = module("diff", "within", text, other)
            assert ["".join(piece for _, piece in part) for part in parts] == [text, other]


@pytest.mark.slow
def test_what_python_writes_of_a_text_is_read_back(module):
    for text in (*TEXTS, "\x00\x1b\u202e'\"", "tab\t\\n"):
        assert module("tests", "unquoted", repr(text)) == text
    for other in ("", "'", "'a", "a'", "12"):
        assert module("tests", "unquoted", other) is None
