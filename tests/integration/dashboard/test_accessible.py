"""Every page can be used by everybody: axe, in both modes, and on a phone's width."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

WIDE, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
GRAVE = ("serious", "critical")


@pytest.fixture
def look(open_page, give_key, api):
    """Open a page in a mode and a size, and return it when it has come to rest."""
    page = open_page()
    give_key(page)
    page.get_by_role("heading", name="Labelled").wait_for()

    def open_in(place, scheme, size):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.set_viewport_size(size)
        page.goto("about:blank")  # Or only the part behind the hash would be new.
        page.goto(f"{api}/#/{place}")
        page.locator("h1").wait_for()
        expect(page.locator("[aria-busy], .loading")).to_have_count(0)
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
        return page

    return open_in


def grave(page):
    """What axe finds that shuts people out, in words."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for one in found
        if one["impact"] in GRAVE
        for node in one["nodes"]
    ]


def test_axe_finds_nothing_serious_and_nothing_scrolls_sideways_on_any_page(look, places):
    wrong = {}
    for name, place in places.items():
        for scheme, size in (("light", WIDE), ("dark", PHONE)):
            page = look(place, scheme, size)
            if os.environ.get("SHOTS"):
                page.screenshot(path=f"/tmp/d27b/shots/{name}-{scheme}.png", full_page=True)
            found = grave(page)
            if page.evaluate("document.documentElement.scrollWidth") > size["width"]:
                found.append("scrolls sideways")
            if page.locator("h1").count() != 1:
                found.append("has not one title")
            if found:
                wrong[name, scheme] = found
    assert wrong == {}
