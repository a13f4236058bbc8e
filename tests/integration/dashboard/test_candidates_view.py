"""Candidates in the dashboard: found, looked at, compared, run again, saved."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from infra.contracts.base import Outcome
from infra.contracts.execution import TestResult
from infra.contracts.problems import StdioTest

PROGRAM = 'def add(a, b):\n    return a - b  # wrong\n\nprint("<b>")\n'
OTHER = 'def add(a, b):\n    return a + b  # right\n\nprint("<b>")\n'


@pytest.fixture
def two(judge, client):
    """A student's wrong program and a teacher's right one, labelled; their ids."""
    wrong = {"author": "student", "program": PROGRAM, "model": "small-1"}
    right = {"author": "teacher", "program": OTHER, "model": "large-1"}
    passed, failed = Outcome.PASSED, Outcome.WRONG_ANSWER

    def with_details(results):
        details = ("got -1, expected 3", "got 0, expected 4")
        tests = tuple(TestResult(outcome=failed, detail=detail) for detail in details)
        first, *rest = results.results
        verdict = first.verdict.model_copy(update={"tests": tests, "stdout": "<b>\n"})
        first = first.model_copy(update={"verdict": verdict})
        return results.model_copy(update={"results": (first, *rest)})

    group = judge((wrong, [failed] * 2), (right, [passed] * 2), change=with_details)
    return [item.id for item in client.candidates(group)]


@pytest.mark.slow
def test_candidates_are_found_as_one_types_and_new_ones_come_by_themselves(
    visit, page, two, judge, entries
):
    visit("candidates")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(2)

    page.get_by_label("Model", exact=True).fill("SMALL")
    expect(rows).to_have_count(1)
    assert page.evaluate("location.hash") == "#/candidates?model=SMALL"
    kept = rows.first.element_handle()
    judge(*entries)
    expect(rows).to_have_count(4)
    assert kept.evaluate("(row) => row.isConnected")

    page.get_by_label("Label", exact=True).select_option("runtime_error")
    expect(rows).to_have_count(1)
    page.reload()
    expect(rows).to_have_count(1)
    expect(page.get_by_label("Model", exact=True)).to_have_value("SMALL")
    page.get_by_label("From").fill("2099-01-01")
    expect(page.get_by_text("No candidate is like that.")).to_be_visible()
    page.get_by_role("button", name="Clear").click()
    expect(rows).to_have_count(6)


def test_a_candidate_has_a_page_with_its_program_its_tests_and_its_history(visit, page, two):
    visit(f"candidates/{two[0]}")

    program = page.locator("pre.source").first
    expect(program).to_have_text(PROGRAM)
    assert program.locator(".keyword").all_text_contents() == ["def", "return"]
    assert program.locator(".comment").all_text_contents() == ["# wrong"]
    expect(page.locator("summary")).to_have_text([re.compile("Test 1"), re.compile("Test 2")])
    first = page.locator("details").first
    expect(first.locator("pre").first).to_have_text("add(1, 2)")
    expect(first.locator(".difference del")).to_have_text("- 3")
    expect(first.locator(".difference ins")).to_have_text("+ -1")
    facts = page.locator("dl").first
    expect(facts).to_contain_text("small-1")
    expect(facts).to_contain_text("4 s CPU a test")
    expect(page.get_by_text("Nobody else has handed it in")).to_be_visible()
    expect(page.get_by_role("heading", name="Standard output")).to_be_visible()


def test_what_a_program_printed_is_set_against_what_was_expected(visit, page, judge, problem):
    tests = tuple(StdioTest(stdin="1\n", expected_stdout="one\ntwo\n") for _ in range(2))
    stored = problem.model_copy(update={"slug": "test/stdio", "tests": tests})

    def printed(results):
        (first,) = results.results
        detail = f"printed {'one' + chr(10) + chr(0xE9) + 'too' + chr(10)!r}"
        failed = tuple(TestResult(outcome=Outcome.WRONG_ANSWER, detail=detail) for _ in tests)
        verdict = first.verdict.model_copy(update={"tests": failed})
        return results.model_copy(
            update={"results": (first.model_copy(update={"verdict": verdict}),)}
        )

    given = {"author": "student", "program": "x"}
    group = judge((given, [Outcome.WRONG_ANSWER] * 2), change=printed, of=stored)
    visit(f"groups/{group}")
    page.locator(".program a").first.click()

    difference = page.locator(".difference").first
    expect(difference.locator("div")).to_have_text("  one")
    expect(difference.locator("del")).to_have_text("- two")
    expect(difference.locator("ins")).to_have_text("+ étoo")


@pytest.mark.slow
def test_a_program_is_run_again_and_saved(visit, page, two, client):
    visit(f"candidates/{two[0]}")
    with page.expect_download() as saving:
        page.get_by_role("button", name="Download program").click()
    with page.expect_download() as saving_all:
        page.get_by_role("button", name="Download all").click()

    assert saving.value.suggested_filename == f"test-add-{str(two[0])[-8:]}.py"
    assert Path(saving.value.path()).read_text() == PROGRAM
    assert json.loads(Path(saving_all.value.path()).read_text())["id"] == str(two[0])

    page.get_by_role("button", name="Run again").click()
    again = page.get_by_text("Runs as").get_by_role("link")
    again.wait_for()
    made = again.get_attribute("title")
    expect(page.get_by_role("row").filter(has_text="run again")).to_have_count(1)
    again.click()
    expect(page.locator("h1")).to_contain_text(made[-8:])
    assert client.get_candidate(made).program == PROGRAM


@pytest.mark.slow
def test_two_candidates_are_picked_and_seen_side_by_side(visit, page, two):
    visit("candidates")
    expect(page.locator("input.pick")).to_have_count(2)
    for box in page.locator("input.pick").all():
        box.check()

    page.locator("#picked").get_by_role("link", name="Compare").click()

    lines = page.locator(".side-by-side tbody tr")
    expect(lines).to_have_count(4)
    expect(lines.nth(1).locator("del mark")).to_have_text("+ b  # right")
    expect(lines.nth(1).locator("ins mark")).to_have_text("- b  # wrong")
    expect(page.get_by_text("small-1").first).to_be_visible()
    expect(page.locator("#picked")).to_be_hidden()
    differing = page.locator(".card", has_text="Tests that differ").locator("tbody tr")
    expect(differing).to_have_count(2)
    visit(f"compare/{two[0]}/{two[0]}")
    expect(page.get_by_text("The programs are the same")).to_be_visible()
