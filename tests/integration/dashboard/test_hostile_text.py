"""What candidates write is shown as text, whatever it is."""

import httpx
import pytest

from infra.contracts.base import Outcome

ATTACK = (
    "<script>window.attacked = 1; alert('script')</script>\n"
    '<img src="x" onerror="window.attacked = 2; alert(1)">\n'
    "</pre></td><svg onload='window.attacked = 3'><style>body{display:none}</style>\n"
    '"><a href="javascript:window.attacked=4">here</a>\n'
)
MODEL = "<img src=x onerror=alert(2)>"
BIDI = "\u202eno\u2066 'admin' \u2069 # \u200b"
TERMINAL = "\x1b[31mred\x1b]0;title\x07\x1b[2J"


@pytest.fixture
def hostile_group(judge):
    """A group in which everything that a candidate or a model chooses is hostile."""
    text = ATTACK + BIDI + TERMINAL

    def change(results):
        first, *rest = results.results
        tests = tuple(
            test.model_copy(update={"detail": text[:1900]}) for test in first.verdict.tests
        )
        verdict = first.verdict.model_copy(
            update={
                "tests": tests,
                "stdout": text,
                "stderr": text,
                "error": text[:1900],
                "sandbox": text[:200],
            }
        )
        changed = first.model_copy(update={"verdict": verdict})
        return results.model_copy(update={"results": (changed, *rest)})

    failed = [Outcome.WRONG_ANSWER, Outcome.RUNTIME_ERROR]
    hostile = {
        "author": "student",
        "program": text,
        "completion": "```" + text,
        "model": ATTACK[:200],
    }
    teacher = {"author": "teacher", "program": "good"}
    return judge((hostile, failed), (teacher, [Outcome.PASSED] * 2), change=change)


def test_a_program_that_is_markup_is_shown_and_does_nothing(visit, hostile_group):
    page = visit(f"groups/{hostile_group}")
    program = page.locator(".program", has_text="window.attacked").first
    program.wait_for()
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")

    assert ATTACK in program.locator("pre.source").first.text_content()
    outputs = " ".join(program.locator("pre.output").all_text_contents())
    assert outputs.count('<img src="x" onerror=') >= 5
    assert page.evaluate("window.attacked") is None
    assert page.locator("img, main svg[onload], main script, main style, iframe").count() == 0
    assert page.locator("a[href^='javascript']").count() == 0
    assert page.locator("script").count() == 1
    assert page.locator("header").is_visible()


def test_no_page_makes_markup_of_what_candidates_and_models_choose(
    visit, page, hostile_group, client
):
    one, other = (item.id for item in client.candidates(hostile_group))
    for place in ("candidates", f"candidates/{one}", f"compare/{one}/{other}", "models", ""):
        visit(place)
        page.locator("main").get_by_text("<script>").first.wait_for()
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        for box in page.locator("input.pick").all():
            box.check()

        assert page.evaluate("window.attacked") is None, place
        made = "img, iframe, main :is(svg[onload], script, style), a[href^='javascript']"
        assert page.locator(made).count() == 0, place
        hidden = page.locator("main").text_content() + page.locator("#picked").text_content()
        assert not set(hidden) & set("\u202e\u2066\u2069\u200b\x1b\x07"), place


def test_characters_that_hide_or_reorder_text_are_marked(visit, hostile_group):
    page = visit(f"groups/{hostile_group}")
    source = page.locator(".program pre.source", has_text="admin").first
    source.wait_for()

    marks = source.locator(".unseen").all_text_contents()
    shown = source.text_content()

    assert marks[:4] == ["U+202E", "U+2066", "U+2069", "U+200B"]
    assert "␛[31mred␛]0;title␇␛[2J" in shown
    assert not set(shown) & set("\u202e\u2066\u2069\u200b\x1b\x07")


@pytest.mark.parametrize(
    "attempt",
    [
        'box.innerHTML = "<img src=x onerror=alert(1)>"',
        'box.setAttribute("onclick", "alert(1)")',
        'Object.assign(document.createElement("script"), {text: "alert(1)"})',
        'document.write("<script>alert(1)<" + "/script>")',
    ],
)
def test_the_page_refuses_markup_even_from_its_own_code(page, attempt):
    refused = page.evaluate(
        f"""() => {{
            const box = document.createElement("div");
            try {{ {attempt}; }} catch (error) {{ return error.name; }}
            return box.outerHTML;
        }}"""
    )
    page.wait_for_function("window.violations?.length")
    page.evaluate("window.violations = []")

    assert refused == "TypeError"


def test_every_file_comes_with_headers_that_forbid_the_rest(api):
    with httpx.Client(base_url=api, timeout=30) as http:
        for path in ("/", "/dashboard/main.js", "/dashboard/style.css", "/dashboard/icon.svg"):
            answer = http.get(path)
            policy = answer.headers["content-security-policy"]

            assert answer.status_code == 200
            assert "unsafe" not in policy
            assert "http" not in policy
            for rule in ("default-src 'none'", "frame-ancestors 'none'", "script-src 'self'"):
                assert rule in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
            again = http.get(path, headers={"If-None-Match": answer.headers["etag"]})
            assert again.headers["content-security-policy"] == policy


def test_only_the_dashboards_files_are_served(api):
    with httpx.Client(base_url=api, timeout=30) as http:
        for path in (
            "/dashboard/../api/app.py",
            "/dashboard/%2e%2e/api/app.py",
            "/dashboard/no.js",
        ):
            answer = http.get(path)

            assert answer.status_code == 404
            assert answer.headers["content-type"] == "application/problem+json"
