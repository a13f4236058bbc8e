"""How many groups are handed in and taken back: the steps, without any server."""

from datetime import UTC, datetime

import pytest

from infra.contracts.base import CandidateState, GroupState, new_id
from infra.contracts.candidates import NewCandidate
from infra.contracts.views.api import BulkGroup, BulkGroupOutcome, BulkGroupResult, GroupView, Page
from services.client.calls import Call
from services.client.sending import Sleep
from services.client.submission import CHUNK_GROUPS, AllCandidates, Finished, submission


class Api:
    """Answers steps as the API would; groups are ranked when `ranked` says so."""

    def __init__(self, refused=()):
        self.taken = []
        self.refused = refused
        self.ranked = set()
        self.asked = 0

    def answer(self, step):
        if isinstance(step, AllCandidates):
            return ()
        if step.method == "POST":
            return BulkGroupResult(outcomes=tuple(map(self._take, step.body.groups)))
        self.asked += 1
        views = [view(group_id, group_id in self.ranked) for group_id in step.params["id"]]
        return Page[GroupView](items=tuple(views))

    def _take(self, group):
        if group.problem in self.refused:
            return BulkGroupOutcome(id=None, error="unknown")
        self.taken.append(str(new_id()))
        return BulkGroupOutcome(id=self.taken[-1])


def view(group_id, is_ranked):
    return GroupView(
        id=group_id, problem_id=new_id(), problem_slug="p", policy="default",
        state=GroupState.RANKED if is_ranked else GroupState.OPEN,
        candidates={CandidateState.LABELLED: 1}, samples=(), metadata={}, priority="bulk",
        cache=True, created_at=datetime.now(UTC), ranked_at=None,
    )  # fmt: skip


def group(name="p", program="x"):
    return BulkGroup(problem=name, candidates=(NewCandidate(author="student", program=program),))


def run(api, groups, on_sleep):
    """Run to the end; `on_sleep` is called instead of waiting."""
    steps, answer, finished, pauses = submission(groups), None, [], []
    while True:
        try:
            step = steps.send(answer)
        except StopIteration:
            return finished, pauses
        answer = None
        if isinstance(step, Finished):
            finished.append(step)
        elif isinstance(step, Sleep):
            pauses.append(step.seconds)
            on_sleep()
        else:
            assert isinstance(step, Call | AllCandidates)
            answer = api.answer(step)


def test_every_group_comes_back_once_in_the_order_of_ranking():
    api = Api()
    order = iter([2, 0, 1])

    finished, _ = run(
        api, [group() for _ in range(3)], lambda: api.ranked.add(api.taken[next(order)])
    )

    assert [item.number for item in finished] == [2, 0, 1]
    assert [str(item.group.id) for item in finished] == [api.taken[n] for n in (2, 0, 1)]


def test_a_refused_group_comes_back_with_its_reason():
    api = Api(refused={"none"})

    finished, _ = run(api, [group("none"), group()], lambda: api.ranked.update(api.taken))

    assert [(item.number, item.error) for item in finished] == [(0, "unknown"), (1, "")]
    assert finished[0].group is None


def test_no_more_is_read_than_may_be_open():
    api = Api()
    read = []

    def groups():
        for number in range(2_500):
            read.append(number)
            yield group()

    waits = []

    def rank_all():
        waits.append(len(read))
        api.ranked.update(api.taken)

    finished, _ = run(api, groups(), rank_all)

    assert len(finished) == 2_500
    # One group is read ahead to see where a request ends.
    assert waits[0] == 1_001
    assert {item.number for item in finished} == set(range(2_500))


def test_large_programs_make_more_requests():
    api = Api()
    large = "x" * 900_000
    sizes = []
    answer = api.answer

    def watched(step):
        if getattr(step, "method", "") == "POST":
            sizes.append(len(step.body.groups))
        return answer(step)

    api.answer = watched
    run(api, [group(program=large) for _ in range(20)], lambda: api.ranked.update(api.taken))

    assert sizes == [8, 8, 4]
    assert max(sizes) <= CHUNK_GROUPS


def test_pauses_grow_while_nothing_happens():
    api = Api()
    rounds = iter(range(20))

    def after_a_while():
        if next(rounds) == 12:
            api.ranked.update(api.taken)

    _, pauses = run(api, [group()], after_a_while)

    assert pauses == sorted(pauses)
    assert pauses[-1] == pytest.approx(2.0)


def test_nothing_handed_in_asks_nothing():
    api = Api()

    assert run(api, [], lambda: None) == ([], [])
    assert api.asked == 0
