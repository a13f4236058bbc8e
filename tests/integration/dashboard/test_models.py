"""The view of models: rates of each, and where two of them differ."""

import pytest
from playwright.sync_api import expect


@pytest.mark.slow
def test_models_are_listed_and_compared(visit, page, judge, entries):
    judge(*entries)
    visit("models")

    rows = page.get_by_role("row")
    expect(rows.filter(has_text="large").first.locator("td")).to_have_text(
        ["large", "test", "100 % [21 %, 100 %]", "\u2013", "1", "1", "0", "0", "0"]
    )
    expect(page.get_by_text("+66.7 points")).not_to_be_visible()
    expect(page.get_by_text("100 % and 33 % of 1 problems")).to_be_visible()
    page.get_by_label("First model").select_option("small")
    expect(page.get_by_text("Choose two models to compare.")).to_be_visible()
    page.get_by_label("Second model").select_option("large")
    expect(page.get_by_text("+66.7 points")).to_be_visible()
    changed = page.get_by_role("row").filter(has=page.get_by_role("link"))
    expect(changed.locator("td")).to_have_text(["test/add", "1 of 3", "1 of 1"])
