import json
import threading

import pytest
from kombu.utils import json as kombu_json
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from infra import errors, intake, stored_problems
from infra.contracts.base import Author, CandidateState, IntegrityRule, Label
from infra.contracts.candidates import NewCandidate, NewGroup, SamplePlan
from infra.contracts.execution import ExecutionRequest
from infra.contracts.problems import CallTest, Limits
from infra.db.tables import CandidateRow, GroupRow, PolicyRow, ProblemRow, SampleRequestRow
from infra.queues.messaging import Task


def candidates_of(suite, group_id):
    with suite.database.reading() as session:
        query = select(CandidateRow).where(CandidateRow.group_id == group_id)
        return session.scalars(query.order_by(CandidateRow.position)).all()


def test_the_same_problem_twice_is_one_row(suite):
    with suite.work() as work:
        again = stored_problems.add_problem(work, suite.problem())

    assert again == (suite.problem_id, False)


def test_another_problem_under_a_used_slug_is_a_conflict(suite):
    with pytest.raises(errors.Conflict, match="double"), suite.work() as work:
        stored_problems.add_problem(work, suite.problem(prompt="Halve it."))


@pytest.mark.parametrize("field", ["prompt", "prelude"])
def test_text_with_a_nul_byte_is_refused_at_the_door(suite, field):
    problem = suite.problem(slug="other").model_copy(update={field: "a\x00b"})

    with pytest.raises(errors.InvalidInput, match=f"{field}.*NUL"), suite.work() as work:
        stored_problems.add_problem(work, problem)


def test_a_number_that_json_does_not_have_is_refused_at_the_door(suite):
    problem = suite.problem(slug="other").model_copy(update={"metadata": {"x": float("nan")}})

    with pytest.raises(errors.InvalidInput, match="NaN"), suite.work() as work:
        stored_problems.add_problem(work, problem)


def test_a_test_may_hold_nul_bytes_and_comes_back_as_it_was(suite):
    test = CallTest(args=("a\x00b",), expected="\x00")
    problem = suite.problem(slug="other").model_copy(update={"tests": (test,)})

    with suite.work() as work:
        problem_id, _ = stored_problems.add_problem(work, problem)

    with suite.database.reading() as session:
        assert stored_problems.load_suite(session, problem_id).tests == (test,)


def test_a_group_of_an_unknown_problem_is_not_found(suite):
    new = NewGroup(candidates=(suite.student("x"),))

    with pytest.raises(errors.NotFound), suite.work() as work:
        intake.open_group(work, suite.ranked_group(), new)


def test_opening_a_group_makes_its_policy_once(suite):
    suite.open(suite.student("x"), policy="mine")
    suite.open(suite.student("x"), policy="mine")

    with suite.database.reading() as session:
        names = session.scalars(select(PolicyRow.name).order_by(PolicyRow.name)).all()
    assert names == ["mine"]


def test_candidates_and_sample_requests_are_sent_once_the_group_is_stored(suite):
    group_id = suite.open(suite.student("a"), suite.teacher("b"), samples=2)

    stored = [row.id for row in candidates_of(suite, group_id)]
    assert suite.outbox.programs() == [(candidate_id, 1) for candidate_id in stored]
    with suite.database.reading() as session:
        requests = set(session.scalars(select(SampleRequestRow.id)))
    sent = {message.sample_request_id for message in suite.outbox.of(Task.SAMPLE_GROUP)}
    assert sent == requests
    assert len(sent) == 2


def test_nothing_is_stored_and_nothing_sent_when_the_transaction_fails(suite):
    def fails():
        with suite.work() as work:
            intake.open_group(work, suite.problem_id, NewGroup(candidates=(suite.student("x"),)))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()

    assert suite.outbox.sent == []
    with suite.database.reading() as session:
        assert session.scalars(select(GroupRow)).all() == []


def test_one_message_carries_at_most_thirty_two_programs(suite):
    suite.open(*(suite.student(f"x = {number}") for number in range(525)))

    sizes = [len(message.programs) for message in suite.outbox.of(Task.EXECUTE_BATCH)]
    assert sizes == [32] * 16 + [13]


def test_a_few_candidates_are_spread_over_several_messages(suite):
    suite.open(*(suite.student(f"x = {number}") for number in range(10)))

    sizes = [len(message.programs) for message in suite.outbox.of(Task.EXECUTE_BATCH)]
    assert sizes == [4, 4, 2]


def test_long_programs_travel_in_more_messages(suite):
    suite.open(*(suite.student(f"#{number}" + "x" * 900_000) for number in range(4)))

    sizes = [len(message.programs) for message in suite.outbox.of(Task.EXECUTE_BATCH)]
    assert sizes == [2, 2]


def test_an_identical_program_of_a_group_is_executed_once(suite):
    group_id = suite.open(suite.teacher("same"), suite.student("same"), suite.student("same "))

    first, second, third = candidates_of(suite, group_id)
    assert (first.duplicate_of, second.duplicate_of, third.duplicate_of) == (None, first.id, None)
    assert suite.outbox.programs() == [(first.id, 1), (third.id, 1)]


def test_a_duplicate_that_comes_after_the_label_is_labelled_at_once(suite):
    group_id = suite.open(suite.teacher("same"), samples=1)
    ((original, _),) = suite.outbox.programs()
    suite.record(suite.result(original, Label.PARTIAL_PASS))

    with suite.work() as work:
        (late,) = intake.admit(work, group_id, [suite.student("same")])

    first, second = candidates_of(suite, group_id)
    assert second.id == late
    assert second.duplicate_of == first.id
    assert (second.state, second.label) == (CandidateState.LABELLED, Label.PARTIAL_PASS)
    assert (second.pass_fraction, second.execution_id) == (0.5, first.execution_id)
    assert len(suite.outbox.programs()) == 1
    assert [message.group_id for message in suite.outbox.of(Task.RANK_GROUP)] == [group_id]


def test_positions_go_on_where_the_last_admission_ended(suite):
    group_id = suite.open(suite.teacher("a"), suite.teacher("b"), samples=1)

    with suite.work() as work:
        intake.admit(work, group_id, [suite.student("c")])

    assert [row.position for row in candidates_of(suite, group_id)] == [0, 1, 2]


def test_admissions_of_one_group_at_once_execute_a_program_once(suite):
    group_id = suite.open(suite.teacher("a"), samples=4)
    together = threading.Barrier(4)
    failures = []

    def admit(number):
        together.wait()
        try:
            with suite.work() as work:
                intake.admit(
                    work, group_id, [suite.student("same"), suite.student(f"own {number}")]
                )
        except SQLAlchemyError as error:
            failures.append(error)

    threads = [threading.Thread(target=admit, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    suite.dispatch()
    rows = candidates_of(suite, group_id)
    assert [row.position for row in rows] == list(range(9))
    assert sum(row.program == "same" and row.duplicate_of is None for row in rows) == 1
    assert len(suite.outbox.programs()) == 6


def test_a_ranked_group_takes_no_more_candidates(suite):
    group_id = suite.ranked_group()

    with pytest.raises(errors.Conflict, match="ranked"), suite.work() as work:
        intake.admit(work, group_id, [suite.student("late")])


@pytest.mark.parametrize("text", ["a\x00b", "lone \ud800 surrogate", "\udcff", "é\U0001f600", ""])
def test_a_program_comes_back_from_database_and_queue_as_the_model_wrote_it(suite, text):
    new = NewCandidate(author=Author.STUDENT, program=text, completion=text + "!")
    group_id = suite.open(new)

    (row,) = candidates_of(suite, group_id)
    assert (row.program, row.completion) == (text, text + "!")
    (message,) = suite.outbox.of(Task.EXECUTE_BATCH)
    wire = kombu_json.dumps(message.model_dump(mode="json")).encode()
    received = ExecutionRequest.model_validate(kombu_json.loads(wire))
    assert received.programs[0].source == text


def test_an_empty_completion_is_stored_as_one_and_none_as_none(suite):
    wrote_nothing = suite.student("").model_copy(update={"completion": ""})

    group_id = suite.open(wrote_nothing, suite.student("x"))

    assert [row.completion for row in candidates_of(suite, group_id)] == ["", None]


def test_metadata_of_any_json_survives_the_database(suite):
    metadata = {"nul": "\x00", "nested": [1, {"big": 2**70, "float": 0.1}], "none": None}
    new = suite.student("x").model_copy(update={"metadata": metadata})

    (row,) = candidates_of(suite, suite.open(new))

    assert json.dumps(row.details, sort_keys=True) == json.dumps(metadata, sort_keys=True)


def test_a_sample_plan_with_a_nul_byte_is_refused_at_the_door(suite):
    plan = SamplePlan(author=Author.STUDENT, backend="replay", num_samples=1, stop=("\x00",))

    with pytest.raises(errors.InvalidInput, match="NUL"), suite.work() as work:
        intake.open_group(work, suite.problem_id, NewGroup(samples=(plan,)))


def test_a_problem_keeps_its_reference_program_to_itself(suite):
    decides_nothing = {
        "integrity": IntegrityRule.ISOLATED,
        "limits": Limits(reference_factor=None),
    }
    reference = suite.problem(slug="other").model_copy(
        update={"reference_program": "SECRET", **decides_nothing}
    )
    with suite.work() as work:
        problem_id, _ = stored_problems.add_problem(work, reference)
        intake.open_group(work, problem_id, NewGroup(candidates=(suite.student("x"),)))
    suite.dispatch()

    (message,) = suite.outbox.of(Task.EXECUTE_BATCH)
    assert "SECRET" not in message.model_dump_json()
    with suite.database.reading() as session:
        assert session.get(ProblemRow, problem_id).reference_program == "SECRET"


def test_what_is_to_be_there_once_is_there_once_whoever_asks_at_the_same_time(suite):
    new = NewGroup(candidates=(suite.student("x \ud800"), suite.student("y")), once=True)
    together = threading.Barrier(4)
    found = []

    def ask():
        together.wait()
        with suite.work() as work:
            found.extend(intake.open_groups(work, [(suite.problem_id, new)] * 2))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 8
    assert len({group.id for group in found}) == 1
    assert sum(group.created for group in found) == 1
    assert len(candidates_of(suite, found[0].id)) == 2
    with suite.work() as work:
        again = intake.open_group(work, suite.problem_id, new.model_copy(update={"once": False}))
    assert again != found[0].id
