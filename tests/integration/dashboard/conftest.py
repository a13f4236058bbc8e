"""A real browser before a real server; a missing browser fails, it never skips."""

import pytest
from playwright.sync_api import expect, sync_playwright

from infra.contracts.base import Author, Outcome
from infra.contracts.candidates import NewCandidate, NewGroup
from infra.contracts.execution import ExecutionFailure, ExecutionResults, TestResult
from infra.contracts.problems import StdioTest
from infra.contracts.ranking import CompleteRequest, Lease, LeaseRequest, NewCheckpoint
from ranker import records
from ranker.batching import batches
from ranker.ranking import Rules
from tests.browsers import chromium

PATIENCE_MS = 180_000
"""How long a page may take on a machine that does much else."""


@pytest.fixture(scope="module")
def browser():
    """One headless Chromium for a module; its driver has an event loop that others cannot have."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=chromium(), args=["--disable-gpu"])
        yield opened
        opened.close()


@pytest.fixture
def open_page(browser, api):
    """Open the dashboard in a fresh context; what goes wrong in the page fails the test."""
    contexts, asked, wrong = [], [], []

    def start(**options):
        context = browser.new_context(viewport={"width": 1366, "height": 860}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
        page.add_init_script(
            "addEventListener('securitypolicyviolation', (event) =>"
            " { (window.violations ??= []).push(event.violatedDirective); });"
        )
        page.goto(f"{api}/")
        page.asked = asked
        return page

    yield start
    for context in contexts:
        for page in context.pages:
            wrong += page.evaluate("window.violations ?? []")
        context.close()
    assert wrong == []
    assert [url for url in asked if not url.startswith(f"{api}/")] == []


@pytest.fixture
def give_key():
    """Answer the page that asks for a key."""

    def give(page, key="secret-key"):
        page.get_by_label("API key").fill(key)
        page.get_by_role("button", name="Look in").click()

    return give


@pytest.fixture
def page(open_page, give_key):
    """The dashboard, looked into with the key that may do everything."""
    opened = open_page()
    give_key(opened)
    opened.get_by_role("heading", name="Labelled").wait_for()
    return opened


@pytest.fixture
def visit(page, api):
    """Go to a view by its address."""

    def go(place):
        page.goto(f"{api}/#/{place}")
        return page

    return go


@pytest.fixture
def judge(database, client, problem, results_for):
    """Hand in candidates with their outcomes; return the group's id once it is ranked."""

    def make(*entries, change=None, batch=False, of=problem, **fields):
        stored = client.add_problem(of)
        candidates = tuple(NewCandidate(**entry) for entry, _ in entries)
        group = client.create_group(stored.id, NewGroup(candidates=candidates, **fields))
        made = client.candidates(group.id)
        results = results_for(
            {item.id: outcomes for item, (_, outcomes) in zip(made, entries, strict=True)}
        )
        if change is not None:
            results = change(results)
        with database.unit_of_work() as work:
            records.record_results(work, results, Rules())
            if batch:
                batches.form(work, 1)
        return group.id

    return make


@pytest.fixture
def entries():
    """A teacher that is right, and three students: half right, wrong by a crash, half right."""
    passed, wrong, crash = Outcome.PASSED, Outcome.WRONG_ANSWER, Outcome.RUNTIME_ERROR
    student = {"author": Author.STUDENT, "policy_version": 3}
    return (
        ({"author": Author.TEACHER, "program": "good", "model": "large"}, [passed, passed]),
        (student | {"program": "half", "model": "small"}, [passed, wrong]),
        (student | {"program": "crash", "model": "small"}, [crash, crash]),
        (student | {"program": "right", "model": "small"}, [passed, passed]),
    )


LONG = "x" * 190
"""As long as names may be, nearly."""


@pytest.fixture
def places(client, database, problem, judge, entries, results_for):
    """Store something of every kind, names of full length among it; the address of every page."""

    def with_details(results):
        first, *rest = results.results
        wrong = TestResult(outcome=Outcome.WRONG_ANSWER, detail=f"got {LONG}, expected 4")
        tests = (TestResult(outcome=Outcome.PASSED), wrong)
        verdict = first.verdict.model_copy(
            update={"tests": tests, "stdout": f"{LONG}\n" * 40, "stderr": LONG, "error": LONG}
        )
        return results.model_copy(
            update={"results": (first.model_copy(update={"verdict": verdict}), *rest)}
        )

    long = [(given | {"model": LONG, "completion": f"{LONG}\n" * 9}, end) for given, end in entries]
    group = judge(*long, change=with_details, batch=True)
    with database.unit_of_work() as work:
        leased = batches.lease(work, LeaseRequest(worker=LONG)).batches
        held = tuple(Lease(batch_id=item.batch_id, epoch=item.epoch) for item in leased)
        weights = NewCheckpoint(
            version=4, path=f"/{LONG}", sha256="a" * 64, metrics={"loss": 0.5, "pair_accuracy": 0.8}
        )
        batches.complete(work, CompleteRequest(leases=held, checkpoint=weights))
    wide = problem.model_copy(
        update={
            "slug": f"set/{LONG}",
            "prompt": f"{LONG}\n",
            "tests": (StdioTest(stdin=f"{LONG}\n", expected_stdout=LONG),),
        }
    )
    stored = client.add_problem(wide)
    new = (NewCandidate(author="student", program="poison"), NewCandidate(**long[0][0]))
    waiting = client.create_group(stored.id, NewGroup(candidates=new))
    poison = client.candidates(waiting.id)[0].id
    failure = ExecutionFailure(candidate_id=poison, attempt=1, reason=LONG, permanent=True)
    with database.unit_of_work() as work:
        records.record_results(work, ExecutionResults(failures=(failure,)), Rules())
    one, other = (item.id for item in client.candidates(group)[1:3])
    return {
        "overview": "",
        "groups": "groups",
        "group": f"groups/{group}",
        "open group": f"groups/{waiting.id}",
        "candidates": "candidates",
        "candidate": f"candidates/{client.candidates(group)[0].id}",
        "waiting candidate": f"candidates/{client.candidates(waiting.id)[1].id}",
        "comparison": f"compare/{one}/{other}",
        "training": "training",
        "batch": f"training/{leased[0].batch_id}",
        "problems": "problems",
        "problem": f"problems/{stored.id}",
        "models": "models",
        "quarantine": "quarantine",
        "unknown": "groups/01890a5d-ac96-774b-bcce-b302099a8057",
        "nowhere": "no/such/place",
    }
