"""What a person sees and does in the dashboard, in a real browser."""

import json
import re
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from infra.contracts.base import CandidateState
from infra.contracts.execution import ExecutionFailure, ExecutionResults
from infra.contracts.ranking import CompleteRequest, Lease, LeaseRequest, NewCheckpoint
from infra.contracts.views.api import NewApiKey, Scope
from infra.contracts.views.evaluations import NewEvaluation, Rate
from ranker import records
from ranker.batching import batches
from ranker.ranking import Rules
from tests.samples import first


def test_it_asks_for_a_key_once_and_keeps_it_out_of_addresses_and_disks(open_page, give_key):
    page = open_page()
    give_key(page, "a wrong key")
    expect(page.get_by_role("alert")).to_contain_text("does not know this key")

    give_key(page)
    page.get_by_role("heading", name="Workers").wait_for()
    page.reload()
    page.get_by_role("heading", name="Workers").wait_for()

    kept = page.evaluate("[JSON.stringify({...localStorage}), document.cookie, location.href]")
    assert kept[:2] == ["{}", ""]
    assert not [url for url in [*page.asked, kept[2]] if "key" in url]
    page.get_by_role("button", name="Forget key").click()
    expect(page.get_by_label("API key")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0


def test_the_overview_draws_labels_over_time_and_counts(page, judge, entries):
    judge(*entries)
    page.reload()

    chart = page.get_by_role("img", name="Candidates labelled over time, by label")
    expect(chart.locator("rect.fill")).to_have_count(3)
    # Not the last one if a minute has begun since.
    expect(chart.locator("g title").filter(has_text="all pass: 2 (50 %)")).to_have_count(1)
    mix = page.get_by_role("img", name="Label mix of the student over time")
    expect(mix.locator("rect.fill")).to_have_count(3)
    row = page.get_by_role("row").filter(has_text=re.compile("^teacher"))
    expect(row.locator("td")).to_have_text(["teacher", "100 %", "1", "0", "0", "0", "1"])
    expect(page.get_by_text("No worker answers.")).to_be_visible()


def test_the_inspector_shows_programs_outcomes_pairs_and_lineage(
    visit, page, judge, entries, database
):
    group_id = judge(*entries, batch=True)
    visit(f"groups/{group_id}")

    programs = page.locator(".program")
    expect(programs.locator("h3")).to_have_text(["#1 large", "#2 small", "#3 small", "#4 small"])
    expect(programs.locator("pre.source")).to_have_text(["good", "right", "half", "crash"])
    strips = page.locator("td.strip")
    expect(strips).to_have_text(["✓✓", "✓✓", "✓≠", "!!"])
    expect(page.locator("circle.dot")).to_have_count(4)
    gaps = page.locator("tr:has(.bar) td:nth-child(3)")
    expect(gaps).to_have_text(["0.667", "0.183", "0.050"])
    expect(programs.first.get_by_text("imitated")).to_be_visible()
    lineage = page.locator(".lineage")
    expect(lineage).to_contain_text("rrtf, 3 pairs")
    expect(lineage.get_by_text("none yet of default")).to_be_visible()

    train(database)
    page.reload()
    expect(lineage).to_contain_text("default, step 4, /weights/4")
    lineage.locator("a[href*='#/training/']").click()
    expect(page.get_by_role("heading", name="Training batch")).to_be_visible()
    page.get_by_role("link", name=str(group_id)).click()
    expect(programs).to_have_count(4)


def test_evaluated_checkpoints_are_shown_and_the_best_is_named(
    visit, page, judge, entries, client, database
):
    judge(*entries, batch=True)
    train(database)
    rate = Rate(mean=0.5, low=0.25, high=0.75, problems=4)
    found = {"version": 4, "asked_sha256": "a" * 64}
    client.record_evaluation(NewEvaluation(**found, rates={"mbpp": rate, "other": rate}))

    visit("training")

    expect(page.get_by_role("img", name="pass@1 of evaluated")).to_contain_text("4: 50 %")
    row = page.get_by_role("row").filter(has_text="best")
    expect(row.locator("td").nth(0)).to_have_text("4 best")
    expect(row.locator("td").nth(2)).to_have_text("50 % [25 %, 75 %]")


def train(database):
    """Train what is ready, as a trainer would."""
    with database.unit_of_work() as work:
        leased = batches.lease(work, LeaseRequest(worker="trainer-1")).batches
        held = tuple(Lease(batch_id=item.batch_id, epoch=item.epoch) for item in leased)
        checkpoint = NewCheckpoint(version=4, path="/weights/4", sha256="a" * 64)
        batches.complete(work, CompleteRequest(leases=held, checkpoint=checkpoint))


def test_a_group_without_pairs_says_why_and_what_to_do(visit, page, judge, entries):
    group_id = judge(*entries[1:])
    visit(f"groups/{group_id}")

    advice = "no teacher: add a teacher's program, or pair all candidates"
    expect(page.get_by_text(f"No pairs, {advice}")).to_be_visible()
    expect(page.get_by_text(f"not trained on, {advice}")).to_be_visible()
    visit("")
    expect(page.get_by_text("no teacher 1 (add a teacher's program")).to_be_visible()


def test_training_shows_pass_at_1_by_version(visit, page, judge, entries):
    judge(*entries)
    visit("training")

    expect(page.get_by_role("img", name="pass@1 by policy version")).to_contain_text("3: 33 %")
    row = page.get_by_role("row").filter(has_text="version 3")
    expect(row.locator("td")).to_have_text(
        ["student", "version 3", "33 %", "\u2013", "1", "1", "1", "1", "0"]
    )


def test_groups_are_listed_newest_first_and_found_by_problem(visit, page, judge, entries):
    older, newer = judge(*entries), judge(*entries[:2])
    visit("groups")

    links = page.locator("td a")
    expect(links).to_have_count(2)
    assert [str(newer), str(older)] == [
        link.get_attribute("href").rpartition("/")[2] for link in links.all()
    ]
    page.get_by_label("Problem", exact=True).fill("no/such")
    expect(page.get_by_text("No group is like that.")).to_be_visible()


def test_a_problem_shows_its_prompt_and_tests(visit, page, client, problem):
    stored = client.add_problem(problem)
    visit("problems")
    page.get_by_role("link", name=problem.slug).click()

    expect(page.locator("pre.source")).to_have_text(["def add(a, b):\n"])
    expect(page.locator("details pre").first).to_have_text("add(1, 2)")
    visit(f"problems/{quote(str(stored.id))}")
    expect(page.get_by_text("It has no group yet.")).to_be_visible()


@pytest.fixture
def set_aside(database, client, make_group):
    """Put the only candidate of a group into quarantine; return it."""

    def put():
        (candidate,) = client.candidates(make_group(("student", "poison")))
        failure = ExecutionFailure(
            candidate_id=candidate.id, attempt=1, reason="<b>broken</b> test code", permanent=True
        )
        with database.unit_of_work() as work:
            records.record_results(work, ExecutionResults(failures=(failure,)), Rules())
        return candidate.id

    return put


def test_what_was_set_aside_is_released_by_who_may(visit, page, client, set_aside):
    candidate = set_aside()
    visit("quarantine")
    expect(page.get_by_text("<b>broken</b> test code")).to_be_visible()

    page.get_by_role("button", name="Try again").click()

    expect(page.get_by_text("Nothing was set aside.")).to_have_count(3)
    assert client.get_candidate(candidate).state is CandidateState.SUBMITTED


def test_what_cannot_be_released_stays_with_the_reason_and_stops_no_other(
    visit, page, client, set_aside, judge, entries, database
):
    free = set_aside()

    def not_judged(results):
        last = results.results[-1].candidate_id
        failure = ExecutionFailure(candidate_id=last, attempt=1, reason="no cell", permanent=True)
        return ExecutionResults(results=results.results[:-1], failures=(failure,))

    judge(*entries, change=not_judged, batch=True)
    train(database)
    visit("quarantine")

    page.get_by_role("button", name="Try all 2 again").click()

    expect(page.get_by_text("1 released, 1 kept")).to_be_visible()
    why = page.get_by_text("submit the program in a new group")
    expect(why).to_have_text(re.compile("^Kept: its group is in training batch .*completed;"))
    assert client.get_candidate(free).state is CandidateState.SUBMITTED


def test_a_key_that_only_reads_is_not_offered_to_release(
    open_page, give_key, client, set_aside, api
):
    set_aside()
    made = client.create_key(NewApiKey(name="reader", scopes=frozenset({Scope.READ})))
    page = open_page()
    give_key(page, made.key)
    page.goto(f"{api}/#/quarantine")

    expect(page.get_by_text("<b>broken</b> test code")).to_be_visible()
    expect(page.get_by_text("takes one with the scope admin")).to_be_visible()
    expect(page.get_by_role("button", name="Try again")).to_have_count(0)


def test_a_key_without_the_scope_is_told_so(open_page, give_key, client):
    made = client.create_key(NewApiKey(name="trainer", scopes=frozenset({Scope.TRAIN})))
    page = open_page()
    give_key(page, made.key)

    expect(page.get_by_role("alert")).to_contain_text("lacks the scope `read`")


@pytest.mark.parametrize("scheme", first(1, ["dark", "light"]))
def test_both_modes_have_readable_text(open_page, scheme):
    page = open_page(color_scheme=scheme)
    page.get_by_label("API key").wait_for()

    colours = page.evaluate(
        "['color', 'backgroundColor'].map((one) => getComputedStyle(document.body)[one])"
    )

    text, ground = (luminance(colour) for colour in colours)
    lighter, darker = max(text, ground), min(text, ground)
    assert (text > ground) is (scheme == "dark")
    assert (lighter + 0.05) / (darker + 0.05) > 7  # WCAG 2.2, level AAA


def luminance(colour):
    """The relative luminance of an `rgb(...)` colour (WCAG 2.2)."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(weight * c for weight, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_an_address_that_names_nothing_shows_what_is_wrong(visit, page):
    visit("groups/01890a5d-ac96-774b-bcce-b302099a8057")
    expect(page.get_by_role("alert")).to_contain_text("there is no group")
    visit("candidates/no-id")
    expect(page.get_by_role("heading", name="Not found")).to_be_visible()
    visit("%E0%A4%A")

    page.get_by_role("heading", name="There is no such page").wait_for()
    assert json.loads(page.evaluate("JSON.stringify(window.violations ?? [])")) == []
