"""What the API says of requests that stopped, of model servers and of teachers."""

from decimal import Decimal

import httpx

from infra import intake
from infra.contracts.base import Author, CallState, GroupState, Label, SampleState
from infra.contracts.candidates import NewCandidate, NewGroup, SamplePlan
from infra.contracts.views.api import QuarantineKind
from infra.db.ledger import CallRow
from infra.db.tables import CandidateRow, GroupRow
from services.audit import Maxima, audit
from tests.model_server.faults import Fault, Schedule
from tests.model_server.sources import Starter

MAXIMA = Maxima(max_attempts=3, max_leases=5)
PRICES = {"input_price": Decimal(1000), "output_price": Decimal(2000)}


def plan(count, **fields):
    fields = {"author": Author.TEACHER, "backend": "teacher", "max_tokens": 100} | fields
    return SamplePlan(num_samples=count, **fields)


def test_a_budget_that_is_reached_has_a_code_and_a_release_asks_only_for_the_rest(lab, client):
    server = lab.serve(source=Starter("teacher"))
    lab.endpoint("teacher", server, **PRICES, concurrency=2, budget=Decimal(5))

    (request,) = lab.sample(plan(30))

    (shown,) = client.get_group(request.group_id).samples
    (set_aside,) = client.quarantine(QuarantineKind.SAMPLE_REQUEST)
    assert (shown.state, shown.code) == (SampleState.QUARANTINED, "budget_exceeded")
    assert set_aside.code == "budget_exceeded"
    assert "the budget of 'teacher' is 5" in shown.reason
    before = len(lab.candidates())
    assert 0 < before < 30
    assert audit(lab.database, MAXIMA).findings == ()

    lab.endpoint("teacher", server, **PRICES, budget=Decimal(500))
    assert client.release(QuarantineKind.SAMPLE_REQUEST, [request.id]).released == (request.id,)
    assert audit(lab.database, MAXIMA).findings == ()
    assert lab.dispatch() == [request.id]
    lab.answer(request.id)

    (shown,) = client.get_group(request.group_id).samples
    assert (shown.state, shown.code) == (SampleState.COMPLETED, None)
    seeds = [one.body["seed"] for one in server.served]
    assert len(seeds) == len(set(seeds)) == 30
    assert sorted(row.seed for row in lab.candidates()) == sorted(seeds)
    assert lab.kept() == []
    assert audit(lab.database, MAXIMA).findings == ()


def test_a_server_that_is_away_and_one_that_refuses_have_codes_of_their_own(lab, client):
    lab.endpoint("away", lab.serve(faults=Schedule({Fault.SERVER_ERROR: 1})), tries=1)
    lab.endpoint("closed", lab.serve(faults=Schedule({Fault.REFUSED: 1})))

    away, closed = lab.sample(plan(1, backend="away"), plan(1, backend="closed"))

    codes = {one.id: one.code for one in client.get_group(away.group_id).samples}
    assert codes == {away.id: "unavailable", closed.id: "endpoint_refused"}


def test_endpoints_are_shown_with_requests_tokens_cost_and_budget(lab, client, api):
    server = lab.serve(source=Starter("teacher"), faults=Schedule({Fault.CUT: 3}))
    lab.endpoint("teacher", server, **PRICES, budget=Decimal(900))
    lab.endpoint("policy", lab.serve(), form="completion")

    lab.sample(plan(6), plan(3, author=Author.STUDENT, backend="policy"))

    policy, teacher = client.endpoints()
    rows = lab.rows(CallRow, CallRow.endpoint == "teacher")
    assert (policy.name, policy.cost, policy.budget) == ("policy", 0, None)
    assert policy.calls[CallState.COMPLETED] == 3
    assert (teacher.name, teacher.budget) == ("teacher", 900)
    assert teacher.calls[CallState.COMPLETED] == 6
    assert teacher.calls[CallState.LOST] == len(rows) - 6 > 0
    assert teacher.completion_tokens == sum(row.completion_tokens or 0 for row in rows) > 0
    assert teacher.cost == lab.ledger_sum("teacher")
    metrics = httpx.get(f"{api}/metrics", timeout=30).text
    assert 'rrtf_sampling_calls{endpoint="teacher",state="completed"} 6.0' in metrics
    assert 'rrtf_sampling_budget{endpoint="teacher"} 900.0' in metrics
    assert f'rrtf_sampling_cost{{endpoint="teacher"}} {float(teacher.cost)}' in metrics


def make_group(lab, *labels):
    """A ranked group of candidates given as (author, model, label, pass fraction)."""
    candidates = tuple(
        NewCandidate(author=Author(author), model=model, program=f"# {number}")
        for number, (author, model, _, _) in enumerate(labels)
    )
    with lab.database.unit_of_work() as work:
        group_id = intake.open_group(work, lab.problem_id, NewGroup(candidates=candidates))
        work.session.get_one(GroupRow, group_id).state = GroupState.RANKED
        rows = work.session.query(CandidateRow).filter_by(group_id=group_id)
        for row in rows:
            row.label, row.pass_fraction = labels[row.position][2:]


def test_a_teacher_wins_where_its_best_program_beats_the_students_best(lab, client, api):
    make_group(
        lab,
        ("teacher", "large", Label.ALL_PASS, 1.0),
        ("teacher", "large", Label.COMPILE_ERROR, 0.0),
        ("teacher", "old", Label.PARTIAL_PASS, 0.5),
        ("student", "tiny", Label.PARTIAL_PASS, 0.5),
        ("student", "tiny", Label.RUNTIME_ERROR, 0.0),
    )
    make_group(
        lab,
        ("teacher", "large", Label.PARTIAL_PASS, 0.9),
        ("student", "tiny", Label.ALL_PASS, 1.0),
    )
    make_group(
        lab,
        ("teacher", "large", Label.PARTIAL_PASS, 0.4),
        ("student", "tiny", Label.PARTIAL_PASS, 0.3),
    )
    # Nobody to compare with.
    make_group(lab, ("teacher", "old", Label.ALL_PASS, 1.0))

    large, old = client.teachers()

    assert (large.model, large.groups, large.wins, large.ties, large.losses) == (
        "large",
        3,
        2,
        0,
        1,
    )
    assert large.win_rate == 2 / 3
    assert (old.model, old.groups) == ("old", 1)
    assert (old.wins, old.ties, old.losses) == (0, 1, 0)
    assert old.win_rate == 0.5
    metrics = httpx.get(f"{api}/metrics", timeout=30).text
    assert 'rrtf_teacher_groups{model="large",result="wins"} 2.0' in metrics
