"""Take the pictures of the documentation anew: `make screenshots`.

A suite of its own judges the starter programs, so what is seen is what happens.
"""

import time
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright
from services.cli.up import running_suite

from infra.contracts.base import CandidateState
from infra.contracts.candidates import NewCandidate, NewGroup
from infra.local.temporary import temporary_folder
from services.client import Client
from services.starter import load as starter
from tests.browsers import chromium

FOLDER = Path(__file__).parents[1] / "infra/docs"
PROBLEM = "starter/queens"
WIDE, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}


def judged(client: Client) -> dict[str, str]:
    """Have the starter programs judged; return addresses of pages by the picture's name."""
    programs: dict[str, list[NewCandidate]] = {}
    for item in starter.candidates():
        programs.setdefault(item.task_id, []).append(
            NewCandidate(author=item.author, program=item.program, model=item.model)
        )
    groups = {}
    for problem in starter.problems():
        new = NewGroup(candidates=tuple(programs[problem.slug]))
        groups[problem.slug] = client.create_group(client.add_problem(problem).id, new)
    total = sum(map(len, programs.values()))
    while (done := client.stats().candidates[CandidateState.LABELLED]) < total:
        print(f"{done} of {total} programs judged")
        time.sleep(2)
    by_model = {one.model: one.id for one in client.candidates(groups[PROBLEM].id)}
    first, second = (by_model[model] for model in ("student-a", "student-b"))
    return {
        "dashboard": "",
        "inspector": f"groups/{groups[PROBLEM].id}",
        "candidate": f"candidates/{second}",
        "comparison": f"compare/{first}/{second}",
    }


def take(page: Page, url: str, places: dict[str, str]) -> None:
    """Take one picture of each page, light and dark in turn, and one as on a phone."""
    schemes = ("light", "dark")
    for number, (name, place) in enumerate(places.items()):
        page.emulate_media(color_scheme=schemes[number % 2])
        picture(page, f"{url}/#/{place}", WIDE, name)
    picture(page, f"{url}/#/{places['candidate']}", PHONE, "phone")


def picture(page: Page, address: str, size: dict[str, int], name: str) -> None:
    """Take a picture of what is seen without scrolling."""
    page.set_viewport_size(size)
    page.goto("about:blank")
    page.goto(address)
    page.locator("h1").wait_for()
    expect(page.locator("[aria-busy], .loading")).to_have_count(0, timeout=60_000)
    page.screenshot(path=FOLDER / f"{name}.png")
    print(FOLDER / f"{name}.png")


def main() -> None:
    """Start everything, take the pictures, stop it."""
    with (
        temporary_folder("rrtf-pictures-") as home,
        running_suite(home, trainer=False) as suite,
        suite.client() as client,
        sync_playwright() as driver,
    ):
        places = judged(client)
        browser = driver.chromium.launch(executable_path=chromium())
        page = browser.new_page()
        page.goto(suite.api_url)
        page.get_by_label("API key").fill(suite.api_key)
        page.get_by_role("button", name="Look in").click()
        page.get_by_role("heading", name="Labelled").wait_for()
        take(page, suite.api_url, places)
        browser.close()


if __name__ == "__main__":
    main()
