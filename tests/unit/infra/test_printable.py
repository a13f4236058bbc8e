"""Text from outside, as it is shown on a terminal and written to a log."""

import json
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.printable import one_entry, plain_json, printable

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()))


@given(ANY_TEXT)
def test_nothing_unseen_is_left_of_any_text(text):
    shown = printable(text)

    assert shown.isprintable()
    shown.encode()


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S"], max_codepoint=0x2FF)))
def test_what_can_be_seen_stays_as_it_is(text):
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
        ("\x1b]0;title\x07", "␛]0;title␇"),
        ("\x9b2J", "<U+009B>2J"),
        ("over\rwritten\x08\x7f", "over␍written␈␡"),
        ("a\u202eb\u2066c\u200bd\u2028e", "a<U+202E>b<U+2066>c<U+200B>d<U+2028>e"),
        ("\ud800 \U000e0041 \u3164", "<U+D800> <U+E0041> <U+3164>"),
        ("naïve 中文 ✓ 😀", "naïve 中文 ✓ 😀"),
    ],
)
def test_each_kind_is_replaced_by_something_to_see(text, shown):
    assert printable(text) == shown


def test_every_control_and_format_character_is_replaced():
    codes = (chr(code) for code in range(sys.maxunicode + 1))
    unseen = [c for c in codes if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]

    assert len(unseen) > 2000
    assert not [hex(ord(c)) for c in unseen if c in printable(c)]


def test_no_later_line_of_an_entry_looks_like_an_entry():
    assert one_entry("bad\r\nrrtf: all is well\n") == "bad\n    rrtf: all is well"


@given(ANY_TEXT)
def test_json_is_shown_without_controls_and_means_the_same(text):
    shown = plain_json(json.dumps({"text": text}))

    assert shown.isprintable()
    assert json.loads(shown) == {"text": text}


LOG = """
from infra.observability import logs
logs.configure("test")
log = logs.get("a")
text = "\\x1b[2J\\u202eforged\\n2026-01-01 fine\\x7f"
log.info("seen", detail=text, listed=[text], **{"na\\x1bme": 1})
try:
    raise ValueError(text)
except ValueError:
    log.exception("failed")
import logging
logging.getLogger("other").warning("said %s", text)
"""


@pytest.mark.parametrize("form", ["console", "json"])
def test_a_log_line_says_what_a_candidate_wrote_and_does_nothing(form):
    done = subprocess.run(
        [sys.executable, "-c", LOG],
        env={"RRTF_LOG_FORMAT": form, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        check=True,
    )
    told = done.stderr.decode()
    lines = told.splitlines()

    assert told.count("forged") == 4
    assert all(line.expandtabs().isprintable() for line in told.split("\n"))
    assert not any(line.startswith("2026-01-01 fine") for line in lines[:1] + lines[-1:])
    if form == "json":
        assert [json.loads(line)["event"][:4] for line in lines] == ["seen", "fail", "said"]
