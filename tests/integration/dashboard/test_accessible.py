"""Every page can be used by everybody: axe, in both modes, and on a phone's width."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

WIDE, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
GRAVE = ("serious", "critical")
OF_COLOURS = {"runOnly": ["color-contrast", "link-in-text-block", "scrollable-region-focusable"]}
"""Rules that depend on the mode and the size; the others are asked once."""


def grave(page, options=None):
    """What axe finds that shuts people out, in words."""
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{one['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for one in found
        if one["impact"] in GRAVE
        for node in one["nodes"]
    ]


def show(page, scheme, size):
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size(size)
    # What follows a change of size has been done two pictures later.
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


@pytest.mark.slow
def test_axe_finds_nothing_serious_and_nothing_scrolls_sideways_on_any_page(page, api, places):
    wrong = {}
    for name, place in places.items():
        page.goto("about:blank")  # Or only the part behind the hash would be new.
        page.goto(f"{api}/#/{place}")
        page.locator("h1").wait_for()
        expect(page.locator("[aria-busy], .loading")).to_have_count(0)
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        for scheme, size in (("light", WIDE), ("dark", PHONE)):
            show(page, scheme, size)
            found = grave(page, None if scheme == "light" else OF_COLOURS)
            if page.evaluate("document.documentElement.scrollWidth") > size["width"]:
                found.append("scrolls sideways")
            if page.locator("h1").count() != 1:
                found.append("has not one title")
            if found:
                wrong[name, scheme] = found
    assert wrong == {}
    page.evaluate("document.querySelector('h1').style.color = '#555'")
    assert "color-contrast" in str(grave(page))


@pytest.mark.slow
def test_axe_finds_nothing_serious_in_the_documentation_of_the_api(page, api):
    page.goto(f"{api}/docs")
    expect(page.get_by_text("Run Again")).to_be_visible()

    show(page, "light", PHONE)

    assert grave(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert page.evaluate("window.violations ?? []") == []
    assert [url for url in page.asked if not url.startswith(f"{api}/")] == []
