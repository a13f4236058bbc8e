"""The dashboard without a mouse."""

import pytest
from playwright.sync_api import expect


def focused(page):
    return page.evaluate("document.activeElement.textContent")


@pytest.mark.slow
def test_pages_are_reached_and_read_by_keyboard_alone(page):
    page.reload()
    page.get_by_role("heading", name="Labelled").wait_for()
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the content"
    page.keyboard.press("Enter")
    assert focused(page) == "Overview"

    page.keyboard.press("g")
    page.keyboard.press("c")
    page.get_by_role("heading", name="Candidates", level=1).wait_for()
    assert focused(page) == "Candidates"
    assert page.title() == "Candidates \N{EN DASH} RRTF suite"
    current = page.locator("#nav a[aria-current=page]")
    expect(current).to_have_text("Candidates")
    page.keyboard.press("/")
    page.keyboard.type("g?")
    expect(page.get_by_label("Problem", exact=True)).to_have_value("g?")

    page.locator("h1").focus()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard")
    expect(dialog).to_contain_text("Go to Training")
    dialog.get_by_label("Use these shortcuts").uncheck()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press("?")
    expect(dialog).to_be_hidden()
    page.get_by_role("button", name="Keyboard").press("Enter")
    expect(dialog).to_be_visible()
